-- The same row of the trail for little more than half the time (L-1), and never one without its values: where nothing had said yet whether
-- an erasure was under way (SQL by hand, the seed), `not null` left before, after, salt and hash out, and find_drift() compared nothing with nothing.

-- A function that sets its search_path is called, five to fifteen microseconds each; one that does not becomes part of the expression that
-- names it. Names in a `return` body are looked up when it is created, so these need none.
alter function hub_private.actor_id() reset search_path;
alter function hub_private.actor_kind() reset search_path;
alter function hub_private.staff_role() reset search_path;
alter function hub_private.owner_id() reset search_path;
alter function hub_private.reason() reset search_path;
alter function hub_private.values_hash(bytea, jsonb, jsonb) reset search_path;
alter function hub_private.row_hash(bytea, jsonb) reset search_path;

-- Times in a jsonb have the session's time zone, and a hash must not.
create or replace function hub_private.record_activity() returns trigger
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  actor constant text := hub_private.actor_id();
  kind constant text := hub_private.actor_kind();
  -- Staff and clients never erase, whatever a session says.
  erasing constant boolean := kind = 'system' and coalesce(current_setting('hub.erasing', true), '') = 'on';
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
  values_hash := hub_private.values_hash(salt, before, after);
  if erasing then
    before := null;
    after := null;
    salt := null;
  elsif new_row is not null then
    row_hash := hub_private.row_hash(salt, new_row);
  end if;
  insert into hub.team_activities
    (actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, owner_id, reason, purpose, before, after, salt,
      values_hash, row_hash, internal, request_id, route, erased_at)
  values (actor, kind, coalesce(hub_private.staff_role(), kind), nullif(current_setting('hub.actor_name', true), ''),
    nullif(current_setting('hub.session_id', true), ''), current_setting('role'), lower(tg_op), tg_table_name,
    coalesce(either ->> 'id', either ->> 'subject'), either ->> 'owner_id', hub_private.reason(),
    nullif(current_setting('hub.purpose', true), ''), before, after, salt, values_hash, row_hash,
    coalesce((new_row ->> 'internal')::boolean, false) or coalesce((old_row ->> 'internal')::boolean, false),
    nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''),
    case when erasing then now() end);
  return null;
end
$$;
comment on function hub_private.record_activity() is 'Writes the row of a change in its own transaction; refuses a write by nobody.';

revoke execute on all functions in schema hub, hub_private from public;
