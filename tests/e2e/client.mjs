// The clients of the live tests: unmodified supabase-js for users, node:https for the request checks, SQL for the
// stored rows.
//
// Run with `make test STAGE=e2e`. Files that run in one process share one stack; TEST_FOLDER gives another process its
// own.

import { after } from 'node:test';
import https from 'node:https';
import http from 'node:http';
import tls from 'node:tls';
import { createClient } from '@supabase/supabase-js';
import pg from 'pg';
import { loopback } from '../../dev/http.mjs';
import { startStack } from '../../dev/stack.mjs';
import { deleteWhenPassed } from '../database/helpers/harness.mjs';
import { template } from '../database/template.mjs';

/** The folder of this process's stack, with its data and logs. */
export const FOLDER = process.env.TEST_FOLDER ?? '.local/test';

let starting;
/** The one stack of this run: fresh data, own ports. */
export function stack() {
  if (!starting) deleteWhenPassed(`${FOLDER}/postgres`);
  starting ??= startStack({ dataDir: FOLDER, from: template(17), fresh: true, shift: 100, http: true }).then(
    (running) => {
      console.log(`# on ${running.parts.postgrest.version}`);
      return running;
    },
  );
  return starting;
}

let database;
/** Queries the database directly, as its superuser: a test sees here what is stored. */
export async function sql(text, values = []) {
  if (!database) {
    // A change made directly in the database needs an actor too (L-1); the audit log shows that it bypassed the Hub.
    database = new pg.Pool({
      connectionString: (await stack()).urls.database,
      max: 2,
      options: '-c hub.actor_id=system:test -c hub.actor_kind=system',
    });
    // A restarted server ends idle connections; the next query opens a new one.
    database.on('error', () => {});
  }
  return (await database.query(text, values)).rows;
}

after(async () => {
  await database?.end();
  if (starting) await (await starting).stop();
});

/**
 * Returns a session token of a persona; `overrides` are query parameters of the stand-in, `clerk` is the instance that
 * issues it.
 */
export async function token(persona, overrides = {}, clerk = 'clerk') {
  const { urls } = await stack();
  const query = new URLSearchParams(overrides);
  const response = await fetch(`${urls[clerk]}/dev/token/${persona}?${query}`);
  if (!response.ok) throw new Error(`no token for ${persona}: ${response.status} ${await response.text()}`);
  return (await response.json()).token;
}

/** The default headers of the studio's own tools: a purpose, and `If-Match: *` to overwrite any version. */
const STAFF_HEADERS = { 'x-hub-purpose': 'support', 'if-match': '*' };
const staffHeaders = (persona) => (['admin', 'sales', 'support', 'stale'].includes(persona) ? STAFF_HEADERS : {});

/** Returns an unmodified supabase-js client, signed in as a persona; anonymous if `null`. */
export async function client(persona, options = {}) {
  const { urls, keys } = await stack();
  const accessToken = persona ? async () => token(persona) : undefined;
  return createClient(urls.hub, keys.publishable, {
    ...(accessToken ? { accessToken } : {}),
    auth: { persistSession: false, autoRefreshToken: false },
    global: { headers: staffHeaders(persona) },
    ...options,
  });
}

/** Sends one request, byte for byte: no path is normalized, no redirect followed, no header added. */
export async function raw(path, { method = 'GET', headers = {}, body, base } = {}) {
  const url = new URL(base ?? (await stack()).urls.hub);
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(
      {
        host: url.hostname,
        port: url.port,
        path,
        method,
        headers,
        ca: secure ? authority : undefined,
        lookup: loopback,
        setHost: !headers.host,
      },
      (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          let json;
          try {
            json = JSON.parse(text);
          } catch {
            // Not JSON: `json` stays undefined.
          }
          resolve({ status: response.statusCode, headers: response.headers, text, json });
        });
      },
    );
    request.setTimeout(30_000, () => request.destroy(new Error('no response in 30 s')));
    request.on('error', reject);
    request.end(body);
  });
}

/** Sends a request to the API with a persona's token. */
export async function fetchAs(persona, path, { headers = {}, body, ...rest } = {}) {
  const authorization = persona ? { authorization: `Bearer ${await token(persona)}` } : {};
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return raw(`/rest/v1/${path}`, {
    ...rest,
    headers: Object.fromEntries(
      Object.entries({ ...staffHeaders(persona), ...authorization, ...json, ...headers }).filter(
        ([, value]) => value !== undefined,
      ),
    ),
    body: text,
  });
}

/** Returns the requests that reached PostgREST since the last call. */
export async function upstream() {
  const { urls } = await stack();
  const requests = await (await fetch(`${urls.supabase}/dev/requests`)).json();
  await fetch(`${urls.supabase}/dev/requests`, { method: 'DELETE' });
  return requests.filter((request) => !request.path.includes('/rpc/record_requests'));
}

/** Sets the database side to ok, down, slow, hang or garbage. */
export async function database_is(mode, more = {}) {
  await post('supabase', '/dev/upstream', { mode, ...more });
}

/** Sets a part of Clerk (jwks, backend, frontend) to ok, 503, hang or garbage. */
export async function clerk_is(mode, part = 'jwks') {
  await post('clerk', '/dev/outage', { mode, part });
}

/** Posts JSON to a stand-in. */
export async function post(part, path, body = {}) {
  const { urls } = await stack();
  const response = await fetch(urls[part] + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

/** Waits until a condition holds; for rows that are written after the response. */
export async function until(what, condition, seconds = 10) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await new Promise((next) => setTimeout(next, 50))) {
    const found = await condition();
    if (found) return found;
  }
  throw new Error(`${what} did not happen within ${seconds} s`);
}

/** Returns the whole request row of an id, once the queue's consumer has written it. */
export const recorded = (id) =>
  until(
    `the request row ${id}`,
    async () => (await sql('select * from hub.request_log where request_id = $1 and status is not null', [id]))[0],
  );

/** Returns the audit log's rows of a request, once they exist. */
export const readRecords = (id) =>
  until(`the read record ${id}`, async () => {
    const rows = await sql(
      "select * from hub.team_activities where request_id = $1 and action in ('read', 'list', 'export') order by id",
      [id],
    );
    return rows.length > 0 && rows;
  });

const authority = (await stack()).certificate;
// Equivalent to NODE_EXTRA_CA_CERTS, which needs the certificate before this process starts.
tls.setDefaultCACertificates([...tls.getCACertificates(), authority]);

export const ALICE = 'user_2hubalice0000000000000001';
export const CAROL = 'user_2hubcarol0000000000000003';
export const ACME = 'org_2hubacme00000000000000001';
