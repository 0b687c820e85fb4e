-- The trail, provable: every change by anybody leaves its row, a row says by which way it came, and the hash of the whole row it
-- left behind lets a later look find what was changed past the trail (L-1).

alter table hub.team_activities
  add column actor_kind text not null default 'system' constraint team_activities_actor_kind_known check (actor_kind in ('customer', 'staff', 'system', 'visitor')),
  add column actor_name text constraint team_activities_actor_name_length check (length(actor_name) <= 200),
  add column reason text constraint team_activities_reason_length check (length(reason) <= 500),
  add column purpose text,
  add column filter text constraint team_activities_filter_length check (length(filter) <= 4000),
  add column row_count integer,
  add column row_hash bytea,
  add column internal boolean not null default false,
  add column route text,
  add column login_role text not null default session_user,
  add column out_of_band boolean not null default session_user <> 'authenticator',
  drop constraint team_activities_action_known,
  add constraint team_activities_action_known check (action in ('insert', 'update', 'delete', 'read', 'list', 'export', 'erase', 'baseline')),
  add constraint team_activities_purpose_known check (purpose in ('client_request', 'support', 'sales', 'quality', 'security', 'legal'));
alter table hub.team_activities alter column actor_kind drop default;
comment on table hub.team_activities is 'One row for each row that anybody changed, written by a trigger in the same transaction (L-1), and for each look of staff at a client''s record.';
comment on column hub.team_activities.actor_role is 'admin, sales, support; for everybody else the kind.';
comment on column hub.team_activities.action is 'insert, update, delete; read (one record), list, export; erase; baseline (the hash of a row whose last change left the trail).';
comment on column hub.team_activities.actor_kind is 'customer, staff, system, visitor.';
comment on column hub.team_activities.actor_name is 'What the session token called the member of staff then.';
comment on column hub.team_activities.reason is 'Why, in the actor''s words; null after an erasure.';
comment on column hub.team_activities.purpose is 'Why staff looked: client_request, support, sales, quality, security, legal.';
comment on column hub.team_activities.filter is 'What a list or an export was filtered by; null after an erasure.';
comment on column hub.team_activities.row_count is 'How many rows a look gave.';
comment on column hub.team_activities.row_hash is 'hub_private.row_hash(salt, the row as it is after the change); null for looks and removals, and after an erasure.';
comment on column hub.team_activities.internal is 'Whether it is about a note of staff for staff.';
comment on column hub.team_activities.route is 'Method and path.';
comment on column hub.team_activities.login_role is 'Who was connected to the database; authenticator is the Hub''s way.';
comment on column hub.team_activities.out_of_band is 'Whether it came by another way than the Hub.';

-- By filter and then by id, so that each filter is one walk down an index and a page begins where the last one ended.
drop index hub.team_activities_entity, hub.team_activities_actor, hub.team_activities_owner, hub.team_activities_request, hub.team_activities_occurred_at;
create index team_activities_entity_id on hub.team_activities (entity_id, id);
create index team_activities_actor_id on hub.team_activities (actor_id, id);
create index team_activities_owner_id on hub.team_activities (owner_id, id);
create index team_activities_request_id on hub.team_activities (request_id);
create index team_activities_entity on hub.team_activities (entity, action, id);
create index team_activities_action on hub.team_activities (action, id);
create index team_activities_occurred_at on hub.team_activities (occurred_at);
create index team_activities_out_of_band on hub.team_activities (id) where out_of_band;

-- sha256 over the salt and the text of the row as jsonb, nulls left out, so that a new empty column changes no hash.
create function hub_private.row_hash(salt bytea, row_state jsonb) returns bytea
  language sql stable set search_path = ''
  return sha256(salt || convert_to(jsonb_strip_nulls(row_state)::text, 'UTF8'));
comment on function hub_private.row_hash(bytea, jsonb) is 'The hash that a row which nobody touched since still has.';

-- Times in a jsonb have the session's time zone, and a hash must not.
create or replace function hub_private.record_activity() returns trigger
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  actor text := hub_private.actor_id();
  kind text := hub_private.actor_kind();
  erasing boolean := current_setting('hub.erasing', true) = 'on';
  old_row jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  new_row jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  either jsonb := coalesce(new_row, old_row);
  before jsonb := old_row;
  after jsonb := new_row;
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
  values_hash bytea;
begin
  if actor is null or kind is null then
    raise insufficient_privilege using message = 'no actor: a write to ' || tg_table_name || ' needs one';
  end if;
  if tg_op = 'UPDATE' then
    if new_row = old_row then
      return null;
    end if;
    select jsonb_object_agg(key, old_row -> key), jsonb_object_agg(key, value) into before, after
      from jsonb_each(new_row) where value is distinct from old_row -> key and key not in ('updated_at', 'version');
    before := coalesce(before, '{}');
    after := coalesce(after, '{}');
  end if;
  values_hash := hub_private.values_hash(salt, before, after);
  insert into hub.team_activities
    (actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, owner_id, reason, purpose, before, after, salt,
      values_hash, row_hash, internal, request_id, route, erased_at)
  values (actor, kind, coalesce(hub_private.staff_role(), kind), nullif(current_setting('hub.actor_name', true), ''),
    nullif(current_setting('hub.session_id', true), ''), current_setting('role'), lower(tg_op), tg_table_name,
    coalesce(either ->> 'id', either ->> 'subject'), either ->> 'owner_id', hub_private.reason(), nullif(current_setting('hub.purpose', true), ''),
    case when not erasing then before end, case when not erasing then after end, case when not erasing then salt end, values_hash,
    case when not erasing and tg_op <> 'DELETE' then hub_private.row_hash(salt, new_row) end,
    coalesce((new_row ->> 'internal')::boolean, false) or coalesce((old_row ->> 'internal')::boolean, false),
    nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''),
    case when erasing then now() end);
  return null;
end
$$;
comment on function hub_private.record_activity() is 'Writes the row of a change in its own transaction; refuses a write by nobody.';

-- A revocation by staff is a staff action, and one by hand is seen; what Clerk's messages say is the Hub's own.
drop trigger record_activity on hub.revoked_sessions;
create trigger record_activity after insert or update or delete on hub.revoked_sessions
  for each row when (hub_private.actor_kind() is distinct from 'system' or session_user <> 'authenticator') execute function hub_private.record_activity();
alter table hub.revoked_sessions enable always trigger record_activity;

-- What an erasure may change, besides the values: who and whose it was, where that was the person. The rest is the act, and stays.
create or replace function hub_private.refuse_change() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  erased constant text[] := array['before', 'after', 'salt', 'row_hash', 'reason', 'filter', 'erased_at'];
  named constant text[] := array['actor_id', 'actor_name', 'session_id', 'owner_id', 'entity_id'];
begin
  if tg_op = 'UPDATE' and current_setting('hub.erasing', true) = 'on' and new.erased_at is not null
    and new.before is null and new.after is null and new.salt is null and new.row_hash is null and new.reason is null and new.filter is null
    and to_jsonb(new) - erased - named = to_jsonb(old) - erased - named
    and not exists (select from jsonb_each_text(to_jsonb(new)) as n (key, value) where key = any (named)
      and value is distinct from to_jsonb(old) ->> key and value is not null and value not like 'erased\_%')
  then
    return new;
  end if;
  raise insufficient_privilege using message = 'team_activities is append-only';
end
$$;
comment on function hub_private.refuse_change() is 'Lets an erasure through and nothing else.';

grant select (actor_kind, actor_name, reason, purpose, filter, row_count, row_hash, internal, route, login_role, out_of_band) on hub.team_activities to hub_staff;

-- What staff looked at: of the rows that record_requests() takes, those with a `look` {entity, records, filter, purpose}. Named records
-- leave a row each, with whose it is; a list leaves one.
create function hub_private.record_looks(requests jsonb) returns void
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  request jsonb;
  look jsonb;
  record text;
  owner text;
  salt bytea;
begin
  for request in select * from jsonb_array_elements(requests) loop
    look := request -> 'look';
    -- The same look twice, by a repeated message, is one.
    continue when look is null
      or exists (select from hub.team_activities a where a.request_id = request ->> 'request_id' and a.action in ('read', 'list'));
    for record in select * from jsonb_array_elements_text(case look -> 'records' when '[]' then '[null]' else look -> 'records' end) loop
      owner := case
        when record is null then null
        when record ~ '^(user|org)_' then record
        when look ->> 'entity' = 'contact_tickets' then (select t.owner_id from hub.contact_tickets t where t.id = record::uuid)
        when look ->> 'entity' = 'ticket_messages' then (select m.owner_id from hub.ticket_messages m where m.id = record::uuid)
        when look ->> 'entity' = 'chat_threads' then (select t.owner_id from hub.chat_threads t where t.id = record::uuid)
        when look ->> 'entity' = 'chat_messages' then (select m.owner_id from hub.chat_messages m where m.id = record::uuid) end;
      salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
      insert into hub.team_activities
        (occurred_at, actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, owner_id, purpose, filter, row_count,
          salt, values_hash, request_id, route, internal)
      values ((request ->> 'occurred_at')::timestamptz, request ->> 'actor_id', 'staff', substr(request ->> 'who', length('staff:') + 1), request ->> 'actor_name',
        request ->> 'session_id', 'hub_staff', case when record is null then 'list' else 'read' end, look ->> 'entity', coalesce(record, ''), owner,
        look ->> 'purpose', look ->> 'filter', (request ->> 'row_count')::integer, salt, hub_private.values_hash(salt, null, null), request ->> 'request_id',
        (request ->> 'method') || ' ' || (request ->> 'route'),
        look ->> 'entity' = 'ticket_messages' and coalesce((select m.internal from hub.ticket_messages m where m.id::text = record), false));
    end loop;
  end loop;
end
$$;
comment on function hub_private.record_looks(jsonb) is 'Writes what staff looked at into the trail.';

create function hub_private.for_clients(entity text, row_values jsonb) returns jsonb
  language sql stable set search_path = ''
  return (select jsonb_object_agg(v.key, v.value) from jsonb_each(row_values) v join pg_catalog.pg_attribute c
    on c.attrelid = to_regclass('hub.' || entity) and c.attname = v.key and has_column_privilege('hub_customer', c.attrelid, c.attnum, 'select'));
comment on function hub_private.for_clients(text, jsonb) is 'The values that a client has a right to read.';

-- A9: what staff did with what is the caller's, newest first: who (name and role), what, when, why, before and after. Of the
-- values only the columns that a client may read, and never a note among staff.
create function hub_private.my_activity(before_id bigint, most integer) returns jsonb
  language sql stable security definer set search_path = ''
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
        'id', a.id, 'occurred_at', a.occurred_at, 'staff_name', a.actor_name, 'staff_role', a.actor_role, 'action', a.action,
        'entity', a.entity, 'entity_id', nullif(a.entity_id, ''), 'purpose', a.purpose, 'reason', a.reason,
        'before', hub_private.for_clients(a.entity, a.before),
        'after', hub_private.for_clients(a.entity, a.after),
        'erased', a.erased_at is not null) order by a.id desc), '[]')
    from (
      select * from hub.team_activities a
      where a.owner_id = (select hub_private.owner_id()) and a.actor_kind in ('staff', 'system') and a.action in ('insert', 'update', 'delete', 'read') and not a.internal
        and (before_id is null or a.id < before_id)
      order by a.id desc limit least(greatest(coalesce(most, 100), 1), 500)
    ) a
  );
comment on function hub_private.my_activity(bigint, integer) is 'What staff did with what is the caller''s.';
create function hub.my_activity(before_id bigint default null, most integer default 100) returns jsonb
  language sql stable set search_path = ''
  return hub_private.my_activity(before_id, most);
comment on function hub.my_activity(bigint, integer) is 'Who of the studio read or changed what of the caller''s, when and why; at most 500, below an id.';
grant execute on function hub.my_activity(bigint, integer), hub_private.my_activity(bigint, integer) to hub_customer;

revoke execute on all functions in schema hub, hub_private from public;
