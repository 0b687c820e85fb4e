-- Every column of the exposed tables has a class (A-2, L-1, R-3): the rows of TABLES in the Hub's source. The audit log's redaction, the columns that an
-- erasure changes and the owner of a record follow from them, and `tests/schema.rs` compares both sides.
create table hub_private.column_classes (
  table_name text not null,
  column_name text not null,
  erasure text not null constraint column_classes_erasure_known check (erasure in ('emptied', 'kept', 'pseudonym', 'scrubbed')),
  sensitive boolean not null,
  free_text boolean not null,
  customer_only boolean not null,
  part text constraint column_classes_part_known check (part in ('key', 'owner', 'parent')),
  parent_table text,
  constraint column_classes_pkey primary key (table_name, column_name),
  constraint column_classes_free_text_erased check (
    not free_text
    or erasure <> 'kept'
  ),
  constraint column_classes_parent_named check ((part is not distinct from 'parent') = (parent_table is not null))
);

comment on table hub_private.column_classes is 'The class of each column of schema hub, as in TABLES of the Hub''s source.';

comment on column hub_private.column_classes.table_name is 'A table of schema hub.';

comment on column hub_private.column_classes.column_name is 'A column of it.';

comment on column hub_private.column_classes.erasure is 'The effect of an erasure on a value about the person, in a row that remains: emptied, kept, pseudonym, scrubbed.';

comment on column hub_private.column_classes.sensitive is 'Whether staff read it with a purpose only, and each read is recorded.';

comment on column hub_private.column_classes.free_text is 'Whether clients, staff or other programs write its text: an erasure searches it for the person''s identifiers.';

comment on column hub_private.column_classes.customer_only is 'Whether it is for the client alone: the audit log does not contain its values.';

comment on column hub_private.column_classes.part is 'key, owner of the row, or parent: the conversation of the row; null for any other column.';

comment on column hub_private.column_classes.parent_table is 'With part parent: the table of the conversations.';

alter table hub_private.column_classes enable row level security;

alter table hub_private.column_classes force row level security;

create trigger refuse_truncate
before truncate on hub_private.column_classes for each statement
execute function hub_private.refuse_truncate ();

alter table hub_private.column_classes enable always trigger refuse_truncate;

-- The audit trigger is given the columns that it leaves out as its arguments: a look-up for each changed row would cost more than it does. Whoever
-- changes a class changes the triggers, which is a change of the schema and has its row in the audit log.
create function hub_private.redact_customer_columns () returns trigger language plpgsql volatile security definer
set
  search_path = '' as $$
declare
  changed record;
begin
  for changed in
    select t.tgrelid::regclass as relation, pg_get_triggerdef(t.oid) as definition, coalesce(k.arguments, '') as arguments
    from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
      left join lateral (
        select string_agg(quote_literal(k.column_name), ', ' order by k.column_name) as arguments, string_agg(k.column_name || '\000', '' order by k.column_name) as stored
        from hub_private.column_classes k where k.table_name = c.relname and k.customer_only) k on true
    where c.relnamespace = 'hub'::regnamespace and t.tgname = 'record_activity' and encode(t.tgargs, 'escape') <> coalesce(k.stored, '')
  loop
    execute regexp_replace(regexp_replace(changed.definition, '^CREATE TRIGGER', 'create or replace trigger'), '[(][^()]*[)]$', format('(%s)', changed.arguments));
    execute format('alter table %s enable always trigger record_activity', changed.relation);
  end loop;
  return null;
end
$$;

comment on function hub_private.redact_customer_columns () is 'Gives each audit trigger the columns that it leaves out.';

create trigger redact_customer_columns
after insert or update or delete on hub_private.column_classes for each statement
execute function hub_private.redact_customer_columns ();

alter table hub_private.column_classes enable always trigger redact_customer_columns;

-- As in 20261126210000_show_published_notes.sql, without the values of columns that are for the client alone.
create or replace function hub_private.record_activity () returns trigger language plpgsql volatile security definer
set
  search_path = ''
set
  timezone = 'UTC' as $$
declare
  actor constant text := nullif(current_setting('hub.actor_id', true), '');
  kind constant text := nullif(current_setting('hub.actor_kind', true), '');
  -- Staff and clients never erase, whatever a session says; where nothing was said it is null, which below is a no.
  erasing constant boolean := kind = 'system' and current_setting('hub.erasing', true) = 'on';
  old_row jsonb;
  new_row jsonb;
  either jsonb;
  before jsonb;
  after jsonb;
  salt bytea;
  values_hash bytea;
  row_hash bytea;
begin
  if actor is null or kind is null then
    raise insufficient_privilege using message = 'no actor: a write to ' || tg_table_name || ' needs one';
  end if;
  if tg_op = 'UPDATE' then
    old_row := to_jsonb(old);
    new_row := to_jsonb(new);
    if new_row = old_row then
      return null;
    end if;
    select coalesce(jsonb_object_agg(key, old_row -> key), '{}'), coalesce(jsonb_object_agg(key, value), '{}') into before, after
      from jsonb_each(new_row) where value is distinct from old_row -> key and key not in ('updated_at', 'version');
    either := new_row;
  elsif tg_op = 'INSERT' then
    new_row := to_jsonb(new);
    after := new_row;
    either := new_row;
  else
    old_row := to_jsonb(old);
    before := old_row;
    either := old_row;
  end if;
  -- The arguments of the trigger are the columns for the client alone. A change of one leaves its row, and the hash of the whole row covers it.
  if tg_nargs > 0 then
    before := before - tg_argv;
    after := after - tg_argv;
  end if;
  salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
  values_hash := sha256(salt || convert_to(coalesce(before::text, ''), 'UTF8') || '\x00'::bytea || convert_to(coalesce(after::text, ''), 'UTF8'));
  if erasing then
    before := null;
    after := null;
    salt := null;
  elsif new_row is not null then
    row_hash := sha256(salt || convert_to(jsonb_strip_nulls(new_row)::text, 'UTF8'));
  end if;
  insert into hub.team_activities
    (actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, owner_id, reason, purpose, before, after, salt,
      values_hash, row_hash, internal, request_id, route, erased_at)
  values (actor, kind, coalesce(nullif(current_setting('hub.staff_role', true), ''), kind), nullif(current_setting('hub.actor_name', true), ''),
    nullif(current_setting('hub.session_id', true), ''), current_setting('role'), lower(tg_op), tg_table_name,
    coalesce(either ->> 'id', either ->> 'subject'), either ->> 'owner_id', nullif(current_setting('hub.reason', true), ''),
    nullif(current_setting('hub.purpose', true), ''), before, after, salt, values_hash, row_hash,
    coalesce((coalesce(old_row, new_row) ->> 'internal')::boolean and (coalesce(new_row, old_row) ->> 'internal')::boolean, false),
    nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''),
    case when erasing then now() end);
  -- A rule or a trigger on the trail may swallow a row and raise nothing; then the change has none and must not stay.
  if not found then
    raise exception 'the trail has not taken the row of this change';
  end if;
  return null;
end
$$;

insert into
  hub_private.column_classes (table_name, column_name, erasure, sensitive, free_text, customer_only, part, parent_table)
select
  c.table_name,
  c.column_name,
  c.erasure,
  'sensitive' = any (c.flags::text[]),
  'free_text' = any (c.flags::text[]),
  'customer_only' = any (c.flags::text[]),
  c.part,
  c.parent_table
from
  (
    values
      ('leads', 'id', 'kept', '{}', 'key', null),
      ('leads', 'name', 'scrubbed', '{free_text}', null, null),
      ('leads', 'email', 'scrubbed', '{sensitive,free_text}', null, null),
      ('leads', 'company', 'scrubbed', '{free_text}', null, null),
      ('leads', 'message', 'scrubbed', '{sensitive,free_text}', null, null),
      ('leads', 'source', 'kept', '{}', null, null),
      ('leads', 'status', 'kept', '{}', null, null),
      ('leads', 'assigned_to', 'pseudonym', '{}', null, null),
      ('leads', 'notes', 'scrubbed', '{sensitive,free_text}', null, null),
      ('leads', 'created_at', 'kept', '{}', null, null),
      ('leads', 'updated_at', 'kept', '{}', null, null),
      ('leads', 'version', 'kept', '{}', null, null),
      ('contact_tickets', 'id', 'kept', '{}', 'key', null),
      ('contact_tickets', 'owner_id', 'pseudonym', '{}', 'owner', null),
      ('contact_tickets', 'author_id', 'pseudonym', '{}', null, null),
      ('contact_tickets', 'kind', 'kept', '{}', null, null),
      ('contact_tickets', 'subject', 'scrubbed', '{free_text}', null, null),
      ('contact_tickets', 'status', 'kept', '{}', null, null),
      ('contact_tickets', 'priority', 'kept', '{}', null, null),
      ('contact_tickets', 'assigned_to', 'pseudonym', '{}', null, null),
      ('contact_tickets', 'created_at', 'kept', '{}', null, null),
      ('contact_tickets', 'updated_at', 'kept', '{}', null, null),
      ('contact_tickets', 'version', 'kept', '{}', null, null),
      ('contact_tickets', 'resolution', 'scrubbed', '{free_text}', null, null),
      ('contact_tickets', 'merged_into', 'kept', '{}', null, null),
      ('ticket_messages', 'id', 'kept', '{}', 'key', null),
      ('ticket_messages', 'ticket_id', 'kept', '{}', 'parent', 'contact_tickets'),
      ('ticket_messages', 'owner_id', 'pseudonym', '{}', 'owner', null),
      ('ticket_messages', 'author_id', 'pseudonym', '{}', null, null),
      ('ticket_messages', 'author_kind', 'kept', '{}', null, null),
      ('ticket_messages', 'body', 'scrubbed', '{sensitive,free_text}', null, null),
      ('ticket_messages', 'internal', 'kept', '{}', null, null),
      ('ticket_messages', 'created_at', 'kept', '{}', null, null),
      ('ticket_messages', 'updated_at', 'kept', '{}', null, null),
      ('ticket_messages', 'version', 'kept', '{}', null, null),
      ('chat_threads', 'id', 'kept', '{}', 'key', null),
      ('chat_threads', 'owner_id', 'pseudonym', '{}', 'owner', null),
      ('chat_threads', 'author_id', 'pseudonym', '{}', null, null),
      ('chat_threads', 'topic', 'scrubbed', '{free_text}', null, null),
      ('chat_threads', 'status', 'kept', '{}', null, null),
      ('chat_threads', 'created_at', 'kept', '{}', null, null),
      ('chat_threads', 'updated_at', 'kept', '{}', null, null),
      ('chat_threads', 'version', 'kept', '{}', null, null),
      ('chat_messages', 'id', 'kept', '{}', 'key', null),
      ('chat_messages', 'thread_id', 'kept', '{}', 'parent', 'chat_threads'),
      ('chat_messages', 'owner_id', 'pseudonym', '{}', 'owner', null),
      ('chat_messages', 'author_id', 'pseudonym', '{}', null, null),
      ('chat_messages', 'author_kind', 'kept', '{}', null, null),
      ('chat_messages', 'body', 'scrubbed', '{sensitive,free_text}', null, null),
      ('chat_messages', 'created_at', 'kept', '{}', null, null),
      ('chat_messages', 'updated_at', 'kept', '{}', null, null),
      ('chat_messages', 'version', 'kept', '{}', null, null),
      ('chat_messages', 'retracted_at', 'kept', '{}', null, null),
      ('team_activities', 'id', 'kept', '{}', 'key', null),
      ('team_activities', 'occurred_at', 'kept', '{}', null, null),
      ('team_activities', 'actor_id', 'pseudonym', '{}', null, null),
      ('team_activities', 'actor_role', 'kept', '{}', null, null),
      ('team_activities', 'session_id', 'pseudonym', '{}', null, null),
      ('team_activities', 'database_role', 'kept', '{}', null, null),
      ('team_activities', 'action', 'kept', '{}', null, null),
      ('team_activities', 'entity', 'kept', '{}', null, null),
      ('team_activities', 'entity_id', 'pseudonym', '{}', null, null),
      ('team_activities', 'owner_id', 'pseudonym', '{}', null, null),
      ('team_activities', 'before', 'emptied', '{sensitive,free_text}', null, null),
      ('team_activities', 'after', 'emptied', '{sensitive,free_text}', null, null),
      ('team_activities', 'salt', 'emptied', '{sensitive}', null, null),
      ('team_activities', 'values_hash', 'kept', '{}', null, null),
      ('team_activities', 'request_id', 'kept', '{}', null, null),
      ('team_activities', 'erased_at', 'kept', '{}', null, null),
      ('team_activities', 'actor_kind', 'kept', '{}', null, null),
      ('team_activities', 'actor_name', 'pseudonym', '{free_text}', null, null),
      ('team_activities', 'reason', 'emptied', '{free_text}', null, null),
      ('team_activities', 'purpose', 'kept', '{}', null, null),
      ('team_activities', 'filter', 'emptied', '{free_text}', null, null),
      ('team_activities', 'row_count', 'kept', '{}', null, null),
      ('team_activities', 'row_hash', 'emptied', '{}', null, null),
      ('team_activities', 'internal', 'kept', '{}', null, null),
      ('team_activities', 'route', 'kept', '{}', null, null),
      ('team_activities', 'login_role', 'kept', '{}', null, null),
      ('team_activities', 'out_of_band', 'kept', '{}', null, null),
      ('request_log', 'id', 'kept', '{}', 'key', null),
      ('request_log', 'occurred_at', 'kept', '{}', null, null),
      ('request_log', 'request_id', 'kept', '{}', null, null),
      ('request_log', 'client_request_id', 'emptied', '{free_text}', null, null),
      ('request_log', 'method', 'kept', '{}', null, null),
      ('request_log', 'route', 'kept', '{}', null, null),
      ('request_log', 'who', 'kept', '{}', null, null),
      ('request_log', 'actor_id', 'pseudonym', '{}', null, null),
      ('request_log', 'session_id', 'pseudonym', '{}', null, null),
      ('request_log', 'owner_id', 'pseudonym', '{}', null, null),
      ('request_log', 'impersonator_id', 'pseudonym', '{}', null, null),
      ('request_log', 'outcome', 'kept', '{}', null, null),
      ('request_log', 'status', 'kept', '{}', null, null),
      ('request_log', 'code', 'kept', '{}', null, null),
      ('request_log', 'duration_ms', 'kept', '{}', null, null),
      ('request_log', 'upstream_ms', 'kept', '{}', null, null),
      ('request_log', 'row_count', 'kept', '{}', null, null),
      ('request_log', 'colo', 'kept', '{}', null, null),
      ('request_log', 'country', 'kept', '{}', null, null),
      ('request_log', 'token_id', 'emptied', '{free_text}', null, null),
      ('request_log', 'address_hash', 'emptied', '{}', null, null),
      ('request_log_rejected', 'id', 'kept', '{}', 'key', null),
      ('request_log_rejected', 'received_at', 'kept', '{}', null, null),
      ('request_log_rejected', 'tried_at', 'kept', '{}', null, null),
      ('request_log_rejected', 'content', 'scrubbed', '{free_text}', null, null),
      ('request_log_rejected', 'code', 'kept', '{}', null, null),
      ('request_log_rejected', 'message', 'scrubbed', '{free_text}', null, null),
      ('request_log_rejected', 'request_id', 'kept', '{}', null, null),
      ('revoked_sessions', 'subject', 'pseudonym', '{}', 'key', null),
      ('revoked_sessions', 'reason', 'scrubbed', '{free_text}', null, null),
      ('revoked_sessions', 'revoked_by', 'pseudonym', '{}', null, null),
      ('revoked_sessions', 'revoked_at', 'kept', '{}', null, null),
      ('revoked_sessions', 'expires_at', 'kept', '{}', null, null),
      ('revoked_sessions', 'cause', 'kept', '{}', null, null),
      ('revoked_sessions', 'scope', 'pseudonym', '{}', null, null),
      ('revoked_sessions', 'role', 'kept', '{}', null, null),
      ('revoked_sessions', 'issued_until', 'kept', '{}', null, null),
      ('webhook_messages', 'sender', 'kept', '{}', null, null),
      ('webhook_messages', 'message_id', 'scrubbed', '{free_text}', 'key', null),
      ('webhook_messages', 'event', 'kept', '{}', null, null),
      ('webhook_messages', 'happened_at', 'kept', '{}', null, null),
      ('webhook_messages', 'received_at', 'kept', '{}', null, null),
      ('checks', 'id', 'kept', '{}', 'key', null),
      ('checks', 'ran_at', 'kept', '{}', null, null),
      ('checks', 'name', 'kept', '{}', null, null),
      ('checks', 'passed', 'kept', '{}', null, null),
      ('checks', 'looked_at', 'kept', '{}', null, null),
      ('checks', 'findings', 'scrubbed', '{free_text}', null, null),
      ('checks', 'took_ms', 'kept', '{}', null, null)
  ) as c (table_name, column_name, erasure, flags, part, parent_table);

-- As in 20261125100000_check_catalog.sql, with the trigger of the classes.
create or replace function hub_private.catalog_findings () returns table (object text, finding text) language sql stable
set
  search_path = '' as $catalog$
with space as (
  select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace n where n.nspname in ('hub', 'hub_private')
), house as (
  select s.nspowner as owner from space s where s.nspname = 'hub'
), api as (
  select r.oid, r.rolname from pg_roles r where r.rolname in ('hub_visitor', 'hub_customer', 'hub_staff', 'hub_system')
), relation as (
  select c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence, c.relispartition, c.reloptions,
    s.nspname, format('%I.%I', s.nspname, c.relname) as name
  from pg_class c join space s on s.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
), stored as (
  select * from relation where relkind in ('r', 'p')
), col as (
  select a.attrelid, a.attname, a.attidentity, a.attacl, pg_get_expr(d.adbin, d.adrelid) as filled_by, format_type(a.atttypid, null) as kind
  from pg_attribute a join relation r on r.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attnum > 0 and not a.attisdropped
), held as (
  -- Every right on a relation and on a column of one.
  select r.oid as relation, r.name, r.name as on_what, null as attname, r.relkind, a.grantee, a.privilege_type as verb, a.is_grantable
  from relation r, aclexplode(coalesce(r.relacl, acldefault(case r.relkind when 'S' then 's' else 'r' end::"char", r.relowner))) a where a.grantee <> r.relowner
  union all
  select r.oid, r.name, format('%s.%I', r.name, c.attname), c.attname, r.relkind, a.grantee, a.privilege_type, a.is_grantable
  from relation r join col c on c.attrelid = r.oid, aclexplode(c.attacl) a where a.grantee <> r.relowner
), outside as (
  -- Every right on the rest, and what would be granted on what is made later.
  select 'schema ' || s.nspname as name, a.grantee, a.privilege_type as verb from space s, aclexplode(s.nspacl) a where a.grantee <> s.nspowner
  union all
  select 'what is made in ' || coalesce(s.nspname, 'any schema'), a.grantee, a.privilege_type
  from pg_default_acl d left join space s on s.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
  where (s.oid is not null or (d.defaclnamespace = 0 and d.defaclrole = (select owner from house))) and a.grantee <> d.defaclrole
), routine as (
  select p.oid, p.proname, p.proowner, p.prosecdef, p.proconfig, p.proleakproof, p.prorettype, s.nspname, format('%I.%I(%s)', s.nspname, p.proname,
    pg_get_function_identity_arguments(p.oid)) as name, coalesce(p.proacl, acldefault('f', p.proowner)) as acl
  from pg_proc p join space s on s.oid = p.pronamespace
), policy as (
  select p.polname, p.polrelid, p.polpermissive, p.polroles, t.name as on_what, role.oid as role, coalesce(r.rolname, 'PUBLIC') as rolname,
    verb.name as verb, pg_get_expr(p.polqual, p.polrelid) as sees, pg_get_expr(p.polwithcheck, p.polrelid) as lets, format('%I on %s', p.polname, t.name) as name
  from pg_policy p join stored t on t.oid = p.polrelid, unnest(p.polroles) as role (oid) left join pg_roles r on r.oid = role.oid,
    (values ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) as verb (letter, name)
  where p.polcmd::text in (verb.letter, '*')
), fires as (
  select t.tgrelid, t.tgname, t.tgenabled, t.tgtype, t.tgqual is null and t.tgattr::text = '' as always, t.tgoldtable, p.proname, s.name as on_what
  from pg_trigger t join stored s on s.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid where not t.tgisinternal
), people as (
  -- What the people of the Hub may do with a table, its own jobs apart.
  select h.relation, array_agg(distinct h.verb) as verbs,
    coalesce(array_agg(distinct h.attname) filter (where h.verb = 'INSERT' and r.rolname = 'hub_customer'), '{}') as given,
    bool_or(h.verb = 'INSERT' and r.rolname = 'hub_customer') as customers_insert
  from held h join api r on r.oid = h.grantee where r.rolname <> 'hub_system' group by 1
), needs as (
  -- The triggers that a table must have: its name, the events as pg_trigger.tgtype has them (row 1, before 2, insert 4, delete 8,
  -- update 16, truncate 32), and why.
  select t.oid, 'refuse_truncate' as tgname, 2 + 32 as events, 'TRUNCATE fires no row trigger' as why from stored t
  union all
  select t.oid, 'record_activity', 1 + 4 + 8 + 16, 'people may change rows, and each change leaves its row' from stored t join people p on p.relation = t.oid
    where t.nspname = 'hub' and p.verbs && '{INSERT,UPDATE,DELETE}'
  union all
  select t.oid, limited.tgname, limited.events, 'people may change rows, and no more of them than they name' from stored t join people p on p.relation = t.oid,
    (values ('limit_update', 16), ('limit_delete', 8)) as limited (tgname, events) where t.nspname = 'hub' and p.verbs && '{UPDATE,DELETE}'
  union all
  select t.oid, 'refuse_change', 1 + 2 + 8 + 16, 'a numbered table is a log and only grows' from stored t where exists (
    select from col c where c.attidentity <> '' and c.attrelid = coalesce((select i.inhparent from pg_inherits i where i.inhrelid = t.oid), t.oid)
      and (t.nspname = 'hub' or t.relispartition))
  union all
  select t.oid, kept.tgname, kept.events, 'it has a version' from stored t join col c on c.attrelid = t.oid and c.attname = 'version',
    (values ('check_version', 1 + 2 + 8 + 16), ('touch', 1 + 2 + 16)) as kept (tgname, events)
  union all
  select t.oid, 'check_transition', 1 + 2 + 4 + 16, 'it has a version and a status' from stored t join col c on c.attrelid = t.oid and c.attname = 'version'
    join col s on s.attrelid = t.oid and s.attname = 'status' and s.kind = 'text'
  union all
  select t.oid, said.tgname, said.events, 'what clients say there belongs to a conversation' from stored t join people p on p.relation = t.oid and p.customers_insert
    join col c on c.attrelid = t.oid and c.attname = 'owner_id' and c.filled_by is null,
    (values ('adopt_owner', 1 + 2 + 4), ('check_conversation', 1 + 2 + 4 + 16)) as said (tgname, events)
  union all
  select t.oid, 'check_table', 1 + 4, 'tables without row-level security are refused by it' from stored t where t.name = 'hub_private.tables_to_check'
  union all
  select t.oid, 'redact_customer_columns', 4 + 8 + 16, 'the audit triggers follow the classes of columns' from stored t where t.name = 'hub_private.column_classes'
), findings as (
  -- The schemas and who owns what is in them.
  select 'schema ' || wanted.name as object, 'is not there' as finding from (values ('hub'), ('hub_private')) as wanted (name)
    where not exists (select from space s where s.nspname = wanted.name)
  union all
  select 'role ' || wanted.name, 'is not there' from (values ('hub_nobody'), ('hub_visitor'), ('hub_customer'), ('hub_staff'), ('hub_system')) as wanted (name)
    where to_regrole(wanted.name) is null
  union all
  select 'schema ' || s.nspname, 'is owned by ' || r.rolname || ', a role that requests come with' from space s join pg_roles r on r.oid = s.nspowner
    where r.rolname like 'hub\_%' or r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
  union all
  select made.name, 'is owned by ' || r.rolname || ', not by the owner of schema hub'
    from (select r.name, r.relowner as owner from relation r union all select f.name, f.proowner from routine f
      union all select 'schema ' || s.nspname, s.nspowner from space s) made join pg_roles r on r.oid = made.owner, house h where made.owner <> h.owner

  -- Tables, and what is none.
  union all
  select t.name, 'has row-level security not enabled' from stored t where not t.relrowsecurity
  union all
  select t.name, 'has row-level security not forced on its owner' from stored t where not t.relforcerowsecurity
  union all
  select r.name, 'is a view without security_invoker: it reads with its owner''s rights' from relation r
    where r.relkind = 'v' and not coalesce(r.reloptions, '{}') && '{security_invoker=true,security_invoker=on,security_invoker=1}'
  union all
  select r.name, case r.relkind when 'm' then 'is a materialized view' else 'is a foreign table' end || ': row-level security does not reach it'
    from relation r where r.relkind in ('m', 'f')
  union all
  select t.name, 'is not logged: a crash empties it' from stored t where t.relpersistence <> 'p'
  union all
  select t.name, 'has a rewriting rule: ' || w.rulename from stored t join pg_rewrite w on w.ev_class = t.oid
  union all
  select t.name, 'is published by ' || p.pubname || ': it is read past row-level security' from stored t, pg_publication p
    where p.puballtables or exists (select from pg_publication_rel l where l.prpubid = p.oid and l.prrelid = t.oid)
      or exists (select from pg_publication_namespace l join pg_class c on c.oid = t.oid where l.pnpubid = p.oid and l.pnnspid = c.relnamespace)
  union all
  select t.name, 'is being detached from its table' from stored t join pg_inherits i on i.inhrelid = t.oid where i.inhdetachpending

  -- Rights: for the four API roles, on columns, and for nobody else.
  union all
  select h.on_what, format('%s is granted to %s', h.verb, coalesce(r.rolname, 'PUBLIC')) from held h left join pg_roles r on r.oid = h.grantee
    where not exists (select from api a where a.oid = h.grantee)
  union all
  select h.on_what, format('%s is granted to %s', h.verb, a.rolname) from held h join api a on a.oid = h.grantee
    where h.verb not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or h.relkind = 'S'
  union all
  select h.on_what, format('%s on the whole table is granted to %s: name columns', h.verb, a.rolname) from held h join api a on a.oid = h.grantee
    where h.verb in ('SELECT', 'INSERT', 'UPDATE') and h.attname is null and h.relkind <> 'S'
  union all
  select h.on_what, format('%s may be granted on by %s', h.verb, a.rolname) from held h join api a on a.oid = h.grantee where h.is_grantable
  union all
  select h.on_what, format('%s is granted to %s, on what PostgREST does not show', h.verb, a.rolname) from held h join api a on a.oid = h.grantee
    join relation r on r.oid = h.relation where r.nspname <> 'hub' or r.relispartition
  union all
  select o.name, format('%s is granted to %s', o.verb, coalesce(r.rolname, 'PUBLIC')) from outside o left join pg_roles r on r.oid = o.grantee
    where not (o.name like 'schema %' and o.verb = 'USAGE' and exists (select from api a where a.oid = o.grantee))
  union all
  select 'what is made in any schema', 'EXECUTE would be granted to PUBLIC' from house h where not exists (
    select from pg_default_acl d where d.defaclrole = h.owner and d.defaclnamespace = 0 and d.defaclobjtype = 'f')

  -- Policies: one for each verb that a role is granted, each with its roles, each asking who it is, once.
  union all
  select distinct h.name, format('no policy for %s by %s, which is granted', h.verb, a.rolname) from held h join api a on a.oid = h.grantee
    where h.verb in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') and h.relkind in ('r', 'p') and not exists (
      select from policy p where p.polrelid = h.relation and p.role = h.grantee and p.verb = h.verb and p.polpermissive)
  union all
  select p.name, format('lets %s %s without a grant', p.rolname, p.verb) from policy p
    where p.role <> 0 and not exists (select from held h where h.relation = p.polrelid and h.grantee = p.role and h.verb = p.verb)
  union all
  select distinct p.name, 'is for PUBLIC: name its roles' from policy p where p.role = 0
  union all
  select distinct p.name, 'is true for every row' from policy p where p.sees = 'true' or p.lets = 'true'
  union all
  select distinct p.name, 'calls a function for each row: write (select hub_private.…())' from policy p
    where regexp_replace(concat_ws(' ', p.sees, p.lets), '\( SELECT hub_private\.\w+\(\) AS \w+\)', '', 'g') ~ 'hub_private\.|hub\.|current_setting\('
  union all
  select distinct p.name, 'does not hold a client to the own owner''s rows' from policy p, unnest(array[p.sees, p.lets]) as said (condition)
    where p.rolname = 'hub_customer' and p.polpermissive and said.condition is not null
      and said.condition !~ '^\(+owner_id = \( SELECT hub_private\.owner_id\(\) AS owner_id\)\)( AND |$)'
  union all
  select distinct p.name, 'does not ask for ' || asked.what from policy p, unnest(array[p.sees, p.lets]) as said (condition),
    (values ('hub_staff', 'staff_role'), ('hub_system', 'actor_kind')) as asked (role, what)
    where p.rolname = asked.role and p.polpermissive and said.condition is not null
      and strpos(said.condition, format('( SELECT hub_private.%s() AS %1$s)', asked.what)) = 0
  union all
  select t.name, format('%I: clients could name it', c.attname) from stored t join people p on p.relation = t.oid and p.customers_insert
    join col c on c.attrelid = t.oid and c.attname in ('owner_id', 'author_id', 'author_kind', 'internal') where c.attname = any (p.given)
  union all
  select t.name, format('%I: is not filled from the token', c.attname) from stored t join people p on p.relation = t.oid and p.customers_insert
    join col c on c.attrelid = t.oid
    where (c.attname = 'author_id' and c.filled_by is distinct from 'hub_private.actor_id()')
      or (c.attname = 'owner_id' and c.filled_by is not null and c.filled_by <> 'hub_private.owner_id()')

  -- Triggers: those that a table needs, and none that a setting silences.
  union all
  select t.name, format('has no trigger %s: %s', n.tgname, n.why) from needs n join stored t on t.oid = n.oid
    where not exists (select from fires f where f.tgrelid = n.oid and f.tgname = n.tgname and f.always and f.tgtype & 63 = n.events
      and f.proname = case n.tgname when 'limit_update' then 'limit_change' when 'limit_delete' then 'limit_change' when 'refuse_change' then f.proname else n.tgname end
      and (n.tgname <> 'refuse_change' or f.proname ~ '^refuse_([a-z]+_)?change$'))
  union all
  select format('%s on %s', f.tgname, f.on_what), case f.tgenabled when 'D' then 'is disabled' else 'is not ENABLE ALWAYS: session_replication_role silences it' end
    from fires f where f.tgenabled <> 'A'

  -- Functions.
  union all
  select f.name, 'runs with its owner''s rights in the exposed schema' from routine f where f.prosecdef and f.nspname = 'hub'
  union all
  select f.name, 'has no pinned search_path' from routine f where not coalesce(f.proconfig, '{}') @> '{"search_path=\"\""}'
  union all
  select f.name, 'is leakproof: it sees rows before the policies do' from routine f where f.proleakproof
  union all
  select f.name, format('EXECUTE is granted to %s', coalesce(r.rolname, 'PUBLIC')) from routine f cross join aclexplode(f.acl) a left join pg_roles r on r.oid = a.grantee
    where a.grantee <> f.proowner and (f.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) or not exists (select from api where api.oid = a.grantee))

  -- Roles.
  union all
  select 'role ' || r.rolname, 'may ' || too_much.what from pg_roles r cross join lateral (values (r.rolcanlogin, 'log in'), (r.rolsuper, 'do everything'),
      (r.rolbypassrls, 'bypass row-level security'), (r.rolinherit, 'inherit rights'), (r.rolcreaterole, 'make roles'), (r.rolcreatedb, 'make databases'),
      (r.rolreplication, 'replicate')) as too_much (so, what)
    where r.rolname like 'hub\_%' and too_much.so
  union all
  select 'role authenticator', 'may ' || too_much.what from pg_roles r cross join lateral (values (r.rolsuper, 'do everything'),
      (r.rolbypassrls, 'bypass row-level security'), (r.rolinherit, 'use the rights of every role at once')) as too_much (so, what)
    where r.rolname = 'authenticator' and too_much.so
  union all
  select 'role ' || m.rolname, 'is a member of ' || r.rolname from pg_auth_members g join pg_roles m on m.oid = g.member join pg_roles r on r.oid = g.roleid
    where m.rolname like 'hub\_%'
  union all
  select 'role ' || r.rolname, m.rolname || ' may become it' from pg_auth_members g join pg_roles m on m.oid = g.member join pg_roles r on r.oid = g.roleid
    where r.rolname like 'hub\_%' and m.rolname <> 'authenticator' and m.oid <> coalesce((select owner from house), 0) and not m.rolsuper
  union all
  select 'role ' || a.rolname, 'has no statement_timeout' from api a where not exists (
    select from pg_db_role_setting s, unnest(s.setconfig) as said (line) where s.setrole = a.oid and said.line like 'statement\_timeout=%')
  union all
  select 'role authenticator', 'its settings do not say ' || wanted.line from (values ('pgrst.db_schemas=hub'),
      ('pgrst.db_pre_request=hub_private.before_request'), ('pgrst.db_anon_role=hub_nobody')) as wanted (line)
    where not exists (select from pg_db_role_setting s, unnest(s.setconfig) as said (line) where s.setrole = to_regrole('authenticator') and said.line = wanted.line)
  union all
  select 'hub_private.before_request()', 'cannot be called by ' || a.rolname from api a where not exists (
    select from routine f, aclexplode(f.acl) g where f.name = 'hub_private.before_request()' and f.prosecdef and g.grantee = a.oid)

  -- Event triggers, and what they need.
  union all
  select 'hub_private.tables_to_check', 'is not there: tables without row-level security are not refused'
    where not exists (select from stored t where t.name = 'hub_private.tables_to_check')
  union all
  select 'event trigger ' || wanted.name, case when e.oid is null then 'is not there: a superuser calls hub_private.guard_schema()' else 'is not ENABLE ALWAYS' end
    from (values ('hub_before_ddl', 'ddl_command_start', 'before_ddl'), ('hub_after_ddl', 'ddl_command_end', 'after_ddl'),
      ('hub_after_drop', 'sql_drop', 'after_drop')) as wanted (name, event, called)
    left join pg_event_trigger e on e.evtname = wanted.name and e.evtevent = wanted.event and e.evttags is null
      and exists (select from routine f where f.oid = e.evtfoid and f.nspname = 'hub_private' and f.proname = wanted.called)
    where e.oid is null or e.evtenabled <> 'A'
)
select f.object, f.finding from findings f order by 1, 2
$catalog$;

-- Columns without a class, classes without a column, and classes that grants or triggers do not agree with.
create function hub_private.column_findings () returns table (object text, finding text) language sql stable
set
  search_path = '' as $$
  with col as (
    select c.oid as relation, c.relname::text as table_name, a.attname::text as column_name, a.attnum, format('%I.%I.%I', 'hub', c.relname, a.attname) as name
    from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = to_regnamespace('hub') and c.relkind in ('r', 'p') and not c.relispartition
  )
  select c.name, 'has no class' from col c where not exists (
    select from hub_private.column_classes k where k.table_name = c.table_name and k.column_name = c.column_name)
  union all
  select format('%I.%I.%I', 'hub', k.table_name, k.column_name), 'has a class, but is not there' from hub_private.column_classes k where not exists (
    select from col c where c.table_name = k.table_name and c.column_name = k.column_name)
  union all
  select c.name, 'is for the client alone, but granted to hub_staff' from col c join hub_private.column_classes k using (table_name, column_name)
    where k.customer_only and has_column_privilege('hub_staff', c.relation, c.attnum, 'select, insert, update')
  union all
  select t.tgrelid::regclass::text, 'its audit trigger does not leave out the columns that are for the client alone'
    from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
    where c.relnamespace = to_regnamespace('hub') and t.tgname = 'record_activity' and encode(t.tgargs, 'escape') <> coalesce(
      (select string_agg(k.column_name || '\000', '' order by k.column_name) from hub_private.column_classes k where k.table_name = c.relname and k.customer_only), '')
$$;

comment on function hub_private.column_findings () is 'Columns whose class is missing or is not what the database does.';

-- As in 20261125100000_check_catalog.sql, with the classes of columns.
create or replace function hub_private.check_catalog () returns jsonb language plpgsql volatile security definer
set
  search_path = '' as $$
declare
  began timestamptz := clock_timestamp();
  looked_at bigint;
  findings jsonb;
begin
  select sum(n) into looked_at from (
    select count(*) as n from pg_catalog.pg_class c where c.relnamespace::regnamespace::text in ('hub', 'hub_private') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select count(*) from pg_catalog.pg_proc p where p.pronamespace::regnamespace::text in ('hub', 'hub_private')
    union all
    select count(*) from pg_catalog.pg_policy
    union all
    select count(*) from pg_catalog.pg_trigger t where not t.tgisinternal
  ) counted;
  select coalesce(jsonb_agg(to_jsonb(f)), '[]') into findings from (select * from hub_private.catalog_findings() union all select * from hub_private.column_findings() limit 100) f;
  return hub_private.record_check('catalog', looked_at, findings, began);
end
$$;

create function hub_private.is_log (entity regclass) returns boolean language sql stable
set
  search_path = '' as $$
  select exists (
    select from pg_catalog.pg_class c join hub_private.column_classes k on k.table_name = c.relname
    where c.oid = entity and c.relnamespace = 'hub'::regnamespace and k.erasure = 'emptied')
$$;

comment on function hub_private.is_log (regclass) is 'Whether an erasure empties columns of a table: a log, whose rows remain without what is of no use without the person.';

-- As in 20261125110000_find_person.sql, but a column whose class says that it identifies no one is left out. A column without a class is searched. The
-- ids in a log are compared as a whole by log_ids(), so there only text is searched.
create or replace function hub_private.columns_with_words (entity regclass) returns table (name text, as_text text, scrubbed text) language sql stable
set
  search_path = '' as $$
  select c.name, case c.kind when 'list' then format('array_to_string(r.%I, E''\n'')', c.name) else format('r.%I::text', c.name) end,
    case c.kind
      when 'json' then format('hub_private.scrub(r.%I::jsonb, $1)', c.name)
      when 'list' then format('array(select hub_private.scrub(u.item::text, $1) from unnest(r.%I) with ordinality as u (item, place) order by u.place)', c.name)
      else format('(select x.%1$I from (values (1, hub_private.scrub(r.%1$I::text, $1)), (2, ''[erased]''), (3, $1.pseudonym), (4, null)) as choice_ (place_, text_), '
        'lateral (select choice_.text_ as %1$I) as x where (%2$s) is not false and (%3$s or x.%1$I is not null) order by choice_.place_ limit 1)',
        c.name, coalesce(c.bounds, 'true'), (not c.required)::text) end
  from (
    select a.attname::text as name, a.attnotnull as required, a.attnum,
      case when t.typname in ('json', 'jsonb') then 'json' when t.typcategory = 'A' then 'list' else 'text' end as kind,
      (select string_agg('(' || pg_get_expr(k.conbin, k.conrelid) || ')', ' and ') from pg_catalog.pg_constraint k
        where k.conrelid = a.attrelid and k.contype = 'c' and k.conkey = array[a.attnum]) as bounds
    from pg_catalog.pg_attribute a join pg_catalog.pg_class r on r.oid = a.attrelid join pg_catalog.pg_type t on t.oid = a.atttypid
      left join pg_catalog.pg_type item on item.oid = t.typelem
      left join hub_private.column_classes k on r.relnamespace = 'hub'::regnamespace and k.table_name = r.relname and k.column_name = a.attname
    where a.attrelid = entity and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      and (t.typcategory = 'S' or t.typname in ('json', 'jsonb') or (t.typcategory = 'A' and item.typcategory = 'S'))
      and (k.erasure is null or k.free_text or (k.erasure <> 'kept' and not hub_private.is_log(entity)))
  ) c order by c.attnum
$$;

create function hub_private.mentioned (entity regclass) returns text language sql stable
set
  search_path = '' as $$
  select format('hub_private.mentions(concat_ws(E''\n'', %s), $1.needles, $1.named || ''|'' || $1.words, $1.sessions)', string_agg(c.as_text, ', '))
  from hub_private.columns_with_words(entity) c
$$;

comment on function hub_private.mentioned (regclass) is 'The condition that a row r holds text that is to be erased; $1 is the erasure.';

create function hub_private.log_ids (entity regclass) returns text language sql stable
set
  search_path = '' as $$
  select format('array[%s]', string_agg(format('r.%I', k.column_name), ', ' order by k.column_name))
  from hub_private.column_classes k where k.table_name = (select c.relname from pg_catalog.pg_class c where c.oid = entity)
    and k.erasure = 'pseudonym' and not k.free_text
$$;

comment on function hub_private.log_ids (regclass) is 'The list of the ids in a row r of a log.';

-- A name goes with the id of the actor, and where it holds an identifier.
create function hub_private.log_changes (entity regclass) returns text language sql stable
set
  search_path = '' as $$
  select string_agg(case
      when k.erasure = 'emptied' then format('%I = null', k.column_name)
      when k.free_text then format('%1$I = case when r.%1$I is not null and (r.actor_id = $1.person '
        'or hub_private.mentions(r.%1$I, $1.needles, $1.named || ''|'' || $1.words, $1.sessions)) then $1.pseudonym else r.%1$I end', k.column_name)
      else format('%1$I = case when r.%1$I = any ($2) then $1.pseudonym else r.%1$I end', k.column_name) end, ', ' order by k.column_name)
  from hub_private.column_classes k where k.table_name = (select c.relname from pg_catalog.pg_class c where c.oid = entity)
    and k.erasure in ('emptied', 'pseudonym')
$$;

comment on function hub_private.log_changes (regclass) is 'What an erasure sets in a row r of a log; $1 is the erasure, $2 the ids of the person.';

-- As in 20261125110100_erase_person.sql, by the classes of the columns.
create or replace function hub_private.erase_trail (e hub_private.erasure, trail bigint[]) returns bigint language plpgsql volatile
set
  search_path = '' as $$
declare
  ids constant text[] := e.person || e.sessions;
  erased bigint;
begin
  -- By their numbers, and what the erasure itself has just written about rows that are gone.
  execute format('update hub.team_activities r set %s, erased_at = coalesce(r.erased_at, now()) where r.id = any ($3) or r.owner_id = $1.person or r.entity_id = any ($2)',
    hub_private.log_changes('hub.team_activities')) using e, ids, trail;
  get diagnostics erased = row_count;
  return erased;
end
$$;

-- As in 20261125110100_erase_person.sql, by the classes of the columns.
create or replace function hub_private.erase_person (person text, identifiers text[]) returns jsonb language plpgsql volatile security definer
set
  search_path = ''
set
  timezone = 'UTC' as $$
#variable_conflict use_column
declare
  actor text := hub_private.actor_id();
  e hub_private.erasure;
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
  addresses text[];
  gone text[];
  trail bigint[];
  living jsonb := '{}';
  entity record;
  touched bigint;
  counts jsonb := '{}';
  total bigint;
begin
  if hub_private.actor_kind() is distinct from 'system' or actor is null or actor not like 'system:%' then
    raise insufficient_privilege using message = 'only a job of the Hub''s erases a person';
  end if;
  e := hub_private.begin_erasure(erase_person.person, erase_person.identifiers);
  -- I-2: while a token of theirs may be alive, the word against it stays.
  if exists (select from hub.revoked_sessions r where r.subject = any (e.person || e.sessions) and r.expires_at > now() and r.revoked_at > now() - interval '10 minutes') then
    raise sqlstate 'PT409' using message = 'sessions of the person were revoked just now', hint = 'Erase them in ten minutes.';
  end if;
  addresses := array(select lower(btrim(i)) from unnest(erase_person.identifiers) i);
  gone := e.person || e.sessions || array(select l.id::text from hub.leads l where lower(l.email) = any (addresses) for update);

  execute format('select array(select r.id from hub.team_activities r where %s && $2 or r.entity_id = any ($3) or %s)',
    hub_private.log_ids('hub.team_activities'), hub_private.mentioned('hub.team_activities')) into trail using e, e.person || e.sessions, gone;
  for entity in select c.oid::regclass as name, c.relname::text as called from hub_private.audited_tables() t join pg_catalog.pg_class c on c.oid = t loop
    living := living || jsonb_build_object(entity.called, (select to_jsonb(p) from hub_private.rows_to_prove(entity.name, entity.called, e, trail) p));
  end loop;

  perform set_config('hub.erasing', 'on', true), set_config('hub.expected_version', '', true), set_config('hub.max_affected', '', true);
  -- What is the person's goes, messages before the conversations that they hang on; each row leaves its own of the trail.
  for entity in
    select c.oid::regclass as name, c.relname::text as called, exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = 'owner_id') as owned
    from hub_private.audited_tables() t join pg_catalog.pg_class c on c.oid = t
    order by (select count(*) from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) desc, c.oid
  loop
    if entity.owned then
      execute format('delete from %s where owner_id = $1', entity.name) using e.person;
      get diagnostics touched = row_count;
    elsif entity.name = 'hub.leads'::regclass then
      delete from hub.leads where id::text = any (gone);
      get diagnostics touched = row_count;
    else
      continue;
    end if;
    counts := counts || jsonb_build_object(entity.called || '_removed', touched);
  end loop;
  delete from hub.revoked_sessions r where r.subject = any (e.person || e.sessions);
  get diagnostics touched = row_count;
  counts := counts || jsonb_build_object('revoked_sessions_removed', touched);

  execute format('update hub.request_log r set %s where %s && $2 or %s',
    hub_private.log_changes('hub.request_log'), hub_private.log_ids('hub.request_log'), hub_private.mentioned('hub.request_log')) using e, e.person || e.sessions;
  get diagnostics touched = row_count;
  counts := counts || jsonb_build_object('request_log', touched);

  -- What stays is scrubbed, whatever table it stands in.
  for entity in
    select c.oid::regclass as name, c.relname::text as called from pg_catalog.pg_class c
    where c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace) and c.relkind = 'r' and not c.relispartition
      and c.oid <> 'hub.request_log'::regclass and hub_private.scrubbing(c.oid, 'scrub') is not null
    order by c.oid
  loop
    execute hub_private.scrubbing(entity.name, 'scrub', case when living ? entity.called then 'r.id = any ($2)' else 'true' end)
      using e, hub_private.ids(living -> entity.called -> 'touched');
    get diagnostics touched = row_count;
    counts := counts || jsonb_build_object(entity.called, touched);
  end loop;
  counts := counts || jsonb_build_object('team_activities', hub_private.erase_trail(e, trail));
  perform set_config('hub.erasing', '', true);

  for entity in select c.oid::regclass as name, c.relname::text as called from hub_private.audited_tables() t join pg_catalog.pg_class c on c.oid = t loop
    execute format($q$
      with kept as (
        select r.id::text as entity_id, to_jsonb(r) as state, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt from %1$s r
        where r.id = any ($1) and (select a.erased_at from hub.team_activities a where a.entity = %2$L and a.entity_id = r.id::text
          and a.action in ('insert', 'update', 'delete', 'baseline') order by a.id desc limit 1) is not null
      )
      insert into hub.team_activities (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, owner_id, salt, values_hash, row_hash, internal)
      select $2, 'system', 'system', current_setting('role'), 'baseline', %2$L, entity_id, state ->> 'owner_id', salt,
        hub_private.values_hash(salt, null, null), hub_private.row_hash(salt, state), coalesce((state ->> 'internal')::boolean, false)
      from kept$q$, entity.name, entity.called) using hub_private.ids(living -> entity.called -> 'proven'), actor;
  end loop;

  counts := (select coalesce(jsonb_object_agg(c.key, c.value), '{}') from jsonb_each(counts) c where c.value <> '0');
  total := (select coalesce(sum(c.value::bigint), 0) from jsonb_each_text(counts) c);
  -- A run that found nothing did nothing.
  if total > 0 then
    insert into hub.team_activities
      (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, after, salt, values_hash, row_count, request_id, route)
    values (actor, 'system', 'system', current_setting('role'), 'erase', 'person', e.pseudonym, counts, salt, hub_private.values_hash(salt, null, counts), total,
      nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''));
  end if;
  return jsonb_build_object('pseudonym', case when total > 0 then e.pseudonym end, 'rows', total, 'tables', counts);
end
$$;

-- As in 20261126210200_erase_one_person.sql; the logs are searched by the classes of their columns, as every table is.
create or replace function hub_private.check_identifiers (e hub_private.erasure, identifiers text[], other_rows integer) returns void language plpgsql volatile security definer
set
  search_path = ''
set
  timezone = 'UTC' as $$
declare
  word text;
  names boolean := false;
  addresses constant text[] := array(select lower(btrim(i)) from unnest(identifiers) i);
  leads constant text[] := array(select l.id::text from hub.leads l where lower(l.email) = any (addresses));
  -- Found by the identifiers alone.
  f hub_private.erasure := e;
  entity record;
  found bigint;
  total bigint := 0;
  counts text[] := '{}';
  known boolean;
begin
  for place in 1..coalesce(cardinality(identifiers), 0) loop
    word := normalize(btrim(regexp_replace(identifiers[place], '[[:space:]]+', ' ', 'g')), nfc);
    if word ~ '^[^[:space:]@]+@[^[:space:]@]+[.][^[:space:]@.]{2,}$' or (word !~ '[^0-9 ().+/-]' and word !~ '^[0-9]{4}[^0-9][0-9]{1,2}[^0-9][0-9]{1,2}') then
      continue;
    end if;
    -- A word counts with two letters or more; letters are those of Unicode.
    if (select count(*) < 2 or coalesce(sum(p.letters), 0) < 6 from (
      select length(regexp_replace(part collate "und-x-icu", '[^[:alpha:]]', '', 'g')) as letters from regexp_split_to_table(word, ' ') part) p where p.letters >= 2)
    then
      raise sqlstate 'PT400' using message = format('identifier %s identifies no one', place),
        hint = 'An e-mail address, a telephone number of 7 digits or more, or a full name: two words or more of two letters or more, six letters in all.';
    end if;
    names := true;
  end loop;

  f.named := '(?!)';
  f.sessions := '{}';
  if names then
    known := exists (select from hub.team_activities a where e.person in (a.actor_id, a.owner_id)) or exists (select from hub.request_log r where e.person in (r.actor_id, r.owner_id));
    for entity in
      select a.attrelid::regclass as name, a.attname as column from pg_catalog.pg_attribute a
      where a.attrelid in (select hub_private.audited_tables()) and a.attname in ('owner_id', 'author_id')
    loop
      exit when known;
      execute format('select exists (select from %s r where r.%I = $1)', entity.name, entity.column) into known using e.person;
    end loop;
    if not known then
      raise sqlstate 'PT400' using message = 'there is no row of this user id', hint = 'Then only e-mail addresses and telephone numbers identify a person.';
    end if;
  end if;
  if exists (
    select from (select distinct a.actor_id, a.actor_name from hub.team_activities a where a.actor_kind = 'staff'
      union select hub_private.actor_id(), current_setting('hub.actor_name', true)) s
    where hub_private.mentions(concat_ws(E'\n', s.actor_id, s.actor_name), f.needles, f.named || '|' || f.words, f.sessions))
  then
    raise sqlstate 'PT409' using message = 'an identifier is in the name of a member of staff', hint = 'Acts of staff are kept for 24 months. Identify the person by an e-mail address or a telephone number.';
  end if;

  -- Every table that erase_person() scrubs, and the two logs.
  for entity in
    select c.relname::text as called, hub_private.scrubbing(c.oid, 'find') as statement
    from pg_catalog.pg_class c
    where c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname
  loop
    continue when entity.statement is null;
    execute format($q$
      select count(*) from (select to_jsonb(o) as row from (%s) o) o
      where not coalesce($2 in (o.row ->> 'owner_id', o.row ->> 'author_id', o.row ->> 'actor_id'), false)
        and not coalesce(o.row ->> 'id' = any ($3) or o.row ->> 'entity_id' = any ($3), false)$q$, entity.statement) into found using f, e.person, leads;
    if found > 0 then
      counts := counts || (entity.called || ' ' || found);
      total := total + found;
    end if;
  end loop;
  if total <> coalesce(other_rows, 0) then
    raise sqlstate 'PT409' using message = format('%s rows of others hold an identifier', total),
      hint = case when total = 0 then 'Send no other_rows.'
        else format('%s. If each of them means this person, send other_rows: %s.', array_to_string(counts, ', '), total) end;
  end if;
end
$$;

-- A definer, since whoever causes a trigger need not be able to read the classes.
create function hub_private.is_erasure (entity text, old_row jsonb, new_row jsonb) returns boolean language sql stable security definer
set
  search_path = '' as $$
  select not exists (
    select from jsonb_each_text(new_row) as n left join hub_private.column_classes k on k.table_name = entity and k.column_name = n.key
    where case k.erasure when 'emptied' then n.value is not null
      when 'pseudonym' then n.value is distinct from old_row ->> n.key and n.value is not null and n.value not like 'erased\_%'
      else n.value is distinct from old_row ->> n.key end)
$$;

comment on function hub_private.is_erasure (text, jsonb, jsonb) is 'Whether a change of a row of a log is what an erasure makes of it: columns emptied, ids replaced, the rest as it was.';

-- As in 20261124120000_prove_trail.sql, by the classes of the columns.
create or replace function hub_private.refuse_change () returns trigger language plpgsql volatile
set
  search_path = '' as $$
begin
  if tg_op = 'UPDATE' and current_setting('hub.erasing', true) = 'on' and new.erased_at is not null
    and hub_private.is_erasure('team_activities', to_jsonb(old) - 'erased_at', to_jsonb(new) - 'erased_at')
  then
    return new;
  end if;
  raise insufficient_privilege using message = 'team_activities is append-only';
end
$$;

-- As in 20261125110100_erase_person.sql, by the classes of the columns. A request whose second word comes after an erasure says no more than before.
create or replace function hub_private.refuse_request_change () returns trigger language plpgsql volatile
set
  search_path = '' as $$
declare
  completed constant text[] := array['status', 'code', 'outcome', 'duration_ms', 'upstream_ms', 'row_count', 'colo', 'country', 'token_id', 'address_hash'];
begin
  if tg_op = 'DELETE' and old.occurred_at < now() - interval '12 months' then
    return old;
  elsif tg_op = 'UPDATE' and old.status is null and new.status is not null and to_jsonb(new) - completed = to_jsonb(old) - completed then
    if new.actor_id like 'erased\_%' then
      new.token_id := null;
      new.address_hash := null;
    end if;
    return new;
  elsif tg_op = 'UPDATE' and current_setting('hub.erasing', true) = 'on' and hub_private.is_erasure('request_log', to_jsonb(old), to_jsonb(new)) then
    return new;
  end if;
  raise insufficient_privilege using message = 'request_log is append-only';
end
$$;

revoke
execute on all functions in schema hub,
hub_private
from
  public;
