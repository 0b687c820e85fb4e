-- A-1, A-2: tickets. Acme (Alice and Bob) and Carol have one each.
select pg_temp.grid(
  'select id from hub.contact_tickets',
  $$insert into hub.contact_tickets (subject) values ('New')$$,
  $$update hub.contact_tickets set subject = 'Renamed'$$,
  'delete from hub.contact_tickets',
  array[
    'visitor       denied denied denied denied',
    'alice         1      1      1      denied',
    'bob           1      1      1      denied',
    'carol         1      1      1      denied',
    'admin         2      1      2      2',
    'sales         2      denied 0      0',
    'support       2      1      2      0',
    'system        denied denied denied denied',
    'hub_nobody    denied denied denied denied',
    'anon          denied denied denied denied',
    'authenticated denied denied denied denied',
    'service_role  denied denied denied denied'],
  $$insert into hub.contact_tickets (owner_id, subject) values ('org_2hubacme00000000000000001', 'New')$$);

do $$
declare
  ticket hub.contact_tickets;
begin
  -- Owner and author come from the token.
  perform pg_temp.act('bob');
  insert into hub.contact_tickets (subject) values ('Whose?');
  perform set_config('role', 'none', true);
  select * into ticket from hub.contact_tickets where subject = 'Whose?';
  assert (ticket.owner_id, ticket.author_id, ticket.status) = ('org_2hubacme00000000000000001', 'user_2hubbob000000000000000002', 'open'), ticket;
  -- Neither can be set by a client, nor can a row be moved to another owner.
  assert pg_temp.outcome('alice', $q$insert into hub.contact_tickets (subject, owner_id) values ('x', 'org_2hubother0000000000000')$q$) = 'denied';
  assert pg_temp.outcome('alice', $q$insert into hub.contact_tickets (subject, author_id) values ('x', 'user_2hubbob000000000000000002')$q$) = 'denied';
  assert pg_temp.outcome('alice', $q$update hub.contact_tickets set owner_id = 'user_2hubcarol0000000000000003'$q$) = 'denied';
  assert pg_temp.outcome('alice', $q$update hub.contact_tickets set priority = 'urgent'$q$) = 'denied';
  assert pg_temp.outcome('alice', $q$update hub.contact_tickets set status = 'solved'$q$) = 'PT409', 'solved is for staff to say';
  assert pg_temp.outcome('alice', $q$select assigned_to from hub.contact_tickets$q$) = 'denied';
  assert pg_temp.outcome('alice', $q$select * from hub.contact_tickets$q$) = 'denied';
  assert pg_temp.outcome('support', $q$insert into hub.contact_tickets (owner_id, subject) values ('nobody', 'x')$q$) = '23514';
  assert pg_temp.outcome('support', $q$insert into hub.contact_tickets (subject) values ('x')$q$) = '23502', 'staff name the owner';
end
$$;
