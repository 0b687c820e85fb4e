-- The same row of the trail for little more than half the time (L-1), and never one without its values: where nothing had said yet whether
-- an erasure was under way (SQL by hand, the seed), `not null` left before, after, salt and hash out, and find_drift() compared nothing with nothing.

-- Each check constraint is read and prepared anew for every single row that a trigger writes: six of them cost more than the eight indexes.
-- One that calls a function, which is prepared once a session, asks the same; and that what drift is found by is there, or was erased.
do $$
declare
  old constant text[] := array['team_activities_action_known', 'team_activities_actor_kind_known', 'team_activities_purpose_known',
    'team_activities_actor_name_length', 'team_activities_reason_length', 'team_activities_filter_length'];
  asked text;
  name text;
begin
  select string_agg(format('(%s) is not false', pg_get_expr(k.conbin, k.conrelid)), E'\n    and ' order by k.conname) into asked
    from pg_catalog.pg_constraint k where k.conrelid = 'hub.team_activities'::regclass and k.conname = any (old);
  execute format($q$
    create function hub_private.is_activity(action text, actor_kind text, purpose text, actor_name text, reason text, filter text, salt bytea, row_hash bytea,
      erased_at timestamptz) returns boolean
      language plpgsql immutable set search_path = '' as $f$
    begin
      return (erased_at is not null or (salt is not null and (row_hash is not null or action not in ('insert', 'update', 'baseline'))))
    and %s;
    end
    $f$
    $q$, asked);
  foreach name in array old loop
    execute format('alter table hub.team_activities drop constraint %I', name);
  end loop;
end
$$;
comment on function hub_private.is_activity(text, text, text, text, text, text, bytea, bytea, timestamptz) is
  'Whether a row of the trail says what one may: the known actions, kinds and purposes, words of a length, and the hash that it is proven by.';
-- Rows from before, which may lack their hash, are not looked at.
alter table hub.team_activities add constraint team_activities_known
  check (hub_private.is_activity(action, actor_kind, purpose, actor_name, reason, filter, salt, row_hash, erased_at)) not valid;

-- Settings and both hashes are written out here: a function that sets its search_path costs some microseconds a call. The formulas are those
-- of hub_private.values_hash() and of hub_private.row_hash(), by which find_drift() looks.
-- Times in a jsonb have the session's time zone, and a hash must not.
create or replace function hub_private.record_activity() returns trigger
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
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
    coalesce((new_row ->> 'internal')::boolean, false) or coalesce((old_row ->> 'internal')::boolean, false),
    nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''),
    case when erasing then now() end);
  -- A rule or a trigger on the trail may swallow a row and raise nothing; then the change has none and must not stay.
  if not found then
    raise exception 'the trail has not taken the row of this change';
  end if;
  return null;
end
$$;
comment on function hub_private.record_activity() is 'Writes the row of a change in its own transaction; refuses a write by nobody.';

revoke execute on all functions in schema hub, hub_private from public;
