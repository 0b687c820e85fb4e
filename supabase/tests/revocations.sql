-- I-2: revocations of unexpired tokens: the effect of each cause; the newest event applies, a message counts once.

-- Returns the result for a persona whose token has these claims besides the usual ones.
create function pg_temp.asked(who text, claims jsonb default '{}') returns text language plpgsql as $$
begin
  perform pg_temp.act(who, 'GET', claims);
  perform set_config('role', 'none', true);
  return 'entered';
exception when others then
  perform set_config('role', 'none', true);
  return sqlstate;
end
$$;
create function pg_temp.told(message text, happened text, verdicts jsonb) returns text language plpgsql as $$
declare
  said text;
begin
  perform pg_temp.act('system');
  said := hub.take_clerk_event(message, 'test.event', now() + happened::interval, verdicts);
  perform set_config('role', 'none', true);
  return said;
end
$$;
create function pg_temp.forget() returns void language sql as 'delete from hub.revoked_sessions; delete from hub.webhook_messages';

do $$
declare
  alice text := 'user_2hubalice0000000000000001';
  acme text := 'org_2hubacme00000000000000001';
  soon text := (now() + interval '5 minutes')::text;
  past text := (now() - interval '1 second')::text;
  subject text;
begin
  -- A session, a user, an organization.
  foreach subject in array array['sess_2hubalice0000000000000001', alice, acme] loop
    perform pg_temp.forget();
    assert pg_temp.asked('alice') = 'entered';
    assert pg_temp.told('m1', '0', jsonb_build_array(jsonb_build_object('subject', subject, 'cause', 'ended', 'expires_at', soon))) = 'taken';
    assert pg_temp.asked('alice') = 'PT401', subject;
    assert pg_temp.asked('carol') = 'entered', subject;
    assert pg_temp.asked('bob') = case when subject = acme then 'PT401' else 'entered' end, subject;
    -- The same message again, with any content.
    assert pg_temp.told('m1', '1 hour', jsonb_build_array(jsonb_build_object('subject', subject, 'cause', 'ended', 'expires_at', past))) = 'repeated';
    assert pg_temp.asked('alice') = 'PT401', 'a replay';
    -- An older event of the same subject has no effect, a newer one lifts it.
    assert pg_temp.told('m2', '-1 minute', jsonb_build_array(jsonb_build_object('subject', subject, 'cause', 'ended', 'expires_at', past))) = 'taken';
    assert pg_temp.asked('alice') = 'PT401', 'overtaken';
    assert pg_temp.told('m3', '1 minute', jsonb_build_array(jsonb_build_object('subject', subject, 'cause', 'ended', 'expires_at', past))) = 'taken';
    assert pg_temp.asked('alice') = 'entered', 'lifted';
    assert pg_temp.told('m4', '30 seconds', jsonb_build_array(jsonb_build_object('subject', subject, 'cause', 'ended', 'expires_at', soon))) = 'taken';
    assert pg_temp.asked('alice') = 'entered', 'a revocation that was overtaken by its lifting';
  end loop;

  -- One cause does not lift another.
  perform pg_temp.forget();
  perform pg_temp.told('m1', '0', jsonb_build_array(jsonb_build_object('subject', alice, 'cause', 'banned', 'expires_at', 'infinity'),
    jsonb_build_object('subject', alice, 'cause', 'locked', 'expires_at', past)));
  assert pg_temp.asked('alice') = 'PT401';

  -- A role: tokens that name another are rejected, those that name it are not.
  perform pg_temp.forget();
  perform pg_temp.told('m1', '0', jsonb_build_array(jsonb_build_object('subject', 'user_2hubadmin0000000000000005', 'cause', 'role', 'role', 'sales', 'expires_at', soon)));
  assert pg_temp.asked('admin') = 'PT401';
  assert pg_temp.asked('admin', '{"stacklumen_role": "sales"}') = 'entered';
  assert pg_temp.asked('sales') = 'entered', 'somebody else';
  perform pg_temp.told('m2', '0', jsonb_build_array(jsonb_build_object('subject', 'user_2hubadmin0000000000000005', 'cause', 'role', 'expires_at', soon),
    jsonb_build_object('subject', alice, 'cause', 'role', 'expires_at', soon)));
  assert pg_temp.asked('admin', '{"stacklumen_role": "sales"}') = 'PT401', 'no role at all';
  assert pg_temp.asked('alice') = 'entered', 'a client without a role stays one';
  perform pg_temp.told('m3', '0', jsonb_build_array(jsonb_build_object('subject', alice, 'cause', 'role', 'role', 'support', 'expires_at', soon)));
  assert pg_temp.asked('alice') = 'PT401', 'a client who is staff now';

  -- A membership: only tokens with that organization.
  perform pg_temp.forget();
  perform pg_temp.told('m1', '0', jsonb_build_array(jsonb_build_object('subject', alice, 'cause', 'membership', 'scope', acme, 'expires_at', soon)));
  assert pg_temp.asked('alice') = 'PT401';
  assert pg_temp.asked('alice', jsonb_build_object('owner', alice, 'org', null)) = 'entered', 'without an organization';
  assert pg_temp.asked('alice', '{"owner": "org_2hubother0000000000000001", "org": "org_2hubother0000000000000001"}') = 'entered';
  assert pg_temp.asked('bob') = 'entered';

  -- A token that was sent over http: it and older ones of its session.
  perform pg_temp.forget();
  perform pg_temp.act('system');
  perform hub.burn_token('sess_2hubalice0000000000000001', now());
  perform set_config('role', 'none', true);
  assert pg_temp.asked('alice') = 'PT401';
  assert pg_temp.asked('alice', jsonb_build_object('sat', extract(epoch from now())::bigint + 2)) = 'entered', 'the next token';
  perform pg_temp.act('system');
  perform hub.burn_token('sess_2hubalice0000000000000001', now() - interval '30 seconds');
  perform set_config('role', 'none', true);
  assert pg_temp.asked('alice') = 'PT401', 'an older token is burnt after a newer one';

  -- An admin: all tokens of a user, until Clerk has ended the sessions; then the older ones. It is a staff action.
  perform pg_temp.forget();
  perform pg_temp.act('admin');
  perform hub.revoke_sessions(alice, 'a lost laptop');
  perform set_config('role', 'none', true);
  assert pg_temp.asked('alice', jsonb_build_object('sat', extract(epoch from now())::bigint + 60)) = 'PT401';
  assert (select (actor_id, action, after ->> 'reason') = ('user_2hubadmin0000000000000005', 'insert', 'a lost laptop') from hub.team_activities where entity_id = alice and actor_kind = 'staff');
  perform pg_temp.act('system');
  assert hub.sessions_ended(alice) = 1;
  assert hub.sessions_ended(alice) = 0;
  perform set_config('role', 'none', true);
  assert pg_temp.asked('alice') = 'PT401', 'a token from before';
  assert pg_temp.asked('alice', jsonb_build_object('sat', extract(epoch from now())::bigint + 60)) = 'entered', 'signed in again';
  assert (select count(*) from hub.team_activities where entity_id = alice and actor_kind = 'staff') = 1, 'what the Hub notes is no staff action';
  perform pg_temp.forget();
end
$$;

-- Rights to revoke: the Hub and admins, each by their own function.
do $$
begin
  assert pg_temp.outcome('sales', $q$select hub.revoke_sessions('user_2hubalice0000000000000001', 'x')$q$) = 'denied';
  assert pg_temp.outcome('alice', $q$select hub.revoke_sessions('user_2hubalice0000000000000001', 'x')$q$) = 'denied';
  assert pg_temp.outcome('admin', $q$select hub.sessions_ended('user_2hubalice0000000000000001')$q$) = 'denied';
  assert pg_temp.outcome('admin', $q$select hub.burn_token('sess_2hubalice0000000000000001', now())$q$) = 'denied';
  assert pg_temp.outcome('admin', $q$select hub.take_clerk_event('m', 'e', now(), '[]')$q$) = 'denied';
  assert pg_temp.outcome('alice', $q$select hub_private.deny('[]', 'x', now())$q$) = 'denied';
end
$$;
select pg_temp.grid(
  'select message_id from hub.webhook_messages',
  $$insert into hub.webhook_messages (sender, message_id, event, happened_at) values ('clerk', 'x', 'x', now())$$,
  $$update hub.webhook_messages set event = 'x'$$,
  'delete from hub.webhook_messages',
  array[
    'visitor denied denied denied denied',
    'alice   denied denied denied denied',
    'admin   0      denied denied denied',
    'sales   0      denied denied denied',
    'system  denied denied denied denied',
    'service_role denied denied denied denied']);
