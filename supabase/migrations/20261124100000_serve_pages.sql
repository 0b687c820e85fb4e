-- What the pages of a signed-in person ask.

create function hub.who_am_i() returns jsonb
  language sql stable set search_path = ''
  return jsonb_build_object('actor_id', hub_private.actor_id(), 'kind', hub_private.actor_kind(), 'role', hub_private.staff_role(),
    'owner_id', hub_private.owner_id());
comment on function hub.who_am_i() is 'Who the database takes the caller for.';
grant execute on function hub.who_am_i() to hub_customer, hub_staff;

-- Its owner signs out; no token of it is left after ten minutes.
create function hub.end_session(session text) returns integer
  language sql volatile security definer set search_path = ''
  return hub_private.deny(jsonb_build_array(jsonb_build_object('subject', session, 'cause', 'ended', 'expires_at', now() + interval '10 minutes')),
    'signed out', now());
comment on function hub.end_session(text) is 'Refuses every token of a session that was signed out.';
grant execute on function hub.end_session(text) to hub_system;

revoke execute on all functions in schema hub, hub_private from public;
