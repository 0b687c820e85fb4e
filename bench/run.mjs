// `make bench`: the Hub, a pass-through (the baseline) and a Hono + Clerk + supabase-js Worker (the peer), in one run.
//
// Each has its own workerd; they alternate, so that other load of the host affects all of them equally. The results are
// the ratios of CPU time per request. ROUNDS and REQUESTS change the duration.

import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import fs from 'node:fs';
import { gzipSync } from 'node:zlib';
import autocannon from 'autocannon';
import { build } from 'esbuild';
import { importJWK, SignJWT } from 'jose';
import pg from 'pg';
import { waitUntil, port } from '../dev/ports.mjs';
import { start } from '../dev/process.mjs';
import { startStack } from '../dev/stack.mjs';
import { AS_TLS, startWorkerd } from '../dev/workerd.mjs';

const FOLDER = '.local/bench';
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const REQUESTS = Number(process.env.REQUESTS ?? 2000);
const CONNECTIONS = 16;
const say = (line) => console.log(line);
const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

const stack = await startStack({ dataDir: FOLDER, fresh: true, shift: 300, hub: false, say });
const ending = [() => stack.stop()];
try {
  const lead = await prepare();
  const stubPort = await port('stub', 24700);
  const stub = start(process.execPath, ['bench/stub.mjs', String(stubPort)], { log: `${FOLDER}/stub.log` });
  ending.push(stub.stop);
  const stubUrl = `http://127.0.0.1:${stubPort}`;
  await waitUntil('the stub', async () => (await fetch(stubUrl)).ok);
  await build({
    entryPoints: ['bench/reference-worker/worker.mjs'],
    bundle: true,
    minify: true,
    format: 'esm',
    conditions: ['workerd', 'worker'],
    outfile: `${FOLDER}/peer.mjs`,
    logLevel: 'error',
    external: ['node:*', 'cloudflare:*'],
  });

  const bundles = {
    passthrough: ['bench/passthrough-worker.mjs'],
    peer: [`${FOLDER}/peer.mjs`],
    hub: ['build/index.js', 'build/index_bg.wasm'],
  };
  const workers = async (upstream, restUrl, role) => {
    const started = {};
    for (const [name, modules] of Object.entries(bundles)) {
      const vars = await variables(name, restUrl, role);
      const queue = name === 'hub' ? `127.0.0.1:${stubPort}` : undefined;
      started[name] = await startWorkerd({
        name: `${name}-${upstream}`,
        port: await port(name, 24710),
        folder: `${FOLDER}/workerd`,
        modules,
        vars,
        queue,
      });
      ending.push(started[name].stop);
    }
    return started;
  };
  const onStub = await workers('stub', `${stubUrl}/rest/v1`, 'customer');
  const onDatabase = await workers('database', stack.urls.postgrest, 'customer');
  const forStaff = await workers('staff', stack.urls.postgrest, 'staff');

  const read = { method: 'GET', path: '/rest/v1/contact_tickets?select=id,subject,status&limit=20' };
  const cases = [
    { what: 'customer read, upstream at once', among: onStub, ...read, persona: 'alice' },
    {
      what: 'customer read, never-seen token, upstream at once',
      among: onStub,
      ...read,
      persona: 'alice',
      fresh: true,
    },
    { what: 'customer read, PostgREST', among: onDatabase, ...read, persona: 'alice' },
    {
      what: 'staff change with its audit row, PostgREST',
      among: forStaff,
      method: 'PATCH',
      path: `/rest/v1/leads?id=eq.${lead}`,
      persona: 'sales',
      body: (n) => JSON.stringify({ notes: `call ${n}` }),
    },
  ];
  say(`\n${ROUNDS} rounds of ${REQUESTS} requests on ${CONNECTIONS} connections each; medians\n`);
  say('| | requests/s | p50 ms | p99 ms | CPU µs per request | memory MiB | CPU ÷ passthrough | CPU ÷ peer |');
  say('| --- | --: | --: | --: | --: | --: | --: | --: |');
  for (const one of cases) await compare(one);
  await sizes(bundles);
  await coldStarts(bundles, stubUrl);
} finally {
  for (const end of ending.reverse()) await end();
}
process.exit(0);

/** Creates the peer's own tables, without triggers and policies, and a lead that both sides change. */
async function prepare() {
  const client = new pg.Client({ connectionString: stack.urls.database });
  await client.connect();
  // The Hub's event triggers would reject such tables.
  await client.query('set event_triggers = off');
  await client.query(`
    create table hub.bench_leads (like hub.leads including all);
    insert into hub.bench_leads select * from hub.leads;
    create table hub.bench_activities (id bigint generated always as identity primary key, at timestamptz default now(), actor_id text, entity text, entity_id text, before jsonb, after jsonb);
    grant select, update on hub.bench_leads to hub_staff;
    grant insert on hub.bench_activities to hub_staff;
    notify pgrst, 'reload schema'`);
  const { rows } = await client.query('select id from hub.leads limit 1');
  await client.end();
  await new Promise((next) => setTimeout(next, 1000));
  return rows[0].id;
}

async function variables(name, restUrl, role) {
  const { urls, keys } = stack;
  if (name === 'hub') return { ...stack.vars, POSTGREST_URL: restUrl };
  const [key] = JSON.parse(keys.signing).keys;
  const sat = Math.floor(Date.now() / 1000);
  const tokenClaims =
    role === 'staff'
      ? {
          role: 'hub_staff',
          sub: 'user_2hubsales0000000000000006',
          sid: 'sess_2hubsales0000000000000006',
          stacklumen_role: 'sales',
          sat,
        }
      : {
          role: 'hub_customer',
          sub: 'user_2hubalice0000000000000001',
          sid: 'sess_2hubalice0000000000000001',
          owner: 'org_2hubacme00000000000000001',
          sat,
        };
  const DATABASE_TOKEN = await new SignJWT(tokenClaims)
    .setProtectedHeader({ alg: 'ES256', kid: key.kid })
    .setIssuedAt()
    .setExpirationTime('2h')
    .sign(await importJWK(key, 'ES256'));
  const {
    keys: [jwk],
  } = await (await fetch(`${urls.clerk}/.well-known/jwks.json`)).json();
  const JWT_KEY = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  return {
    REST_URL: restUrl,
    SUPABASE_URL: await fronted(restUrl),
    DATABASE_TOKEN,
    JWT_KEY,
    PARTY: urls.hub,
    PUBLISHABLE_KEY: keys.publishable,
  };
}

/** supabase-js appends /rest/v1 to its URL; the bare PostgREST has no such prefix, so the peer uses the gateway. */
async function fronted(restUrl) {
  return restUrl.endsWith('/rest/v1') ? restUrl.slice(0, -'/rest/v1'.length) : stack.urls.supabase;
}

async function token(persona, unlike) {
  const claims = Buffer.from(
    JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 115, jti: `bench${unlike}` }),
  ).toString('base64url');
  return (await (await fetch(`${stack.urls.clerk}/dev/token/${persona}?claims=${claims}`)).json()).token;
}

async function compare({ what, among, method, path, persona, fresh = false, body }) {
  const found = {};
  for (let round = 0; round < ROUNDS + 1; round += 1) {
    for (const [name, worker] of Object.entries(among)) {
      const count = fresh ? Math.min(REQUESTS, 1000) : REQUESTS;
      const tokens = [];
      for (let n = 0; n < (fresh ? count : 1); n += 1) tokens.push(await token(persona, `${round}${name}${n}`));
      let next = 0;
      const setupRequest = (request) => {
        const n = next++;
        return {
          ...request,
          headers: {
            ...request.headers,
            authorization: `Bearer ${tokens[n % tokens.length]}`,
            ...(body ? { 'content-type': 'application/json', 'if-match': '*' } : {}),
            'x-request-id': id(round, n),
          },
          ...(body ? { body: body(`${round}.${n}`) } : {}),
        };
      };
      const before = worker.cost();
      const result = await autocannon({
        url: worker.url,
        connections: CONNECTIONS,
        amount: count,
        requests: [{ method, path, headers: AS_TLS, setupRequest }],
      });
      const after = worker.cost();
      if (result.non2xx > 0 || result.errors > 0)
        throw new Error(`${what}, ${name}: ${result.non2xx} rejected, ${result.errors} failed`);
      // The first round warms up.
      if (round === 0) continue;
      (found[name] ??= []).push({
        rate: (CONNECTIONS * 1000) / result.latency.average,
        p50: result.latency.p50,
        p99: result.latency.p99,
        cpu: (after.cpu - before.cpu) / count,
        memory: after.memory / 1024,
      });
    }
  }
  const cpu = (name) => median(found[name].map((one) => one.cpu));
  say(`| **${what}** | | | | | | | |`);
  for (const [name, rounds] of Object.entries(found)) {
    const of = (key) => median(rounds.map((one) => one[key])).toFixed(0);
    say(
      `| ${name} | ${of('rate')} | ${of('p50')} | ${of('p99')} | ${cpu(name).toFixed(0)} | ${of('memory')} | ${(cpu(name) / cpu('passthrough')).toFixed(2)} | ${(cpu(name) / cpu('peer')).toFixed(2)} |`,
    );
  }
}

/** Returns a ULID for each request, which the request rows require to be unique. */
function id(round, n) {
  return `01BENCH${String(process.pid).padStart(7, '0')}${round}${String(Date.now() % 1e5).padStart(5, '0')}${String(n).padStart(6, '0')}`;
}

async function sizes(bundles) {
  say('\nbundle, gzip:');
  for (const [name, files] of Object.entries(bundles)) {
    const size = files.reduce((sum, file) => sum + gzipSync(fs.readFileSync(file), { level: 9 }).length, 0);
    say(`  ${name.padEnd(6)} ${(size / 1024).toFixed(0)} KiB`);
  }
}

/** Measures from the start of the process to its first response, less the time of an empty Worker. */
async function coldStarts(bundles, stubUrl) {
  const all = { empty: ['bench/empty.mjs'], ...bundles };
  const times = {};
  for (let round = 0; round < Math.max(ROUNDS, 5); round += 1) {
    for (const [name, modules] of Object.entries(all)) {
      const vars = name === 'empty' ? {} : await variables(name, `${stubUrl}/rest/v1`, 'customer');
      const worker = await startWorkerd({
        name: `cold-${name}`,
        port: await port(name, 24750),
        folder: `${FOLDER}/workerd`,
        modules,
        vars,
      });
      (times[name] ??= []).push(worker.startedMs);
      await worker.stop();
    }
  }
  say(
    `\ncold start over an empty Worker (${median(times.empty).toFixed(0)} ms), on ${execFileSync('nproc').toString().trim()} cores:`,
  );
  for (const name of Object.keys(bundles))
    say(`  ${name.padEnd(6)} ${(median(times[name]) - median(times.empty)).toFixed(0)} ms`);
}
