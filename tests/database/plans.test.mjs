// A-1 at 100,000 rows a table (C5): each policy evaluates the identity once a statement, never once a row, and the rows
// that a client reads or changes are found by an index on the owner. PostgreSQL 17.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { fresh, helpers, rolledBack } from './helpers/harness.mjs';
import { USERS } from './helpers/access-matrix.mjs';

const ROWS = 100_000;
// A thousand customers with a hundred rows each, Acme one of them. Without the triggers: this is about how rows are
// found, not how they were written.
const FILL = {
  leads:
    "(name, email, status) select 'Lead ' || n, n || '@example.com', (array['new', 'contacted', 'won', 'lost'])[n % 4 + 1]",
  contact_tickets:
    "(id, owner_id, author_id, subject) select md5('ticket ' || n)::uuid, owner, author, 'Subject ' || n",
  ticket_messages:
    '(ticket_id, owner_id, author_id, author_kind, body, internal) ' +
    "select md5('ticket ' || n)::uuid, owner, author, case when n % 3 = 0 then 'staff' else 'customer' end, 'Words ' || n, n % 9 = 0",
  chat_threads: "(id, owner_id, author_id, topic) select md5('thread ' || n)::uuid, owner, author, 'Topic ' || n",
  chat_messages:
    "(thread_id, owner_id, author_id, author_kind, body) select md5('thread ' || n)::uuid, owner, author, 'customer', 'Words ' || n",
  team_activities:
    '(actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, owner_id, salt, values_hash, row_hash) ' +
    "select author, 'staff', 'support', 'hub_staff', 'update', 'leads', n::text, owner, '\\x00', '\\x00', '\\x00'",
  request_log:
    '(request_id, method, route, who, actor_id, owner_id, outcome) ' +
    "select upper(substr(translate(md5(n::text), 'abcdef', 'ghjkmn'), 1, 26)), 'GET', '/', 'customer', author, owner, 'allowed'",
  request_log_rejected: "(id, content, code, message) select n::text, 'Row ' || n, 'no_rows', 'not an array'",
  revoked_sessions:
    "(subject, reason, revoked_by, expires_at) select 'sess_2hub' || lpad(n::text, 20, '0'), 'test', 'system:test', now() + interval '1 hour'",
  webhook_messages: "(sender, message_id, event, happened_at) select 'clerk', 'msg_' || n, 'session.ended', now()",
  checks: "(name, passed, looked_at, took_ms) select 'drift', true, n, 1",
};

let server;
before(async () => {
  server = await fresh(17, 'plans', 24601);
});
after(() => server?.stop());

/** Every node of a plan; `once` is true if it runs once a statement. */
function nodes(plan, once = false) {
  return [
    { ...plan, once },
    ...(plan.Plans ?? []).flatMap((child) => nodes(child, once || child['Parent Relationship'] === 'InitPlan')),
  ];
}

/** Returns the errors of a plan of a persona's statement. */
async function wrong(client, { name, role }, policy, columns) {
  const granted = columns
    .filter((column) => column.rights.includes(`${role} ${policy.verb}`))
    .map((column) => `"${column.name}"`);
  const statement = {
    SELECT: `select ${granted.join(', ')} from ${policy.place}`,
    INSERT: `insert into ${policy.place} (${granted.join(', ')}) values (${granted.map(() => 'null').join(', ')})`,
    UPDATE: `update ${policy.place} set ${granted.map((column) => `${column} = null`).join(', ')}`,
    DELETE: `delete from ${policy.place}`,
  }[policy.verb];
  await client.query("select pg_temp.act($1, 'GET')", [name]);
  const { rows } = await client.query(`explain (format json) ${statement}`);
  await client.query("select set_config('role', 'none', true)");
  const all = nodes(rows[0]['QUERY PLAN'][0].Plan);
  const found = [];
  for (const node of all) {
    const conditions = Object.entries(node)
      .filter(([key]) => /Cond|Filter/.test(key))
      .map(([, text]) => text)
      .join(' ');
    if (!node.once && /hub_private\.|current_setting|SubPlan/.test(conditions))
      found.push(`asks once a row: ${conditions}`);
    if (node['Parent Relationship'] === 'SubPlan') found.push('evaluates a subquery once per row');
  }
  const checked = new Set(policy.text.match(/\( SELECT hub_private\.\w+\(\)/g) ?? []).size;
  if (policy.verb !== 'INSERT' && checked > all.filter((node) => node['Parent Relationship'] === 'InitPlan').length)
    found.push(`${checked} look-ups of the identity, not as many evaluated once`);
  if (role === 'hub_customer' && policy.verb !== 'INSERT') {
    const table = policy.place.split('.')[1];
    if (all.some((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === table))
      found.push(`reads all of ${table}`);
    if (!all.some((node) => /owner_id = /.test(node['Index Cond'] ?? ''))) found.push('no index on the owner');
  }
  return found.map((text) => `${policy.name}, as ${name}: ${text}`);
}

async function every(client, only = () => true) {
  const { rows: policies } = await client.query(`
    select p.polname as name, p.polrelid::regclass::text as place, r.rolname as role, v.verb,
      concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), case when p.polcmd = 'a' then pg_get_expr(p.polwithcheck, p.polrelid) end) as text
    from pg_policy p, unnest(p.polroles) as role (oid) join pg_roles r on r.oid = role.oid,
      (values ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) as v (letter, verb)
    where v.letter = p.polcmd::text or p.polcmd = '*' order by 1`);
  const { rows: columns } = await client.query(`
    select a.attrelid::regclass::text as place, a.attname as name, array(select r.rolname || ' ' || v from pg_roles r, unnest('{SELECT,INSERT,UPDATE}'::text[]) v
      where r.rolname like 'hub\\_%' and has_column_privilege(r.oid, a.attrelid, a.attnum, v)) as rights
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'hub'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped order by 1, a.attnum`);
  const found = [];
  let checked = 0;
  for (const policy of policies.filter(only)) {
    const users = USERS.filter((user) => user.role === policy.role);
    assert.ok(users.length > 0, `${policy.name}: no user of ${policy.role}`);
    for (const user of users)
      found.push(
        ...(await wrong(
          client,
          user,
          policy,
          columns.filter((column) => column.place === policy.place),
        )),
      );
    checked += 1;
  }
  return { found, checked };
}

test('A-1: at 100,000 rows a table, each policy evaluates the identity once a statement, and a customer’s rows are found by an index', async () => {
  await rolledBack(server.url, async (client) => {
    const { rows: tables } = await client.query(
      "select relname as name from pg_class where relnamespace = 'hub'::regnamespace and relkind in ('r', 'p') order by 1",
    );
    assert.deepEqual(
      tables.map(({ name }) => name),
      Object.keys(FILL).sort(),
      'a table has no rows here',
    );
    await client.query(helpers);
    await client.query('set constraints all immediate');
    for (const [table, columns] of Object.entries(FILL)) {
      await client.query(`alter table hub.${table} disable trigger all`);
      await client.query(`insert into hub.${table} ${columns} from (
        select n, case when n % 1000 = 0 then 'org_2hubacme00000000000000001' else 'org_2hubmany' || lpad((n % 1000)::text, 14, '0') end as owner,
          'user_2hubmany' || lpad((n % 5000)::text, 14, '0') as author from generate_series(1, ${ROWS}) n) r`);
      await client.query(`analyze hub.${table}`);
    }
    const {
      rows: [{ policies }],
    } = await client.query('select count(*)::int as policies from pg_policy');
    const { found, checked } = await every(client);
    assert.deepEqual(found, []);
    assert.equal(checked, policies);
    console.log(`${checked} policies at ${ROWS} rows a table`);

    // The check detects a policy that does not.
    const tickets = (policy) => policy.name === 'contact_tickets_customer_select';
    for (const [broken, expected] of [
      [
        'alter policy contact_tickets_customer_select on hub.contact_tickets using (owner_id = hub_private.owner_id())',
        /asks once a row/,
      ],
      [
        'drop index hub.contact_tickets_owner; ' +
          'alter table hub.contact_tickets drop constraint contact_tickets_merged, drop constraint contact_tickets_owner_key cascade',
        /reads all of contact_tickets/,
      ],
      [
        'alter policy contact_tickets_customer_select on hub.contact_tickets using (owner_id = (select hub_private.owner_id() where subject is not null))',
        /once a row/,
      ],
    ]) {
      await client.query(`savepoint whole; ${broken}`);
      assert.match((await every(client, tickets)).found.join('\n'), expected);
      await client.query('rollback to savepoint whole');
    }
  });
});

// PostgreSQL estimates with statistics of every row, also of those that a policy hides, where the operator is
// leakproof: so PostgREST's `count=planned`, which is EXPLAIN, reveals values that others wrote. The Hub requests no
// estimate for a customer, and staff may have one as long as their rights to read depend on their role and on no row.
test('A-1: an estimate reveals rows that a customer may not read; the rights of staff to read depend on no row', async () => {
  await rolledBack(server.url, async (client) => {
    await client.query(helpers);
    await client.query('alter table hub.contact_tickets disable trigger all');
    await client.query(`insert into hub.contact_tickets ${FILL.contact_tickets} from (
      select n, 'org_2hubmany00000000000001' as owner, 'user_2hubmany00000000000001' as author from generate_series(1, 1000) n) r; analyze hub.contact_tickets`);
    await client.query("select pg_temp.act($1, 'GET')", [USERS.find((user) => user.role === 'hub_customer').name]);
    const estimates = [];
    for (const condition of ["subject < 'Subject 5'", "subject >= 'Subject 5'", "subject >= 'Z'"]) {
      const statement = `select owner_id from hub.contact_tickets where ${condition}`;
      const {
        rows: [
          {
            'QUERY PLAN': [{ Plan: plan }],
          },
        ],
      } = await client.query(`explain (format json) ${statement}`);
      estimates.push(plan['Plan Rows']);
      assert.ok((await client.query(statement)).rows.every((row) => !row.owner_id.startsWith('org_2hubmany')));
    }
    // Of the thousand subjects of another owner, 444 sort before this one.
    const [below, above, none] = estimates;
    assert.ok(Math.abs(below / (below + above) - 0.444) < 0.03 && none <= 1, `${estimates}`);
    await client.query("select set_config('role', 'none', true)");
    const { rows: policies } = await client.query(`
      select p.polname as name, pg_get_expr(p.polqual, p.polrelid) as text, array(select a.attname::text from pg_attribute a where a.attrelid = p.polrelid and a.attnum > 0) as columns
      from pg_policy p join pg_class c on c.oid = p.polrelid
      where c.relnamespace = 'hub'::regnamespace and p.polcmd in ('r', '*') and 'hub_staff'::regrole = any (p.polroles)`);
    assert.ok(policies.length >= 10);
    const identifiers = (text) => text.replace(/'[^']*'/g, '').match(/\w+/g);
    const by_row = policies
      .filter(({ text, columns }) => identifiers(text).some((identifier) => columns.includes(identifier)))
      .map(({ name }) => name);
    assert.deepEqual(by_row, [], 'an estimate would tell staff of rows that they may not read');
  });
});
