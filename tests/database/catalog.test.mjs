// No gap in the catalog (A-1, A-3, L-1): a migrated database has no finding, each rule reports the statement that
// breaks it, and the guards and the command work with real transactions.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { query } from '../../dev/postgres.mjs';
import { catalogQuery } from '../../dev/db-check.mjs';
import { fresh, helpers, rolledBack } from './helpers/harness.mjs';

const SECURED = 'alter table hub.x enable row level security; alter table hub.x force row level security;';
// Statements that would disable the guards themselves are rejected by them.
const UNGUARDED = 'alter event trigger hub_after_ddl disable;';
const MONTH = `hub_private.team_activities_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;

// Statements that break a rule, with the object and finding that the check must report. At least one row for each rule;
// if one statement causes several findings, the others are not listed.
const BROKEN = [
  [`${UNGUARDED} alter schema hub_private rename to hub_hidden`, 'schema hub_private', 'is not there'],
  ['alter role hub_customer rename to hub_client', 'role hub_customer', 'is not there'],
  [
    `${UNGUARDED} alter schema hub owner to hub_staff`,
    'schema hub',
    'is owned by hub_staff, a role that requests come with',
  ],
  [
    'alter table hub.leads owner to supabase_admin',
    'hub.leads',
    'is owned by supabase_admin, not by the owner of schema hub',
  ],
  [
    'alter function hub.who_am_i() owner to supabase_admin',
    'hub.who_am_i()',
    'is owned by supabase_admin, not by the owner of schema hub',
  ],

  ['create table hub.x (id integer)', 'hub.x', 'has row-level security not enabled'],
  [
    `create table hub_private.x (id integer); alter table hub_private.x enable row level security`,
    'hub_private.x',
    'has row-level security not forced on its owner',
  ],
  ['alter table hub.leads disable row level security', 'hub.leads', 'has row-level security not enabled'],
  ['alter table hub.leads no force row level security', 'hub.leads', 'has row-level security not forced on its owner'],
  [`alter table ${MONTH} disable row level security`, MONTH, 'has row-level security not enabled'],
  [
    'create view hub.x as select * from hub.leads',
    'hub.x',
    "is a view without security_invoker: it reads with its owner's rights",
  ],
  [
    'create view hub.x with (security_invoker = false) as select * from hub.leads',
    'hub.x',
    "is a view without security_invoker: it reads with its owner's rights",
  ],
  [
    'create materialized view hub.x as select * from hub.leads',
    'hub.x',
    'is a materialized view: row-level security does not reach it',
  ],
  [
    'create foreign data wrapper w; create server s foreign data wrapper w; create foreign table hub.x (id integer) server s',
    'hub.x',
    'is a foreign table: row-level security does not reach it',
  ],
  ['alter table hub.checks set unlogged', 'hub.checks', 'is not logged: a crash empties it'],
  [
    'create rule elsewhere as on update to hub.leads do instead nothing',
    'hub.leads',
    'has a rewriting rule: elsewhere',
  ],
  ['create publication p for table hub.leads', 'hub.leads', 'is published by p: it is read past row-level security'],
  ['create publication p for all tables', 'hub.checks', 'is published by p: it is read past row-level security'],
  [
    'create publication p for tables in schema hub',
    'hub.leads',
    'is published by p: it is read past row-level security',
  ],
  [
    `update pg_inherits set inhdetachpending = true where inhrelid = '${MONTH}'::regclass`,
    MONTH,
    'is being detached from its table',
  ],

  ...['anon', 'authenticated', 'service_role', 'hub_nobody', 'public'].flatMap((role) => [
    [
      `grant select on hub.leads to ${role}`,
      'hub.leads',
      `SELECT is granted to ${role === 'public' ? 'PUBLIC' : role}`,
    ],
    [
      `grant update (notes) on hub.leads to ${role}`,
      'hub.leads.notes',
      `UPDATE is granted to ${role === 'public' ? 'PUBLIC' : role}`,
    ],
    [
      `grant usage on schema hub to ${role}`,
      'schema hub',
      `USAGE is granted to ${role === 'public' ? 'PUBLIC' : role}`,
    ],
    [
      `grant execute on function hub.who_am_i() to ${role}`,
      'hub.who_am_i()',
      `EXECUTE is granted to ${role === 'public' ? 'PUBLIC' : role}`,
    ],
    [
      `alter default privileges for role postgres in schema hub grant select on tables to ${role}`,
      'what is made in hub',
      `SELECT is granted to ${role === 'public' ? 'PUBLIC' : role}`,
    ],
    [
      `alter default privileges for role postgres grant execute on functions to ${role}`,
      'what is made in any schema',
      role === 'public' ? 'EXECUTE would be granted to PUBLIC' : `EXECUTE is granted to ${role}`,
    ],
  ]),
  [
    'grant usage on sequence hub.team_activities_id_seq to anon',
    'hub.team_activities_id_seq',
    'USAGE is granted to anon',
  ],
  [
    'grant usage on sequence hub.team_activities_id_seq to hub_staff',
    'hub.team_activities_id_seq',
    'USAGE is granted to hub_staff',
  ],
  ['create role outsider; grant select on hub.leads to outsider', 'hub.leads', 'SELECT is granted to outsider'],
  ['grant create on schema hub to hub_staff', 'schema hub', 'CREATE is granted to hub_staff'],
  ...['TRUNCATE', 'REFERENCES', 'TRIGGER'].map((verb) => [
    `grant ${verb} on hub.leads to hub_staff`,
    'hub.leads',
    `${verb} is granted to hub_staff`,
  ]),
  ['grant maintain on hub.leads to hub_staff', 'hub.leads', 'MAINTAIN is granted to hub_staff', 17],
  ['grant references (id) on hub.leads to hub_staff', 'hub.leads.id', 'REFERENCES is granted to hub_staff'],
  ...['SELECT', 'INSERT', 'UPDATE'].map((verb) => [
    `grant ${verb} on hub.leads to hub_staff`,
    'hub.leads',
    `${verb} on the whole table is granted to hub_staff: name columns`,
  ]),
  [
    'grant select (id) on hub.leads to hub_staff with grant option',
    'hub.leads.id',
    'SELECT may be granted on by hub_staff',
  ],
  [
    `grant select (id) on ${MONTH} to hub_staff`,
    `${MONTH}.id`,
    'SELECT is granted to hub_staff, on what PostgREST does not show',
  ],
  [
    'grant select (old) on hub_private.transitions to hub_staff',
    'hub_private.transitions.old',
    'SELECT is granted to hub_staff, on what PostgREST does not show',
  ],
  [
    'delete from pg_default_acl where defaclnamespace = 0',
    'what is made in any schema',
    'EXECUTE would be granted to PUBLIC',
  ],

  ['drop policy leads_staff_select on hub.leads', 'hub.leads', 'no policy for SELECT by hub_staff, which is granted'],
  [
    `drop policy leads_staff_select on hub.leads; create policy leads_staff_select on hub.leads as restrictive for select to hub_staff
    using ((select hub_private.staff_role()) = 'admin')`,
    'hub.leads',
    'no policy for SELECT by hub_staff, which is granted',
  ],
  [
    `create table hub.x (id integer); ${SECURED} grant select (id) on hub.x to hub_staff`,
    'hub.x',
    'no policy for SELECT by hub_staff, which is granted',
  ],
  [
    'revoke delete on hub.leads from hub_staff',
    'leads_staff_delete on hub.leads',
    'lets hub_staff DELETE without a grant',
  ],
  [
    "create policy p on hub.leads for select to anon using (status = 'new')",
    'p on hub.leads',
    'lets anon SELECT without a grant',
  ],
  ["create policy p on hub.leads for select using (status = 'new')", 'p on hub.leads', 'is for PUBLIC: name its roles'],
  [
    'alter policy leads_staff_select on hub.leads using (true)',
    'leads_staff_select on hub.leads',
    'is true for every row',
  ],
  [
    'alter policy leads_staff_insert on hub.leads with check (true)',
    'leads_staff_insert on hub.leads',
    'is true for every row',
  ],
  [
    "alter policy leads_staff_select on hub.leads using (hub_private.staff_role() = 'admin')",
    'leads_staff_select on hub.leads',
    'calls a function for each row: write (select hub_private.…())',
  ],
  [
    "alter policy leads_staff_select on hub.leads using (current_setting('hub.staff_role', true) = 'admin')",
    'leads_staff_select on hub.leads',
    'calls a function for each row: write (select hub_private.…())',
  ],
  [
    'alter policy contact_tickets_customer_select on hub.contact_tickets using (author_id = (select hub_private.actor_id()))',
    'contact_tickets_customer_select on hub.contact_tickets',
    "does not hold a client to the own owner's rows",
  ],
  [
    "alter policy contact_tickets_customer_select on hub.contact_tickets using (owner_id = (select hub_private.owner_id()) or status = 'open')",
    'contact_tickets_customer_select on hub.contact_tickets',
    "does not hold a client to the own owner's rows",
  ],
  [
    "alter policy leads_staff_update on hub.leads with check (status <> 'won')",
    'leads_staff_update on hub.leads',
    'does not ask for staff_role',
  ],
  [
    'alter policy request_log_system_select on hub.request_log using (id > 0)',
    'request_log_system_select on hub.request_log',
    'does not ask for actor_kind',
  ],
  [
    'grant insert (owner_id) on hub.contact_tickets to hub_customer',
    'hub.contact_tickets',
    'owner_id: clients could name it',
  ],
  [
    'grant insert (internal) on hub.ticket_messages to hub_customer',
    'hub.ticket_messages',
    'internal: clients could name it',
  ],
  [
    "alter table hub.contact_tickets alter author_id set default 'user_2huboutsider000000000'",
    'hub.contact_tickets',
    'author_id: is not filled from the token',
  ],
  [
    "alter table hub.chat_threads alter owner_id set default 'user_2huboutsider000000000'",
    'hub.chat_threads',
    'owner_id: is not filled from the token',
  ],

  [
    'drop trigger refuse_truncate on hub.leads',
    'hub.leads',
    'has no trigger refuse_truncate: TRUNCATE fires no row trigger',
  ],
  [`drop trigger refuse_truncate on ${MONTH}`, MONTH, 'has no trigger refuse_truncate: TRUNCATE fires no row trigger'],
  [
    'drop trigger refuse_truncate on hub_private.transitions',
    'hub_private.transitions',
    'has no trigger refuse_truncate: TRUNCATE fires no row trigger',
  ],
  [
    `create table hub.x (id integer); ${SECURED} grant delete on hub.x to hub_staff`,
    'hub.x',
    'has no trigger record_activity: people may change rows, and each change leaves its row',
  ],
  [
    `drop trigger record_activity on hub.leads; create trigger record_activity after insert or update on hub.leads for each row execute function hub_private.record_activity()`,
    'hub.leads',
    'has no trigger record_activity: people may change rows, and each change leaves its row',
  ],
  [
    `drop trigger record_activity on hub.leads; create trigger record_activity after insert or update or delete on hub.leads for each row when (hub_private.actor_kind() = 'staff')
    execute function hub_private.record_activity()`,
    'hub.leads',
    'has no trigger record_activity: people may change rows, and each change leaves its row',
  ],
  [
    'drop trigger limit_update on hub.leads',
    'hub.leads',
    'has no trigger limit_update: people may change rows, and no more of them than they name',
  ],
  [
    'drop trigger limit_delete on hub.leads',
    'hub.leads',
    'has no trigger limit_delete: people may change rows, and no more of them than they name',
  ],
  [
    'drop trigger refuse_change on hub.request_log',
    'hub.request_log',
    'has no trigger refuse_change: a numbered table is a log and only grows',
  ],
  [
    'drop trigger refuse_change on hub.checks',
    'hub.checks',
    'has no trigger refuse_change: a numbered table is a log and only grows',
  ],
  [
    'drop trigger refuse_change on hub.team_activities',
    MONTH,
    'has no trigger refuse_change: a numbered table is a log and only grows',
  ],
  [
    `create function hub_private.nothing() returns trigger language plpgsql set search_path = '' as 'begin return coalesce(new, old); end'; drop trigger refuse_change on hub.checks;
    create trigger refuse_change before update or delete on hub.checks for each row execute function hub_private.nothing()`,
    'hub.checks',
    'has no trigger refuse_change: a numbered table is a log and only grows',
  ],
  ['drop trigger check_version on hub.leads', 'hub.leads', 'has no trigger check_version: it has a version'],
  ['drop trigger touch on hub.leads', 'hub.leads', 'has no trigger touch: it has a version'],
  [
    'drop trigger check_transition on hub.leads',
    'hub.leads',
    'has no trigger check_transition: it has a version and a status',
  ],
  [
    'drop trigger adopt_owner on hub.chat_messages',
    'hub.chat_messages',
    'has no trigger adopt_owner: what clients say there belongs to a conversation',
  ],
  [
    'drop trigger check_conversation on hub.ticket_messages',
    'hub.ticket_messages',
    'has no trigger check_conversation: what clients say there belongs to a conversation',
  ],
  ['alter table hub.leads disable trigger record_activity', 'record_activity on hub.leads', 'is disabled'],
  [
    'alter table hub.leads enable trigger touch',
    'touch on hub.leads',
    'is not ENABLE ALWAYS: session_replication_role silences it',
  ],
  [
    'alter table hub.leads enable replica trigger touch',
    'touch on hub.leads',
    'is not ENABLE ALWAYS: session_replication_role silences it',
  ],
  [`alter table ${MONTH} disable trigger refuse_change`, `refuse_change on ${MONTH}`, 'is disabled'],
  [
    'alter table hub.revoked_sessions disable trigger record_activity',
    'record_activity on hub.revoked_sessions',
    'is disabled',
  ],

  [
    "create function hub.f() returns integer language sql security definer set search_path = '' as 'select 1'",
    'hub.f()',
    "runs with its owner's rights in the exposed schema",
  ],
  [
    "create function hub_private.f() returns integer language sql as 'select 1'",
    'hub_private.f()',
    'has no pinned search_path',
  ],
  ["alter function hub_private.touch() set search_path = 'public'", 'hub_private.touch()', 'has no pinned search_path'],
  [
    'alter function hub_private.owner_id() leakproof',
    'hub_private.owner_id()',
    'is leakproof: it sees rows before the policies do',
  ],
  [
    'grant execute on function hub_private.record_activity() to hub_staff',
    'hub_private.record_activity()',
    'EXECUTE is granted to hub_staff',
  ],
  [
    'alter function hub_private.before_request() security invoker',
    'hub_private.before_request()',
    'cannot be called by hub_staff',
  ],
  [
    'revoke execute on function hub_private.before_request() from hub_system',
    'hub_private.before_request()',
    'cannot be called by hub_system',
  ],

  ...[
    ['login', 'log in'],
    ['superuser', 'do everything'],
    ['bypassrls', 'bypass row-level security'],
    ['inherit', 'inherit rights'],
    ['createrole', 'make roles'],
    ['createdb', 'make databases'],
    ['replication', 'replicate'],
  ].map(([attribute, what]) => [`alter role hub_staff ${attribute}`, 'role hub_staff', `may ${what}`]),
  ['alter role hub_nobody bypassrls', 'role hub_nobody', 'may bypass row-level security'],
  ['alter role authenticator bypassrls', 'role authenticator', 'may bypass row-level security'],
  ['alter role authenticator inherit', 'role authenticator', 'may use the rights of every role at once'],
  ['grant hub_staff to hub_customer', 'role hub_customer', 'is a member of hub_staff'],
  ['grant service_role to hub_staff', 'role hub_staff', 'is a member of service_role'],
  ['grant hub_system to anon', 'role hub_system', 'anon may become it'],
  ['alter role hub_staff reset statement_timeout', 'role hub_staff', 'has no statement_timeout'],
  [
    'alter role authenticator reset pgrst.db_pre_request',
    'role authenticator',
    'its settings do not say pgrst.db_pre_request=hub_private.before_request',
  ],
  [
    "alter role authenticator set pgrst.db_schemas = 'hub, hub_private'",
    'role authenticator',
    'its settings do not say pgrst.db_schemas=hub',
  ],
  [
    "alter role authenticator set pgrst.db_anon_role = 'hub_visitor'",
    'role authenticator',
    'its settings do not say pgrst.db_anon_role=hub_nobody',
  ],
  [
    'drop trigger check_table on hub_private.tables_to_check',
    'hub_private.tables_to_check',
    'has no trigger check_table: tables without row-level security are refused by it',
  ],
  [
    'drop table hub_private.tables_to_check',
    'hub_private.tables_to_check',
    'is not there: tables without row-level security are not refused',
  ],
  ...['hub_before_ddl', 'hub_after_ddl', 'hub_after_drop'].flatMap((name) => [
    [
      `drop event trigger ${name}`,
      `event trigger ${name}`,
      'is not there: a superuser calls hub_private.guard_schema()',
    ],
    [`alter event trigger ${name} enable`, `event trigger ${name}`, 'is not ENABLE ALWAYS'],
    [`alter event trigger ${name} disable`, `event trigger ${name}`, 'is not ENABLE ALWAYS'],
  ]),
  [
    "drop event trigger hub_after_drop; create event trigger hub_after_drop on sql_drop when tag in ('DROP TABLE') execute function hub_private.after_drop()",
    'event trigger hub_after_drop',
    'is not there: a superuser calls hub_private.guard_schema()',
  ],
];

// The query with the number of the rule beside each finding.
const numbered = (() => {
  const [head, tail] = catalogQuery().split('findings as (\n');
  const [rules, end] = tail.split('\n)\nselect f.object');
  const parts = rules.split(/\n\s*union all\n/);
  const marked = parts
    .map((part, place) => `select ${place} as part, r.* from (${part}\n) r (object, finding)`)
    .join('\nunion all\n');
  return { parts, text: `${head}findings as (${marked})\nselect f.part, f.object${end}` };
})();

for (const version of [17, 15]) {
  describe(`PostgreSQL ${version}`, () => {
    let server;
    before(async () => {
      server = await fresh(version, 'catalog', 24541);
    });
    after(() => server?.stop());

    const findings = async (client) => (await client.query('select * from hub_private.catalog_findings()')).rows;
    const run = (url) =>
      spawnSync(process.execPath, ['dev/db-check.mjs'], { env: { ...process.env, URL: url ?? '' }, encoding: 'utf8' });

    test('A-1, A-3, L-1: a migrated database has no finding, and the nightly job records that in hub.checks', async () => {
      await rolledBack(server.url, async (client) => {
        assert.deepEqual(await findings(client), []);
        await client.query('select hub_private.run_checks(0)');
        const { rows } = await client.query(
          "select passed, looked_at::int, findings from hub.checks where name = 'catalog'",
        );
        assert.equal(rows.length, 1);
        assert.equal(rows[0].passed, true);
        assert.ok(rows[0].looked_at > 200, rows[0].looked_at);
        await client.query('grant select on hub.leads to anon; select hub_private.run_checks(0)');
        const {
          rows: [last],
        } = await client.query(
          "select passed, findings from hub.checks where name = 'catalog' order by id desc limit 1",
        );
        assert.deepEqual(last, {
          passed: false,
          findings: [{ object: 'hub.leads', finding: 'SELECT is granted to anon' }],
        });
      });
    });

    test('A-1, A-3, L-1: each rule of the check reports its violation, and each is violated once', async () => {
      const broken = new Set();
      const unseen = [];
      await rolledBack(server.url, async (client) => {
        await client.query('set allow_system_table_mods = on');
        for (const [statement, object, finding, only] of BROKEN) {
          if (only && only !== version) continue;
          await client.query('savepoint whole');
          await client.query(statement);
          // The statement may have moved the check itself, so it is run as the command runs it.
          await client.query("set local search_path = ''");
          const found = (await client.query(numbered.text)).rows;
          const matches = found.filter((row) => row.object === object && row.finding === finding);
          if (matches.length === 0)
            unseen.push(`${statement}: wanted "${object}: ${finding}", found ${JSON.stringify(found)}`);
          matches.forEach((row) => broken.add(row.part));
          await client.query('rollback to savepoint whole');
        }
        assert.deepEqual(await findings(client), []);
      });
      assert.deepEqual(unseen, []);
      assert.deepEqual(
        numbered.parts.filter((part, place) => !broken.has(place)),
        [],
        'no statement above breaks these rules',
      );
    });

    test('A-1, L-2: real transactions: a table without row-level security does not commit, one with it does; no statement drops a month', async () => {
      const refused = async (text, message) =>
        assert.rejects(
          query(server.ownerUrl, text),
          (error) => error.message === message || assert.fail(`${text}: ${error.message}`),
        );
      for (const text of [
        'create table hub.x (id integer)',
        'create table hub.x as select 1 as id',
        'select 1 as id into hub.x',
        'begin; create table hub.x (id integer); commit',
      ]) {
        await refused(text, 'hub.x has no row-level security');
      }
      const {
        rows: [none],
      } = await query(
        server.url,
        "select to_regclass('hub.x') as x, (select count(*)::int from hub_private.tables_to_check) as left",
      );
      assert.deepEqual(none, { x: null, left: 0 });
      await query(server.ownerUrl, `begin; create table hub.x (id integer); ${SECURED} commit`);
      await refused('alter table hub.x no force row level security', 'hub.x has no row-level security');
      await query(server.ownerUrl, 'drop table hub.x');
      await refused(
        `drop table ${MONTH}`,
        'a month of team_activities stays until its last day is 24 months old (L-2)',
      );
      await refused(
        `alter table hub.team_activities detach partition ${MONTH}`,
        'a month of team_activities stays until its last day is 24 months old (L-2)',
      );
      await refused(
        `alter table hub.team_activities detach partition ${MONTH} concurrently`,
        'a month of team_activities is not detached concurrently (L-2)',
      );
      // Objects outside of the guards' scope are not affected: indexes without a lock, and tables of other owners.
      await query(server.ownerUrl, 'create index concurrently leads_by_email on hub.leads (email)');
      await query(server.ownerUrl, 'drop index concurrently hub.leads_by_email');
      await query(
        server.authenticatorUrl,
        'begin; set local role anon; create temporary table x (id integer); drop table x; rollback',
      );
      const { rows } = await query(
        server.url,
        "select actor_id, entity, after ->> 'command' as command from hub.team_activities where action = 'ddl' order by id",
      );
      assert.deepEqual(
        rows.find(({ entity }) => entity === 'x'),
        { actor_id: 'sql:postgres', entity: 'x', command: 'CREATE TABLE' },
      );
      assert.deepEqual(rows.slice(-3), [
        { actor_id: 'sql:postgres', entity: 'x', command: 'DROP TABLE' },
        { actor_id: 'sql:postgres', entity: 'leads_by_email', command: 'CREATE INDEX' },
        { actor_id: 'sql:postgres', entity: 'leads_by_email', command: 'DROP INDEX' },
      ]);
    });

    test('A-1, L-2: a month that the nightly job makes has no gap', async () => {
      await rolledBack(server.url, async (client) => {
        const {
          rows: [{ last }],
        } = await client.query(
          "select max(inhrelid::regclass::text) as last from pg_inherits where inhparent = 'hub.team_activities'::regclass",
        );
        await client.query(`drop table ${last}`);
        await client.query(helpers);
        await client.query("select pg_temp.act('system')");
        const {
          rows: [{ kept }],
        } = await client.query('select hub.keep_house() as kept');
        assert.equal(kept.partitions_made, 1);
        await client.query("select set_config('role', 'none', true); set constraints all immediate");
        assert.deepEqual(await findings(client), []);
      });
    });

    test('A-1, L-1: the command prints its findings, sets the exit status, and never prints the password', async () => {
      const clean = run(server.url);
      assert.equal(clean.status, 0, clean.stdout + clean.stderr);
      assert.match(
        clean.stdout,
        /^-- catalog: 0 findings\n-- drift: 0 rows\n-- by another way than the Hub: \d+ rows?/,
      );
      await query(
        server.url,
        "grant select on hub.leads to anon; alter table hub.leads disable trigger all; insert into hub.leads (name, email) values ('x', 'x@y.z')",
      );
      const broken = run(server.url);
      await query(
        server.url,
        `delete from hub.leads; revoke select on hub.leads from anon;
        do $$ declare name text; begin
          for name in select tgname from pg_trigger where tgrelid = 'hub.leads'::regclass and not tgisinternal loop execute format('alter table hub.leads enable always trigger %I', name); end loop;
        end $$`,
      );
      assert.equal(run(server.url).status, 0, 'mended');
      assert.equal(broken.status, 1, broken.stdout + broken.stderr);
      assert.match(broken.stdout, /^hub\.leads: SELECT is granted to anon$/m);
      assert.match(broken.stdout, /^record_activity on hub\.leads: is disabled$/m);
      assert.match(broken.stdout, /^hub\.leads [0-9a-f-]{36}: a row without a trail$/m);
      const empty = run(server.url.replace(/\/hub$/, '/postgres'));
      assert.equal(empty.status, 1, empty.stdout + empty.stderr);
      assert.match(empty.stdout, /^schema hub: is not there$/m);
      assert.match(empty.stdout, /^-- This database has no schema hub/m);
      for (const [url, expected] of [
        [server.url.replace('throw-away', 'not%40it'), /cannot be reached: password authentication failed/],
        ['postgres://hub:not%40it@127.0.0.1:1/hub', /cannot be reached: connect ECONNREFUSED/],
        ['not%40it', /cannot be reached/],
        [undefined, /URL is missing/],
      ]) {
        const unreached = run(url);
        assert.equal(unreached.status, 2, unreached.stdout + unreached.stderr);
        assert.match(unreached.stderr, expected);
      }
      for (const output of [clean, broken, empty, run(server.url.replace('throw-away', 'not%40it'))])
        assert.doesNotMatch(output.stdout + output.stderr, /throw-away|not%40it|not@it/);
    });
  });
}
