-- A-1, L-2: the functions: the roles that may call them, and the limits of each.
do $$
declare
  who text;
begin
  foreach who in array array['visitor', 'admin', 'system', 'hub_nobody', 'service_role'] loop
    assert pg_temp.outcome(who, $q$select hub.open_ticket('x', 'y')$q$) = 'denied', who;
  end loop;
  foreach who in array array['visitor', 'system', 'hub_nobody', 'service_role'] loop
    assert pg_temp.outcome(who, $q$select hub.search_tickets('x')$q$) = 'denied', who;
  end loop;
  foreach who in array array['visitor', 'alice', 'admin', 'hub_nobody', 'service_role', 'authenticated'] loop
    assert pg_temp.outcome(who, 'select hub.keep_house()') = 'denied', who;
    assert pg_temp.outcome(who, 'select hub_private.make_partitions(1)') = 'denied', who;
  end loop;
  assert pg_temp.outcome('alice', $q$select * from hub.search_tickets('of')$q$) = '1', 'the own owner''s tickets only';
  assert pg_temp.outcome('support', $q$select * from hub.search_tickets('of')$q$) = '2';
  assert pg_temp.outcome('alice', $q$select * from hub.search_tickets('by Carol')$q$) = '0';
  assert pg_temp.outcome('alice', $q$select * from hub.search_tickets('a note')$q$) = '0', 'a note of staff';
  assert pg_temp.outcome('alice', $q$select * from hub.search_tickets('%')$q$) = '0', 'a percent sign is a percent sign';
  assert pg_temp.outcome('alice', $q$select hub.open_ticket('', 'y')$q$) = '23514';
end
$$;

-- Both rows or none.
do $$
begin
  perform pg_temp.act('carol');
  begin
    perform hub.open_ticket('With no message', '');
    raise exception 'an empty message went through';
  exception when check_violation then
    null;
  end;
  assert not exists (select from hub.contact_tickets where subject = 'With no message');
  perform hub.open_ticket('With a message', 'Hello', 'billing');
  assert (select count(*) from hub.ticket_messages where body = 'Hello') = 1;
  perform set_config('role', 'none', true);
end
$$;

-- L-2: partitions exist two years ahead, are created again if one is missing, and are accessible to no role.
do $$
declare
  last text := (select max(c.relname) from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'hub.team_activities'::regclass);
  made jsonb;
begin
  assert last = 'team_activities_' || to_char(now() at time zone 'utc' + interval '24 months', 'YYYY_MM'), last;
  execute format('drop table hub_private.%I', last);
  insert into hub.revoked_sessions (subject, reason, expires_at) values ('sess_2hublongago0000000000000', 'x', now() - interval '31 days'),
    ('sess_2hubyesterday000000000', 'x', now() - interval '29 days');
  insert into hub.webhook_messages (sender, message_id, event, happened_at, received_at) values ('clerk', 'msg_old', 'x', now(), now() - interval '31 days'),
    ('clerk', 'msg_new', 'x', now(), now() - interval '29 days');
  perform pg_temp.act('system');
  made := hub.keep_house();
  assert made - 'retired' = '{"done": true, "partitions_made": 1, "revocations_forgotten": 1, "messages_forgotten": 1, "requests_forgotten": 0, "rejected_forgotten": 0}', made;
  assert made -> 'retired' -> 'findings' = '[]', made;
  assert hub.keep_house() - 'retired' = '{"done": true, "partitions_made": 0, "revocations_forgotten": 0, "messages_forgotten": 0, "requests_forgotten": 0, "rejected_forgotten": 0}', 'a second run';
  perform set_config('role', 'none', true);
  assert (select bool_and(relrowsecurity and relforcerowsecurity) from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'hub.team_activities'::regclass);
  assert pg_temp.outcome('admin', format('select id from hub_private.%I', last)) = 'denied';
end
$$;
