-- Erasure by an admin through the API (R-3, A-3): who asked and why stays in the audit log, and no one needs the database for it.

-- What removes and scrubs is a job of the Hub's, as before, since staff never erase by themselves; the admin's own row says that they asked.
create function hub_private.erase_user(user_id text, identifiers text[], reason text) returns jsonb
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  admin constant text := hub_private.actor_id();
  called constant text := nullif(current_setting('hub.actor_name', true), '');
  session constant text := nullif(current_setting('hub.session_id', true), '');
  e hub_private.erasure;
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
  found jsonb;
begin
  if hub_private.actor_kind() is distinct from 'staff' or hub_private.staff_role() is distinct from 'admin' then
    raise insufficient_privilege using message = 'not for this role';
  elsif length(btrim(coalesce(erase_user.reason, ''))) not between 1 and 500 then
    raise sqlstate 'PT400' using message = 'a reason is needed', hint = 'At most 500 characters, and without the person''s name: it stays.';
  elsif erase_user.user_id = admin then
    raise sqlstate 'PT409' using message = 'no one erases themselves', hint = 'Another admin does.';
  end if;
  e := hub_private.begin_erasure(erase_user.user_id, erase_user.identifiers);
  if hub_private.mentions(erase_user.reason, e.needles, e.named || '|' || e.words, e.sessions) then
    raise sqlstate 'PT400' using message = 'the reason names the person', hint = 'It stays in the audit log: name the request or its number.';
  end if;
  perform set_config('hub.actor_id', 'system:erasure', true), set_config('hub.actor_kind', 'system', true), set_config('hub.actor_name', '', true),
    set_config('hub.session_id', '', true), set_config('hub.staff_role', '', true), set_config('hub.reason', '', true);
  found := hub_private.erase_person(erase_user.user_id, erase_user.identifiers);
  perform set_config('hub.actor_id', admin, true), set_config('hub.actor_kind', 'staff', true), set_config('hub.actor_name', coalesce(called, ''), true),
    set_config('hub.session_id', coalesce(session, ''), true), set_config('hub.staff_role', 'admin', true), set_config('hub.reason', erase_user.reason, true);
  -- Also of a run that found nothing: that it was asked for is an act.
  insert into hub.team_activities
    (actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, reason, purpose, after, salt, values_hash, row_count,
      request_id, route)
  values (admin, 'staff', 'admin', called, session, current_setting('role'), 'erase', 'person', coalesce(found ->> 'pseudonym', ''), erase_user.reason,
    nullif(current_setting('hub.purpose', true), ''), found -> 'tables', salt, hub_private.values_hash(salt, null, found -> 'tables'), (found ->> 'rows')::bigint,
    nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''));
  return found;
end
$$;
comment on function hub_private.erase_user(text, text[], text) is 'Erases a person for an admin, and records who asked and why.';

-- Every row of every table is read: more than the eight seconds that a request has, and less than the 100 that Cloudflare gives one.
create function hub.erase_user(user_id text, identifiers text[], reason text) returns jsonb
  language sql volatile set search_path = '' set statement_timeout = '80s'
  return hub_private.erase_user(user_id, identifiers, reason);
comment on function hub.erase_user(text, text[], text) is 'Erases a person by their Clerk user id and what else identifies them; gives the pseudonym and how many rows were touched.';
grant execute on function hub.erase_user(text, text[], text), hub_private.erase_user(text, text[], text) to hub_staff;

revoke execute on all functions in schema hub, hub_private from public;
