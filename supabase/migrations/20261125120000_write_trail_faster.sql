-- The same row of the trail for less, and never one without its values: before, where nothing had said yet that no erasure was under way
-- (SQL by hand, the seed), `not null` left before, after, salt and hash out, and nobody would have seen it (L-1).
create or replace function hub_private.record_activity() returns trigger
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  actor text := hub_private.actor_id();
  kind text := hub_private.actor_kind();
  erasing boolean := coalesce(current_setting('hub.erasing', true), '') = 'on';
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

revoke execute on all functions in schema hub, hub_private from public;
