// PostgREST and PostgreSQL without the Hub in front: tokens as the Hub issues them, and the rows that a change left.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { importJWK, SignJWT } from 'jose';
import pg from 'pg';
import { PERSONAS } from '../../../dev/personas.mjs';
import { waitUntil } from '../../../dev/ports.mjs';
import { startStack } from '../../../dev/stack.mjs';
import { deleteWhenPassed } from './harness.mjs';
import { template } from '../template.mjs';

export const wait = (ms) => new Promise((next) => setTimeout(next, ms));

/** The stack without the Hub, and functions to query it. */
export async function start(dataDir, shift) {
  deleteWhenPassed(`${dataDir}/postgres`);
  const stack = await startStack({ dataDir, fresh: true, shift, hub: false, from: template(17) });
  const [key] = JSON.parse(stack.keys.signing).keys;
  const signing = await importJWK(key, 'ES256');
  const minted = new Map();
  let requests = 0;

  /** Returns a token of at most 30 seconds, like those of the Hub; no token if the claims are `null`. */
  const mint = (claims, life = 30) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: key.kid })
      .setIssuedAt()
      .setExpirationTime(`${life}s`)
      .sign(signing);
  const token = async (who) => {
    const known = minted.get(who);
    if (known && known.until > Date.now()) return known.text;
    const text = await mint(claimsOf(who));
    minted.set(who, { text, until: Date.now() + 20_000 });
    return text;
  };

  /** Returns a new ULID: the Hub's id of a request. */
  const requestId = () =>
    `01DRCT${String(process.pid % 1e7).padStart(7, '0')}${String(Date.now() % 1e6).padStart(6, '0')}${String((requests += 1)).padStart(7, '0')}`;

  /**
   * Sends a request as one of PERSONAS, or with explicit claims (`null` for no token); `status` 0 means no response.
   */
  const fetchAs = async (who, method, path, { body, headers = {}, id = requestId(), signal } = {}) => {
    const bearer = typeof who === 'string' ? await token(who) : who && (await mint(who));
    try {
      const response = await fetch(`${stack.urls.postgrest}/${path}`, {
        method,
        headers: {
          ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
          ...(body ? { 'content-type': 'application/json' } : {}),
          [method === 'GET' ? 'accept-profile' : 'content-profile']: 'hub',
          'x-request-id': id,
          'x-hub-route': `/rest/v1/${path.split('?')[0]}`,
          ...headers,
        },
        body: body && JSON.stringify(body),
        signal: signal ?? AbortSignal.timeout(60_000),
      });
      const text = await response.text();
      return { status: response.status, json: text ? JSON.parse(text) : null, id };
    } catch (error) {
      return { status: 0, json: { code: error.cause?.code ?? error.name }, id };
    }
  };

  const open = async (url = stack.urls.database) => {
    // Times in a jsonb have the time zone of the session; those of the audit log have this one.
    const client = new pg.Client({ connectionString: url, options: '-c timezone=UTC' });
    // A test terminates the server during a query.
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  /** Runs SQL on its own connection, as the superuser if no other is named. */
  const sql = async (text, values = [], url = stack.urls.database) => {
    const client = await open(url);
    try {
      return (await client.query(text, values)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  };
  /** PostgREST reads a role's settings when it is notified; it listens again some time after it lost the database. */
  const reload = async () => {
    const reloaded = () => fs.readFileSync(stack.parts.postgrest.log, 'utf8').split('Config reloaded').length;
    const before = reloaded();
    await waitUntil('a new configuration', async () => {
      await sql("notify pgrst, 'reload config'");
      await wait(100);
      return reloaded() > before;
    });
  };
  return { stack, fetchAs, mint, sql, open, reload, requestId };
}

function claimsOf(who) {
  const { sub, sid, role, o, name } = PERSONAS[who];
  const sat = Math.floor(Date.now() / 1000);
  return role
    ? { role: 'hub_staff', sub, sid, sat, stacklumen_role: role, name }
    : { role: 'hub_customer', sub, sid, sat, owner: o?.id ?? sub };
}

/** Returns the errors of the whole audit log as text; nothing if each change has its row and each row its change. */
export async function faults(sql) {
  const found = [];
  for (const entity of ['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages']) {
    const rows = await sql(
      `
      with audit as (
        select a.entity_id, count(*) filter (where a.action = 'insert') as inserts, count(*) filter (where a.action = 'update') as updates,
          count(*) filter (where a.action = 'delete') as deletes, max((a.before ->> 'version')::integer) filter (where a.action = 'delete') as last_version
        from hub.team_activities a where a.entity = $1 and a.action in ('insert', 'update', 'delete') group by a.entity_id
      ), shown as (
        -- The values of the last audit row of each column.
        select w.entity_id, jsonb_object_agg(w.key, w.value) as state from (
          select distinct on (a.entity_id, v.key) a.entity_id, v.key, v.value
          from hub.team_activities a, jsonb_each(a.after) v where a.entity = $1 and a.action in ('insert', 'update') and v.key not in ('version', 'updated_at')
          order by a.entity_id, v.key, a.id desc) w
        group by w.entity_id
      )
      select coalesce(r.id::text, t.entity_id) as id, t.inserts::integer, t.updates::integer, t.deletes::integer, coalesce(r.version, t.last_version) as version,
        r.id is not null as there, s.state is not distinct from to_jsonb(r) - 'version' - 'updated_at' as same
      from audit t full join hub.${entity} r on r.id::text = t.entity_id left join shown s on s.entity_id = t.entity_id`,
      [entity],
    );
    assert.ok(rows.length > 0, entity);
    for (const { id, inserts, updates, deletes, version, there, same } of rows) {
      const where = `${entity} ${id}:`;
      if (inserts !== 1) found.push(`${where} ${inserts} audit rows of its insert`);
      if (updates !== version - 1) found.push(`${where} ${version - 1} changes, ${updates} audit rows`);
      if (deletes !== (there ? 0 : 1))
        found.push(`${where} ${there ? 'exists' : 'is deleted'}, ${deletes} audit rows of its deletion`);
      if (there && !same) found.push(`${where} differs from the audit log`);
    }
  }
  for (const { entity, entity_id: id, finding } of await sql('select * from hub_private.find_drift()'))
    found.push(`${entity} ${id}: ${finding}`);
  return found;
}
