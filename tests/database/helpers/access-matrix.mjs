// The rows that each role reads and changes, and the statements that each trigger rejects: built from the catalog, run
// on real rows. The golden file contains the result, the oracle the forbidden results, and every mutant must change one
// of them.

import assert from 'node:assert/strict';
import { helpers } from './harness.mjs';

const ACME = 'org_2hubacme00000000000000001';
const CAROL = 'user_2hubcarol0000000000000003';
/** Users, as in supabase/tests/helpers.sql; roles without a user, and the tables' owner, are added from the catalog. */
export const USERS = [
  { name: 'visitor', role: 'hub_visitor' },
  { name: 'alice', role: 'hub_customer', user: 'user_2hubalice0000000000000001', owner: ACME },
  { name: 'bob', role: 'hub_customer', user: 'user_2hubbob000000000000000002', owner: ACME },
  { name: 'carol', role: 'hub_customer', user: CAROL, owner: CAROL },
  {
    name: 'frank',
    role: 'hub_customer',
    user: 'user_2hubfrank0000000000000011',
    owner: 'org_2hubnorthwind000000000010',
  },
  { name: 'admin', role: 'hub_staff', user: 'user_2hubadmin0000000000000005' },
  { name: 'sales', role: 'hub_staff', user: 'user_2hubsales0000000000000006' },
  { name: 'support', role: 'hub_staff', user: 'user_2hubsupport000000000000007' },
  { name: 'system', role: 'hub_system' },
];
export const VERBS = ['select', 'insert', 'update', 'delete'];

// A second organization, whose ticket is in a state that no customer may set; and a row where the helpers left none.
// Then the outcome of a statement: as a persona, with the rows it read or changed; and as the server's owner, with the
// errors of the triggers.
const MORE = `
do $$
begin
  perform pg_temp.act('frank');
  insert into hub.contact_tickets (subject) values ('Of Northwind');
  insert into hub.ticket_messages (ticket_id, body) select id, 'by Frank' from hub.contact_tickets;
  insert into hub.chat_threads (topic) values ('Of Northwind');
  insert into hub.chat_messages (thread_id, body) select id, 'by Frank' from hub.chat_threads;
  perform pg_temp.act('system'), set_config('role', 'none', true);
  update hub.contact_tickets set status = 'pending' where subject = 'Of Northwind';
  insert into hub.webhook_messages (sender, message_id, event, happened_at) values ('clerk', 'msg_matrix', 'session.ended', now());
  insert into hub.request_log_rejected (id, content, code, message) values ('matrix', 'nonsense', '22P02', 'refused');
  perform hub_private.record_check('retention', 0, '[]', now());
end
$$;
create function pg_temp.rows_of(place regclass) returns jsonb language plpgsql as $$
declare
  found jsonb;
begin
  execute format($q$select coalesce(jsonb_object_agg(t.tableoid || t.ctid::text, to_jsonb(t)), '{}') from %s t
    where to_jsonb(t) ->> 'action' is distinct from 'ddl'$q$, place) into found;
  return found;
end
$$;
create function pg_temp.tried(who text, place regclass, statement text) returns jsonb language plpgsql as $$
declare
  before jsonb := pg_temp.rows_of(place);
  after jsonb;
  found jsonb;
  touched bigint;
begin
  -- The owner as FORCE means it: on Supabase the one that owns the tables bypasses row-level security, which would hide it.
  if who = (select n.nspowner::regrole::text from pg_namespace n where n.nspname = 'hub') then
    execute format('alter role %I nobypassrls', who);
  end if;
  perform pg_temp.act(who, 'GET');
  if statement like 'select%' then
    execute format($q$select coalesce(jsonb_agg(to_jsonb(s)), '[]') from (%s) s where to_jsonb(s) ->> 'action' is distinct from 'ddl'$q$, statement) into found;
    found := jsonb_build_object('outcome', jsonb_array_length(found)::text, 'visible', found);
  else
    execute statement;
    get diagnostics touched = row_count;
    perform set_config('role', 'none', true);
    after := pg_temp.rows_of(place);
    found := jsonb_build_object('outcome', touched::text,
      'removed', (select coalesce(jsonb_agg(b.value), '[]') from jsonb_each(before) b where not after ? b.key),
      'made', (select coalesce(jsonb_agg(a.value), '[]') from jsonb_each(after) a where not before ? a.key));
  end if;
  raise sqlstate 'TT000' using message = found::text;
exception
  when sqlstate 'TT000' then return sqlerrm::jsonb;
  when insufficient_privilege then
    return jsonb_build_object('outcome', case when sqlerrm like 'permission denied%' then 'denied' when sqlerrm like '%row-level security%' then 'policy' else sqlerrm end);
  when others then return jsonb_build_object('outcome', sqlstate);
end
$$;
create function pg_temp.probed(kind text, mode text, setting text, place regclass, statement text) returns text language plpgsql as $$
declare
  last bigint := (select coalesce(max(id), 0) from hub.team_activities);
  before jsonb := pg_temp.rows_of(place);
  touched bigint;
begin
  perform set_config('role', 'none', true), set_config('session_replication_role', mode, true), set_config('request.jwt.claims', '', true),
    set_config('hub.actor_id', case kind when 'nobody' then '' when 'system' then 'system:test' else 'user_2hubsupport000000000000007' end, true),
    set_config('hub.actor_kind', case kind when 'nobody' then '' else kind end, true),
    set_config('hub.staff_role', case kind when 'staff' then 'support' else '' end, true), set_config('hub.owner_id', '', true),
    set_config('hub.max_affected', case when setting like 'max %' then substr(setting, 5) else '' end, true),
    set_config('hub.expected_version', case when setting like 'version %' then substr(setting, 9) else '' end, true),
    set_config('hub.erasing', case when setting = 'erasing' then 'on' else '' end, true);
  execute statement;
  get diagnostics touched = row_count;
  raise sqlstate 'TT000' using message = concat_ws(' ', touched, 'recorded ' || (select count(*) from hub.team_activities where id > last and action <> 'ddl'),
    -- What the row became of itself: the owner, the version, the time.
    (select string_agg(distinct concat_ws(' ', case when touched = 1 then a.value ->> 'owner_id' end, 'version ' || (a.value ->> 'version'),
        case when (a.value ->> 'updated_at')::timestamptz = now() then 'now' end, case when setting = 'erasing' then a.value ->> 'content' end), ', ')
      from jsonb_each(pg_temp.rows_of(place)) a where not before ? a.key));
exception
  when sqlstate 'TT000' then return sqlerrm;
  when insufficient_privilege then return sqlerrm;
  when others then return case when sqlstate like 'PT%' then sqlerrm else sqlstate end;
end
$$;
`;

/** Opens the rows and returns the cases that the catalog yields. `client` is in a transaction. */
export async function prepare(client) {
  await client.query(helpers);
  await client.query(MORE);
  const { rows: roles } = await client.query(
    "select roleid::regrole::text as role from pg_auth_members where member = 'authenticator'::regrole order by 1",
  );
  const {
    rows: [owner],
  } = await client.query("select nspowner::regrole::text as role from pg_namespace where nspname = 'hub'");
  roles.push(owner);
  const personas = [...USERS, ...roles.map(({ role }) => ({ name: role, role, anonymous: true }))];
  const { rows: tables } = await client.query(`
    select c.oid::regclass::text as place, c.relname as name from pg_class c
    where c.relnamespace = 'hub'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 2`);
  for (const table of tables) Object.assign(table, await described(client, table.place));
  return { personas, tables };
}

/** Returns a table's columns, privileges and rows; also a partition's. */
export async function described(client, place) {
  const { rows: columns } = await client.query(
    `
    select a.attname as name, format_type(a.atttypid, null) as kind, a.attidentity <> '' as numbered,
      (select jsonb_object_agg(r.rolname, (select coalesce(jsonb_agg(lower(v)), '[]') from unnest('{SELECT,INSERT,UPDATE}'::text[]) v
        where has_column_privilege(r.oid, a.attrelid, a.attnum, v))) from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = 'authenticator'::regrole) as rights
    from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [place],
  );
  const { rows } = await client.query(
    `select to_jsonb(t) as row from ${place} t where to_jsonb(t) ->> 'action' is distinct from 'ddl' order by tableoid, ctid`,
  );
  const { rows: parents } = await client.query(
    `
    select distinct k.confrelid::regclass::text as place from pg_constraint k join pg_attribute a on a.attrelid = k.confrelid and a.attname = 'status'
    where k.contype = 'f' and k.conrelid = $1::regclass and k.confrelid <> k.conrelid`,
    [place],
  );
  return { columns, rows: rows.map(({ row }) => row), parents: parents.map((parent) => parent.place) };
}

const quoted = (value) => `'${JSON.stringify(value).replaceAll("'", "''")}'`;
const named = (columns) => columns.map((column) => `"${column.name}"`).join(', ');
const has = (table, name) => table.columns.some((column) => column.name === name);
/** Returns a copy of a row, with a new key where the key is random. */
const copy = (table, row) =>
  has(table, 'id') && row?.id?.length === 36 ? { ...row, id: '00000000-0000-4000-8000-000000000001' } : (row ?? {});
const writable = (table) => table.columns.filter((column) => !column.numbered);
const inserted = (table, columns, row) =>
  `insert into ${table.place} (${named(columns)}) select ${named(columns)} from jsonb_populate_record(null::${table.place}, ${quoted(copy(table, row))})`;
// Blind: it reads no column, so that no policy for SELECT applies before the one for UPDATE.
const written = (table, columns, row) =>
  `update ${table.place} set (${named(columns)}) = (select ${named(columns)} from jsonb_populate_record(null::${table.place}, ${quoted(row ?? {})}))`;

/** Returns the statements of one cell: the columns that the role has privileges for, and then the whole row. */
function statements(table, persona, verb) {
  const granted = table.columns.filter((column) => (column.rights[persona.role] ?? []).includes(verb));
  const own = table.rows.find((row) => persona.owner && row.owner_id === persona.owner) ?? table.rows[0];
  const foreign = table.rows.find((row) => row.owner_id && row.owner_id !== (persona.owner ?? own?.owner_id));
  const all = writable(table);
  return {
    select: [
      ...(granted.length ? [`select ${named(granted)} from ${table.place}`] : []),
      `select * from ${table.place}`,
    ],
    insert: [granted, all]
      .filter((columns) => columns.length)
      .flatMap((columns) =>
        [own, foreign].filter((row, place) => row || place === 0).map((row) => inserted(table, columns, row)),
      ),
    update: [granted, all].filter((columns) => columns.length).map((columns) => written(table, columns, own)),
    delete: [`delete from ${table.place}`],
  }[verb];
}

/** Runs one cell; returns its text and the rows that each statement read and changed. */
export async function cell(client, table, persona, verb) {
  const tries = [];
  for (const statement of statements(table, persona, verb)) {
    const { rows } = await client.query('select pg_temp.tried($1, $2, $3) as found', [
      persona.name,
      table.place,
      statement,
    ]);
    tries.push(rows[0].found);
  }
  const outcomes = tries.map((one) => one.outcome);
  return { text: outcomes.every((one) => one === outcomes[0]) ? outcomes[0] : outcomes.join('/'), tries };
}

/** The forbidden results, for any policy: derived from the rows' own columns. */
export function judge(table, persona, verb, { tries }) {
  const where = `${persona.name}, ${verb}, ${table.name}`;
  const same = (one, other) =>
    Object.entries(one).every(([key, value]) => JSON.stringify(other[key]) === JSON.stringify(value));
  const reached = tries.flatMap((one) => [
    ...(one.removed ?? []),
    ...(one.made ?? []),
    ...(one.visible ?? []).flatMap((visible) => table.rows.filter((row) => same(visible, row))),
  ]);
  const made = verb === 'insert' ? tries.flatMap((one) => one.made ?? []) : [];
  const changed = verb === 'update' || verb === 'delete' ? tries.flatMap((one) => one.removed ?? []) : [];
  for (const one of tries) {
    for (const visible of one.visible ?? [])
      assert.ok(
        table.rows.some((row) => same(visible, row)),
        `${where}: a row that is not there`,
      );
  }
  if (persona.anonymous) return assert.equal(reached.length, 0, `${where}: a role without a user`);
  if (persona.role === 'hub_visitor') {
    assert.ok(!has(table, 'owner_id') || reached.length === 0, `${where}: a client's row`);
    return assert.equal(reached.length - made.length, 0, `${where}: a visitor puts in and reaches nothing`);
  }
  if (persona.role === 'hub_system')
    return assert.ok(!has(table, 'author_id') || reached.length === 0, `${where}: a text of a user`);
  if (persona.role === 'hub_staff') {
    for (const row of made)
      assert.ok(
        [undefined, persona.user].includes(row.author_id) && [undefined, 'staff'].includes(row.author_kind),
        `${where}: in another's name`,
      );
    if (verb === 'update')
      for (const row of changed)
        assert.ok([undefined, 'staff'].includes(row.author_kind), `${where}: a client's words`);
    return undefined;
  }
  const mine = (row) => row.owner_id === persona.owner && row.internal !== true;
  for (const row of reached)
    assert.ok(
      mine(row),
      `${where}: a row of ${row.owner_id ?? 'no owner'}${row.internal ? ', a note among staff' : ''}`,
    );
  for (const row of made) assert.equal(row.author_id, persona.user, `${where}: in another's name`);
  for (const row of changed) assert.ok(!row.author_kind || row.author_id === persona.user, `${where}: another's words`);
  if (verb === 'select' && tries[0].visible)
    assert.equal(tries[0].visible.length, table.rows.filter(mine).length, `${where}: not every row of one's own`);
  return undefined;
}

/** The duties of a table's triggers, derived from its columns: [what, by whom, setting, statement]. */
export function duties(table) {
  const time =
    table.columns.find((column) => column.name === 'updated_at') ??
    table.columns.find((column) => column.kind.startsWith('timestamp'));
  const change = `update ${table.place} set ${time ? `"${time.name}" = "${time.name}" - interval '1 second'` : `"${table.columns[0].name}" = "${table.columns[0].name}"`}`;
  const removal = `delete from ${table.place}`;
  const one = inserted(table, writable(table), table.rows[0]);
  const short = table.place.split('.')[1];
  const list = [['truncate', 'system', '', `truncate ${table.place} cascade`]];
  for (const who of ['nobody', 'system', 'staff'])
    list.push(['insert', who, '', one], ['update', who, '', change], ['delete', who, '', removal]);
  for (const setting of [`max ${short}=0`, `version ${short}=999`])
    list.push(['update', 'system', setting, change], ['delete', 'system', setting, removal]);
  if (has(table, 'status')) list.push(['status', 'staff', '', `update ${table.place} set status = 'nonsense'`]);
  if (has(table, 'owner_id') && table.rows[0])
    list.push(['owner', 'system', '', inserted(table, writable(table), { ...table.rows[0], owner_id: null })]);
  // An erasure removes from stored text the same values as from columns.
  if (has(table, 'content'))
    list.push([
      'update',
      'system',
      'erasing',
      `update ${table.place} set content = '{"route": "/", "token_id": "sess"}'`,
    ]);
  for (const parent of table.parents) {
    list.push([
      `insert into closed ${parent}`,
      'system',
      '',
      `update ${parent} set status = 'closed'; select set_config('hub.actor_kind', 'staff', true); ${one}`,
    ]);
  }
  return list;
}

/** Runs one duty, also where session_replication_role would disable it; returns lines of text. */
export async function probe(client, table, [what, who, setting, statement]) {
  const found = [];
  for (const mode of ['origin', 'replica']) {
    const { rows } = await client.query('select pg_temp.probed($1, $2, $3, $4, $5) as found', [
      who,
      mode,
      setting,
      table.place,
      statement,
    ]);
    found.push(rows[0].found);
  }
  const called = `${what} by ${who}${setting && `, ${setting}`}`;
  const line = (text, outcome) => `${text.padEnd(46)} ${outcome}`;
  return [line(called, found[0]), ...(found[1] === found[0] ? [] : [line(`${called}, replica`, found[1])])].join('\n');
}
