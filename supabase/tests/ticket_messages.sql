-- A-1, A-2: messages of tickets. Acme's ticket has Alice's message, one of Support and an internal note; Carol's has hers.
select pg_temp.grid(
  'select id from hub.ticket_messages',
  $$insert into hub.ticket_messages (ticket_id, body) select id, 'more' from hub.contact_tickets where subject = 'Of Acme'$$,
  $$update hub.ticket_messages set body = 'other words'$$,
  'delete from hub.ticket_messages',
  array[
    'visitor       denied denied denied denied',
    'alice         2      1      denied denied',
    'bob           2      1      denied denied',
    'carol         1      0      denied denied',
    'admin         4      1      2      4',
    'sales         4      denied 0      0',
    'support       4      1      2      0',
    'system        denied denied denied denied',
    'hub_nobody    denied denied denied denied',
    'anon          denied denied denied denied',
    'authenticated denied denied denied denied',
    'service_role  denied denied denied denied']);

do $$
declare
  of_acme uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
begin
  -- Somebody else's ticket is as absent as one that never was.
  assert pg_temp.outcome('carol', format($q$insert into hub.ticket_messages (ticket_id, body) values (%L, 'x')$q$, of_acme)) = '23503';
  assert pg_temp.outcome('carol', format($q$insert into hub.ticket_messages (ticket_id, body) values (%L, 'x')$q$, gen_random_uuid())) = '23503';
  assert pg_temp.outcome('alice', format($q$insert into hub.ticket_messages (ticket_id, body, internal) values (%L, 'x', true)$q$, of_acme)) = 'denied';
  assert pg_temp.outcome('alice', format($q$insert into hub.ticket_messages (ticket_id, body, author_kind) values (%L, 'x', 'staff')$q$, of_acme)) = 'denied';
  assert pg_temp.outcome('alice', $q$select id from hub.ticket_messages where body = 'a note'$q$) = '0', 'a note of staff';
  -- Staff change what staff wrote, never a client's words.
  assert pg_temp.outcome('admin', $q$update hub.ticket_messages set body = 'x' where body = 'by Alice'$q$) = '0';
end
$$;
