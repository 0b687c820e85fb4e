// `make bench`, the audit log: duration of each staff filter over 1,000,000 rows of it (L-1, L-3), through PostgREST as
// an admin, and of a client's view of its own rows. ROWS and REQUESTS change the duration.

import { importJWK, SignJWT } from 'jose';
import pg from 'pg';
import { PERSONAS } from '../dev/personas.mjs';
import { startStack } from '../dev/stack.mjs';
import { measureExports } from './export.mjs';

const ROWS = Number(process.env.ROWS ?? 1_000_000);
const REQUESTS = Number(process.env.REQUESTS ?? 200);
const TARGET_MS = 50;
const say = (line) => console.log(line);
// The query that the Hub writes for a client that names no columns (tests/golden/queries.txt).
const AUDIT_COLUMNS =
  'id,occurred_at,actor_id,actor_role,session_id,database_role,action,entity,entity_id,owner_id,before,after,salt,values_hash,request_id,erased_at,actor_kind,actor_name,reason,purpose,filter,row_count,row_hash,internal,route,login_role,out_of_band';
const REQUEST =
  'id,occurred_at,request_id,client_request_id,method,route,who,actor_id,session_id,owner_id,impersonator_id,outcome,status,code,duration_ms,upstream_ms,row_count,colo,country,token_id,address_hash';

const stack = await startStack({ dataDir: '.local/bench-audit', fresh: true, shift: 340, hub: false });
const client = new pg.Client({ connectionString: stack.urls.database, options: '-c timezone=UTC' });
await client.connect();
const [key] = JSON.parse(stack.keys.signing).keys;
const signing = await importJWK(key, 'ES256');
let failed = 0;
let records;
let minted = { until: 0 };
try {
  const began = Date.now();
  await make();
  records = (
    await client.query("select entity_id from hub.team_activities where request_id like '01BENCHTRA%' limit 500")
  ).rows.map((row) => row.entity_id);
  say(
    `${ROWS} rows of team_activities over 24 months and ${Math.round(ROWS * 0.3)} of request_log created in ${((Date.now() - began) / 1000).toFixed(0)} s`,
  );
  say(
    `\n${REQUESTS} sequential requests each, 100 rows per page, newest first; a deep page begins in the older half, or in the middle of the requested time range\n`,
  );
  say('| filter | rows per page | p50 ms | p95 ms | max ms | deep: rows | p50 ms | p95 ms | max ms |');
  say('| --- | --: | --: | --: | --: | --: | --: | --: | --: |');
  // The cost of any request on this host at this time.
  const baseline = await series(() => 'checks?select=id&limit=1');
  say(
    `| an empty table | ${baseline.rows} | ${baseline.p50.toFixed(1)} | ${baseline.p95.toFixed(1)} | ${baseline.max.toFixed(1)} | | | | |`,
  );
  for (const [what, table, filter] of filters()) await measure(what, table, filter);
  await ownView();
  await measureExports(stack, client, say);
  say(`\n${failed === 0 ? `every p95 is under ${TARGET_MS} ms` : `${failed} p95 are not under ${TARGET_MS} ms`}`);
} finally {
  await client.end();
  await stack.stop();
}
process.exit(failed === 0 ? 0 : 1);

/** Inserts rows as the triggers do, directly into the partitions, oldest first; indexes are created afterwards. */
async function make() {
  await client.query(
    `set role postgres; select hub_private.make_partitions(23, now() - interval '23 months'); reset role`,
  );
  const { rows: indexes } = await client.query(
    "select indexname, indexdef from pg_indexes where schemaname = 'hub' and tablename = 'team_activities' and indexname <> 'team_activities_pkey'",
  );
  await client.query(`drop index ${indexes.map(({ indexname }) => `hub.${indexname}`).join(', ')}`);
  // An owner of 10,000 rows, about 2,000 others; rare values are rare here as well.
  await client.query(
    `
    insert into hub.team_activities (occurred_at, actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, owner_id, reason, purpose,
      before, after, salt, values_hash, row_hash, request_id, route, row_count, login_role, out_of_band)
    select date_trunc('month', now()) - interval '23 months' + (now() - date_trunc('month', now()) + interval '23 months') * (n::float8 / $1), actor,
      case when actor like 'system%' then 'system' when staff is null then 'customer' else 'staff' end, coalesce(staff, 'customer'), case when staff is not null then initcap(staff) end,
      'sess' || substr(actor, 5), 'hub_staff', action, entity, md5(entity || n % 100000)::uuid::text, case when entity not in ('leads', 'revoked_sessions') then owner end,
      case when n % 20 = 0 then 'requested by phone' end, case when action in ('read', 'list') then 'support' end,
      case when action = 'update' then '{"status": "open", "assigned_to": null}'::jsonb end,
      case when action in ('insert', 'update') then '{"status": "pending", "assigned_to": "user_2hubsupport000000000000007"}'::jsonb end,
      sha256(n::text::bytea), sha256(n::text::bytea), sha256(n::text::bytea), ${id('n / 2')}, 'PATCH /rest/v1/' || entity, case when action = 'list' then 20 end,
      case when n % 331 = 0 then 'postgres' else 'authenticator' end, n % 331 = 0
    from (
      select n, (array['admin', 'sales', 'support', 'support', 'sales', null])[role] as staff,
        case when n % 5003 = 0 then 'system:maintenance' else (array['${PERSONAS.admin.sub}', '${PERSONAS.sales.sub}', '${PERSONAS.support.sub}', '${PERSONAS.support.sub}', '${PERSONAS.sales.sub}', '${PERSONAS.alice.sub}'])[role] end as actor,
        case when n % 20011 = 0 then 'erase' else (array['update', 'update', 'update', 'update', 'update', 'update', 'insert', 'insert', 'read', 'read', 'read', 'list', 'delete'])[(hashint4(n::integer + 7) & 65535) % 13 + 1] end as action,
        case when n % 10007 = 0 then 'revoked_sessions' else (array['contact_tickets', 'ticket_messages', 'leads', 'chat_messages', 'contact_tickets', 'ticket_messages', 'chat_threads', 'leads'])[(hashint4(n::integer + 13) & 7) + 1] end as entity,
        case when n % greatest($1::bigint / 13300, 1) = 0 then '${PERSONAS.alice.o.id}' else 'user_2hubowner' || lpad((hashint4(n::integer) & 2047)::text, 10, '0') end as owner
      from (select n, (hashint4(n::integer + 3) & 65535) % 6 + 1 as role from generate_series(1, $1::bigint) n) numbers
    ) made`,
    [ROWS],
  );
  for (const { indexdef } of indexes) await client.query(indexdef.replace(' ON ONLY ', ' ON '));
  await client.query(
    `
    insert into hub.request_log (occurred_at, request_id, method, route, who, actor_id, session_id, owner_id, outcome, status, code, duration_ms, upstream_ms, row_count, colo, country, token_id, address_hash)
    select now() - interval '12 months' * (1 - n::float8 / $1), ${id('n')}, 'GET', '/rest/v1/contact_tickets', 'staff:support',
      (array['${PERSONAS.admin.sub}', '${PERSONAS.sales.sub}', '${PERSONAS.support.sub}', '${PERSONAS.alice.sub}'])[n % 4 + 1], 'sess_2hubsession' || lpad((n % 5000)::text, 10, '0'),
      'user_2hubowner' || lpad((hashint4(n::integer) & 2047)::text, 10, '0'), case when n % 503 = 0 then 'failed' when n % 29 = 0 then 'refused' else 'allowed' end,
      200, null, 12, 8, 20, 'FRA', 'DE', md5(n::text), md5((n % 900)::text)
    from generate_series(1, $1::bigint) n`,
    [Math.round(ROWS * 0.3)],
  );
  await client.query('vacuum analyze hub.team_activities');
  await client.query('vacuum analyze hub.request_log');
  await client.query('checkpoint');
}

/** Returns a ULID of the number. */
function id(number) {
  return `'01BENCHTRA1' || lpad((${number})::text, 15, '0')`;
}

/** Returns each staff filter, and pairs: of a value for the n-th request. */
function filters() {
  const of = (list) => (n) => list[n % list.length];
  const owner = (n) =>
    n % 20 === 0 ? PERSONAS.alice.o.id : `user_2hubowner${String((n * 37) % 2048).padStart(10, '0')}`;
  const values = {
    actor: (n) =>
      `actor_id=eq.${of([PERSONAS.admin.sub, PERSONAS.sales.sub, PERSONAS.support.sub, PERSONAS.alice.sub, 'system:maintenance', PERSONAS.bob.sub])(n)}`,
    action: (n) => `action=eq.${of(['update', 'insert', 'delete', 'read', 'list', 'erase', 'export'])(n)}`,
    table: (n) =>
      `entity=eq.${of(['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages', 'revoked_sessions'])(n)}`,
    record: (n) => `entity_id=eq.${records[n % records.length]}`,
    owner: (n) => `owner_id=eq.${owner(n)}`,
    'a day': (n) => range((n * 3) % 690, 1),
    'a quarter': (n) => range((n * 3) % 600, 90),
    'request id': (n) => `request_id=eq.01BENCHTRA1${String((n * 7919) % Math.floor(ROWS / 2)).padStart(15, '0')}`,
    'out of band': () => 'out_of_band=is.true',
    kind: (n) => `actor_kind=eq.${of(['staff', 'customer', 'system', 'visitor'])(n)}`,
    outcome: (n) => `outcome=eq.${of(['allowed', 'refused', 'failed'])(n)}`,
    'not allowed': () => 'outcome=neq.allowed',
    session: (n) => `session_id=eq.sess_2hubsession${String((n * 13) % 5000).padStart(10, '0')}`,
    'a day of this year': (n) => range((n * 3) % 330, 1),
  };
  const both = (one, other) => [
    `${one} and ${other}`,
    'team_activities',
    (n) => `${values[one](n)}&${values[other](n * 5 + 1)}`,
  ];
  const auditFilters = [
    'actor',
    'action',
    'table',
    'record',
    'owner',
    'a day',
    'a quarter',
    'request id',
    'out of band',
    'kind',
  ].map((name) => [name, 'team_activities', values[name]]);
  const pairs = [
    ['actor', 'action'],
    ['actor', 'table'],
    ['actor', 'owner'],
    ['actor', 'a day'],
    ['actor', 'a quarter'],
    ['table', 'action'],
    ['table', 'record'],
    ['owner', 'action'],
    ['owner', 'table'],
    ['owner', 'a quarter'],
    ['action', 'a day'],
    ['action', 'a quarter'],
    ['table', 'a quarter'],
    ['out of band', 'actor'],
    ['out of band', 'a quarter'],
    ['out of band', 'table'],
    ['record', 'action'],
    ['kind', 'action'],
  ];
  const requests = ['outcome', 'not allowed', 'actor', 'owner', 'session', 'request id', 'a day of this year'].map(
    (name) => [`requests: ${name}`, 'request_log', values[name]],
  );
  const requestPairs = [
    ['outcome', 'actor'],
    ['outcome', 'a day of this year'],
    ['outcome', 'owner'],
    ['not allowed', 'session'],
    ['actor', 'a day of this year'],
    ['owner', 'a day of this year'],
  ].map(([one, other]) => [
    `requests: ${one} and ${other}`,
    'request_log',
    (n) => `${values[one](n)}&${values[other](n * 5 + 1)}`,
  ]);
  return [
    ['everything', 'team_activities', () => ''],
    ...auditFilters,
    ...pairs.map(([one, other]) => both(one, other)),
    ['requests: everything', 'request_log', () => ''],
    ...requests,
    ...requestPairs,
  ];
}

function range(daysAgo, days) {
  const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString();
  return `occurred_at=gte.${day(daysAgo + days)}&occurred_at=lt.${day(daysAgo)}`;
}

async function token(who) {
  const { sub, sid, role, o } = PERSONAS[who];
  const sat = Math.floor(Date.now() / 1000);
  const claims = role
    ? { role: 'hub_staff', sub, sid, sat, stacklumen_role: role }
    : { role: 'hub_customer', sub, sid, sat, owner: o.id };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: key.kid })
    .setIssuedAt()
    .setExpirationTime('30s')
    .sign(signing);
}

async function fetchPage(path, who = 'admin') {
  if (minted.who !== who || minted.until < Date.now())
    minted = { who, text: await token(who), until: Date.now() + 20_000 };
  const began = performance.now();
  const response = await fetch(`${stack.urls.postgrest}/${path}`, {
    headers: {
      authorization: `Bearer ${minted.text}`,
      accept: 'application/json',
      'accept-profile': 'hub',
      'x-hub-route': '/rest/v1',
    },
  });
  const text = await response.text();
  const took = performance.now() - began;
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  return { took, rows: JSON.parse(text).length };
}

async function series(path) {
  const times = [];
  let rows = 0;
  // The first ones open connections and warm up.
  for (let n = -10; n < REQUESTS; n += 1) {
    const page = await fetchPage(path(n + 10));
    if (n < 0) continue;
    times.push(page.took);
    rows += page.rows;
  }
  times.sort((one, other) => one - other);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { rows: (rows / REQUESTS).toFixed(0), p50: at(0.5), p95: at(0.95), max: times.at(-1) };
}

async function measure(what, table, filter) {
  const {
    rows: [{ first, last, began, ended }],
  } =
    await client.query(`select min(id)::integer as first, max(id)::integer as last, min(occurred_at) as began, max(occurred_at) as ended
    from hub.${table} where request_id like '01BENCHTRA%'`);
  const columns = table === 'team_activities' ? AUDIT_COLUMNS : REQUEST;
  const query = (n, keyset = '') =>
    `${table}?select=${columns}${[filter(n), keyset]
      .filter(Boolean)
      .map((part) => `&${part}`)
      .join('')}&order=id.desc&limit=100`;
  // In the older half of all rows, or in the middle of a requested range of times.
  const older = (n) => {
    const [from, to] = [...filter(n).matchAll(/occurred_at=\w+\.([^&]+)/g)].map(([, time]) => Date.parse(time));
    const share = to ? ((from + to) / 2 - began) / (ended - began) : ((n * 4099) % 500_000) / 1_000_000;
    return first + 1000 + Math.floor((last - first) * share);
  };
  const [top, deep] = [await series((n) => query(n)), await series((n) => query(n, `id=lt.${older(n)}`))];
  const slow = [top, deep].filter(({ p95 }) => p95 >= TARGET_MS).length;
  failed += slow;
  const cells = ({ rows, p50, p95, max }) =>
    `${rows} | ${p50.toFixed(1)} | ${p95 >= TARGET_MS ? `**${p95.toFixed(1)}**` : p95.toFixed(1)} | ${max.toFixed(1)}`;
  say(`| ${what} | ${cells(top)} | ${cells(deep)} |`);
}

/** A9: the client with the most rows reads the actions of staff on them, page after page. */
async function ownView() {
  const {
    rows: [{ count, middle }],
  } = await client.query(
    'select count(*)::integer as count, percentile_disc(0.5) within group (order by id)::integer as middle from hub.team_activities where owner_id = $1',
    [PERSONAS.alice.o.id],
  );
  for (const [what, path] of [
    ['first page', 'rpc/my_activity'],
    ['a page in the middle', `rpc/my_activity?before_id=${middle}`],
  ]) {
    const times = [];
    for (let n = 0; n < REQUESTS; n += 1) times.push((await fetchPage(path, 'alice')).took);
    times.sort((one, other) => one - other);
    const p95 = times[Math.floor(times.length * 0.95)];
    if (p95 >= TARGET_MS) failed += 1;
    say(
      `${what === 'first page' ? '\n' : ''}my_activity, a client with ${count} rows, ${what} of 100: p50 ${times[Math.floor(times.length / 2)].toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, max ${times.at(-1).toFixed(1)} ms`,
    );
  }
}
