// The cost of the audit log (L-1): the same writes to a table with its trigger, to a copy without any, and to the Hub's
// own table.
//
// The three alternate in each round, so that other load of the host affects all of them equally; the results are
// medians of differences and ratios of one run. ROUNDS, ROWS, REQUESTS and SECONDS change the duration.

import fs from 'node:fs';
import pg from 'pg';
import { port } from '../dev/ports.mjs';
import { deleteData, migrate, startPostgres } from '../dev/postgres.mjs';
import { claim } from '../dev/running.mjs';

const FOLDER = '.local/bench-audit';
const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const ROUNDS = number('ROUNDS', 5);
const ROWS = number('ROWS', 20_000);
const REQUESTS = number('REQUESTS', 2000);
const SECONDS = number('SECONDS', 3);
const CLIENTS = 8;
const TABLES = { plain: 'bench.plain', audited: 'bench.audited', hub: 'hub.leads' };
const NAMES = { plain: 'no trigger', audited: 'the audit trigger alone', hub: 'as in the Hub' };
const say = (line) => console.log(line);
const sorted = (values) => values.toSorted((one, other) => one - other);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];
const quantile = (values, part) => sorted(values)[Math.floor(values.length * part)];
let requests = 0;

await claim(`${FOLDER}.json`);
deleteData(FOLDER);
const server = await startPostgres({ dataDir: FOLDER, port: await port('postgres', 24660) });
let failed = false;
try {
  await migrate(server.ownerUrl);
  const owner = await connected(server.ownerUrl);
  const ids = await prepare(owner);
  const {
    rows: [{ version }],
  } = await owner.query("select current_setting('server_version') as version");
  say(
    `\nPostgreSQL ${version}, fsync off (a commit waits for no disk, so the audit trigger's share of a request is at its maximum); ${ROUNDS} rounds, medians\n`,
  );
  await bulk(owner);
  await single(ids);
  await throughput(ids);
  await owner.end();
} finally {
  await server.stop();
}
process.exit(failed ? 1 : 0);

async function connected(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** Creates leads and two copies with the same columns, checks and indexes: one with the audit trigger, one without. */
async function prepare(owner) {
  await owner.query(`
    select set_config('hub.actor_id', 'user_2hubsales0000000000000006', false), set_config('hub.actor_kind', 'staff', false), set_config('hub.staff_role', 'sales', false);
    insert into hub.leads (name, email, company, message, source, assigned_to, notes)
      select 'Lead ' || n, 'lead' || n || '@example.com', 'Northwind', 'We need a new website before spring, and a shop with it.', 'event', 'user_2hubsales0000000000000006', 'Called once; asks for a quote.'
      from generate_series(1, ${ROWS}) n;
    create schema bench;
    grant usage on schema bench to hub_staff;`);
  for (const table of ['bench.plain', 'bench.audited']) {
    await owner.query(
      `create table ${table} (like hub.leads including all); insert into ${table} select * from hub.leads; grant select, update on ${table} to hub_staff`,
    );
  }
  await owner.query(`create trigger record_activity after insert or update or delete on bench.audited for each row execute function hub_private.record_activity();
    alter table bench.audited enable always trigger record_activity;`);
  for (const table of Object.values(TABLES)) await owner.query(`vacuum analyze ${table}`);
  return (await owner.query('select id from hub.leads order by id limit 5000')).rows.map((row) => row.id);
}

/** Measures each table once in a round; returns the values of `measure`. */
async function rounds(measure) {
  const found = { plain: [], audited: [], hub: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, table] of Object.entries(TABLES)) {
      const value = await measure(table, round);
      // The first round warms up.
      if (round > 0) found[name].push(value);
    }
  }
  return found;
}

function reportLimit(what, value, most, unit) {
  failed ||= value > most;
  say(
    `\n${what}: ${value.toFixed(2)} ${unit}, at most ${most} ${unit}: ${value <= most ? 'within the limit' : 'ABOVE THE LIMIT'}\n`,
  );
}

/** Returns the backend's own CPU time, by Linux's scheduler; elapsed time would include other load of the host. */
async function worker(client) {
  const {
    rows: [{ pid }],
  } = await client.query('select pg_backend_pid() as pid');
  const file = `/proc/${pid}/schedstat`;
  return () => Number(fs.readFileSync(file, 'utf8').split(' ')[0]) / 1000;
}

async function bulk(owner) {
  const worked = await worker(owner);
  const found = await rounds(async (table, round) => {
    const [began, before] = [process.hrtime.bigint(), worked()];
    await owner.query(`update ${table} set notes = 'round ${round}'`);
    const one = { clock: Number(process.hrtime.bigint() - began) / 1000 / ROWS, cpu: (worked() - before) / ROWS };
    await owner.query(`vacuum ${table}`);
    return one;
  });
  const of = (name, part) => median(found[name].map((one) => one[part]));
  say(
    `| one UPDATE of ${ROWS} rows | µs per row | CPU µs per row | more CPU | times |\n| --- | --: | --: | --: | --: |`,
  );
  for (const name of Object.keys(TABLES)) {
    const [cpu, plain] = [of(name, 'cpu'), of('plain', 'cpu')];
    say(
      `| ${NAMES[name]} | ${of(name, 'clock').toFixed(1)} | ${cpu.toFixed(1)} | ${(cpu - plain).toFixed(1)} | ${(cpu / plain).toFixed(1)} |`,
    );
  }
  reportLimit(
    'audit trigger per row, CPU time',
    median(found.audited.map((one, round) => one.cpu - found.plain[round].cpu)),
    100,
    'µs',
  );
}

/** Returns one request's transaction, as PostgREST sends it: identity, pre-request, change. */
function transaction(table, id) {
  requests += 1;
  const claims = JSON.stringify({
    role: 'hub_staff',
    sub: 'user_2hubsales0000000000000006',
    sid: 'sess_2hubsales0000000000000006',
    stacklumen_role: 'sales',
    sat: 1_795_000_000,
  });
  const headers = JSON.stringify({
    'x-request-id': String(requests).padStart(26, '0'),
    'x-hub-route': '/rest/v1/leads',
  });
  return `begin; select set_config('role', 'hub_staff', true), set_config('request.method', 'PATCH', true), set_config('request.path', '/leads', true),
    set_config('request.jwt.claims', '${claims}', true), set_config('request.headers', '${headers}', true);
    select hub_private.before_request();
    update ${table} set notes = 'request ${requests}' where id = '${id}' returning id; commit`;
}

async function single(ids) {
  const client = await connected(server.authenticatorUrl);
  const found = await rounds(async (table) => {
    const times = [];
    for (let n = 0; n < REQUESTS; n += 1) {
      const text = transaction(table, ids[n % ids.length]);
      const began = process.hrtime.bigint();
      await client.query(text);
      times.push(Number(process.hrtime.bigint() - began) / 1e6);
    }
    return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) };
  });
  await client.end();
  const of = (name, part) => median(found[name].map((one) => one[part]));
  say(`| one row per request, ${REQUESTS} requests | p50 ms | p95 ms | more at p95 |\n| --- | --: | --: | --: |`);
  for (const name of Object.keys(TABLES))
    say(
      `| ${NAMES[name]} | ${of(name, 'p50').toFixed(2)} | ${of(name, 'p95').toFixed(2)} | ${(of(name, 'p95') - of('plain', 'p95')).toFixed(2)} |`,
    );
  reportLimit(
    'audit trigger per request, p95',
    median(found.audited.map((one, round) => one.p95 - found.plain[round].p95)),
    0.5,
    'ms',
  );
}

async function throughput(ids) {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connected(server.authenticatorUrl)));
  const found = await rounds(async (table) => {
    const began = Date.now();
    const done = await Promise.all(
      clients.map(async (client, place) => {
        let count = 0;
        // Each client has its own rows, so that none waits for a row lock.
        for (; Date.now() < began + SECONDS * 1000; count += 1)
          await client.query(transaction(table, ids[(count * CLIENTS + place) % ids.length]));
        return count;
      }),
    );
    return (done.reduce((sum, count) => sum + count, 0) * 1000) / (Date.now() - began);
  });
  await Promise.all(clients.map((client) => client.end()));
  say(`| ${CLIENTS} clients for ${SECONDS} s | transactions/s | loss |\n| --- | --: | --: |`);
  for (const name of Object.keys(TABLES)) {
    const loss = median(found[name].map((rate, round) => 1 - rate / found.plain[round]));
    say(`| ${NAMES[name]} | ${median(found[name]).toFixed(0)} | ${(loss * 100).toFixed(0)} % |`);
  }
}
