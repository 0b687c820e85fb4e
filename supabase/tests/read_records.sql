-- L-1, A-2: reads of staff are in the audit log, and each customer sees the actions on their own data, and no more.
do $$
declare
  ticket uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
  other uuid := (select id from hub.contact_tickets where subject = 'Of Carol');
  note uuid := (select id from hub.ticket_messages where internal);
  looks jsonb;
  rows bigint;
  mine jsonb;
begin
  perform pg_temp.act('support', 'POST', '{"name": "Sue Support"}');
  perform set_config('hub.reason', 'the client asked', true);
  update hub.contact_tickets set priority = 'high', assigned_to = 'user_2hubsupport000000000000007' where id in (ticket, other);
  update hub.ticket_messages set body = 'a secret note' where id = note;
  perform set_config('role', 'none', true);

  looks := (select jsonb_agg(jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FA' || n, 'actor_id', 'user_2hubsupport000000000000007',
      'actor_name', 'Sue Support', 'who', 'staff:support', 'session_id', 'sess_x', 'method', 'GET', 'route', '/rest/v1/x', 'outcome', 'allowed', 'status', 200,
      'row_count', seen, 'look', look))
    from (values
      (1, 2, jsonb_build_object('entity', 'contact_tickets', 'selector', 'key', 'records', jsonb_build_array(ticket, other), 'filter', 'id=in.(...)', 'purpose', 'client_request')),
      (2, 17, jsonb_build_object('entity', 'leads', 'selector', 'list', 'records', '[]'::jsonb, 'filter', 'status=eq.new', 'purpose', null)),
      (3, 1, jsonb_build_object('entity', 'ticket_messages', 'selector', 'key', 'records', jsonb_build_array(upper(note::text)), 'filter', 'x', 'purpose', 'support'))
    ) as l (n, seen, look));
  select count(*) into rows from hub.team_activities;
  perform pg_temp.act('system');
  perform hub.record_requests(looks);
  perform hub.record_requests(looks);
  perform set_config('role', 'none', true);
  assert (select count(*) from hub.team_activities) = rows + 4, 'a look twice is one, and two records are two';
  assert (select (action, row_count, filter, entity_id, actor_role, route) = ('list', 17, 'status=eq.new', '', 'support', 'GET /rest/v1/x') from hub.team_activities where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FA2');
  assert (select owner_id from hub.team_activities where entity_id = other::text and action = 'read') = 'user_2hubcarol0000000000000003';

  -- An export is one row, and of its two records in one batch the second applies, in any order.
  perform pg_temp.act('system');
  perform hub.record_requests((select jsonb_agg(jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FE1', 'actor_id', 'user_2hubadmin0000000000000005',
      'who', 'staff:admin', 'method', 'GET', 'route', '/rest/v1/team_activities', 'outcome', 'allowed', 'status', word.status, 'row_count', word.found,
      'look', word.look) order by word.place)
    from (values (1, null, null, '{"entity": "team_activities", "records": [], "filter": "select=id", "purpose": "legal", "export": true}'::jsonb), (2, 200, 7, null)) as word (place, status, found, look)));
  perform set_config('role', 'none', true);
  assert (select (status, row_count) = (200, 7) from hub.request_log where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FE1');
  assert (select array_agg(action || ' ' || purpose) = '{export legal}' from hub.team_activities where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FE1');

  -- Acme sees its own: the read and the change, by name and role, with the reason; not the assignee, no note, no other
  -- customer's.
  perform pg_temp.act('alice');
  mine := hub.my_activity();
  perform set_config('role', 'none', true);
  assert mine -> 0 @> jsonb_build_object('action', 'read', 'staff_name', 'Sue Support', 'staff_role', 'support', 'purpose', 'client_request', 'entity_id', ticket), mine;
  assert mine @> jsonb_build_array(jsonb_build_object('action', 'update', 'reason', 'the client asked', 'after', '{"priority": "high"}'::jsonb, 'before', '{"priority": "normal"}'::jsonb)), mine;
  assert position('assigned_to' in mine::text) = 0 and position('note' in mine::text) = 0 and position(note::text in mine::text) = 0
    and position(other::text in mine::text) = 0 and position('secret' in mine::text) = 0, mine;
  assert not mine @> '[{"staff_role": "customer"}]', 'a client''s own writes are no staff activity';
  perform pg_temp.act('carol');
  mine := hub.my_activity(most => 1);
  perform set_config('role', 'none', true);
  assert jsonb_array_length(mine) = 1 and mine -> 0 ->> 'entity_id' = other::text, mine;
  perform pg_temp.act('carol');
  assert hub.my_activity(before_id => (mine -> 0 ->> 'id')::bigint) -> 0 ->> 'action' = 'update', 'the next page';
  perform set_config('role', 'none', true);
  assert pg_temp.outcome('support', 'select hub.my_activity()') = 'denied';
  assert pg_temp.outcome('support', $q$select hub.record_requests('[]')$q$) = 'denied';
end
$$;

-- Recorded before the data is requested, in the reader's own name: one request row, one row for each record shown,
-- once.
do $$
declare
  ticket uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
  message uuid := (select id from hub.ticket_messages where body = 'by Alice');
  note uuid := (select id from hub.ticket_messages where internal);
  trail bigint := (select max(id) from hub.team_activities where entity_id = note::text);
  gone uuid := gen_random_uuid();
  request text;
  found text[];
begin
  perform pg_temp.act('carol');
  perform set_config('role', 'none', true);
  insert into hub.contact_tickets (id, owner_id, author_id, subject) values (gone, 'user_2hubcarol0000000000000003', 'user_2hubcarol0000000000000003', 'Gone');
  perform pg_temp.act('admin');
  perform set_config('role', 'none', true);
  delete from hub.contact_tickets where id = gone;

  for request, found in
    select * from (values
      ('{"entity": "ticket_messages", "selector": "key", "records": ["' || upper(message::text) || '"]}', array['read ticket_messages ' || message || ' org_2hubacme00000000000000001 false ']),
      ('{"entity": "ticket_messages", "selector": "key", "records": ["' || upper(note::text) || '"]}', array['read ticket_messages ' || note || ' org_2hubacme00000000000000001 true ']),
      ('{"entity": "ticket_messages", "selector": "conversation", "records": ["' || message || '"]}', array['read contact_tickets ' || ticket || ' org_2hubacme00000000000000001 false ']),
      -- One conversation for any number of named messages, and its customer sees that it was read through a note.
      ('{"entity": "ticket_messages", "selector": "conversation", "records": ["' || note || '", "' || message || '"]}', array['read contact_tickets ' || ticket || ' org_2hubacme00000000000000001 false ']),
      ('{"entity": "ticket_messages", "selector": "owner", "records": ["org_2hubacme00000000000000001", "user_2hubnobody00000000000009"]}', array['read ticket_messages org_2hubacme00000000000000001 org_2hubacme00000000000000001 false 3']),
      ('{"entity": "ticket_messages", "selector": "owner", "records": ["user_2hubnobody00000000000009"]}', array['list ticket_messages   false ']),
      ('{"entity": "team_activities", "selector": "key", "records": ["' || trail || '"]}', array['read team_activities ' || trail || ' org_2hubacme00000000000000001 true ']),
      ('{"entity": "leads", "selector": "list", "records": []}', array['list leads   false ']),
      ('{"entity": "ticket_messages", "selector": "owner", "records": ["x", "", "\" or 1=1", "user_"]}', array['list ticket_messages   false ', 'read ticket_messages " or 1=1  false ', 'read ticket_messages user_  false ', 'read ticket_messages x  false ']),
      ('{"entity": "ticket_messages", "selector": "key", "records": ["00000000-0000-4000-8000-00000000000g", "user_2hubcarol0000000000000003"]}', array['read ticket_messages 00000000-0000-4000-8000-00000000000g  false ', 'read ticket_messages user_2hubcarol0000000000000003  false ']),
      ('{"entity": "team_activities", "selector": "key", "records": ["99999999999999999999999"]}', array['read team_activities 99999999999999999999999  false ']),
      ('{"entity": "nothing", "selector": "nothing", "records": ["x"]}', array['read nothing x  false ']),
      -- An owner in another case is another owner, and a key in another case the same key.
      ('{"entity": "contact_tickets", "selector": "owner", "records": ["user_2HUBCAROL0000000000000003", "user_2hubcarol0000000000000003"]}', array['read contact_tickets user_2hubcarol0000000000000003 user_2hubcarol0000000000000003 false 1']),
      ('{"entity": "contact_tickets", "selector": "owner", "records": ["user_2hubcarol0000000000000003", "USER_2hubcarol0000000000000003", "user_2hubcarol0000000000000003", "user_2hubCarol0000000000000003"]}',
        array['read contact_tickets USER_2hubcarol0000000000000003  false ', 'read contact_tickets user_2hubcarol0000000000000003 user_2hubcarol0000000000000003 false 1']),
      ('{"entity": "ticket_messages", "selector": "key", "records": ["' || upper(message::text) || '", "' || message || '"]}', array['read ticket_messages ' || message || ' org_2hubacme00000000000000001 false ']),
      -- A read of a customer's audit log is the customer's own, also of a deleted record; a note is not shown to them.
      ('{"entity": "team_activities", "selector": "owner", "records": ["org_2hubacme00000000000000001"]}', array['read team_activities org_2hubacme00000000000000001 org_2hubacme00000000000000001 false ']),
      ('{"entity": "request_log", "selector": "owner", "records": ["org_2hubacme00000000000000001"]}', array['read request_log org_2hubacme00000000000000001 org_2hubacme00000000000000001 false ']),
      ('{"entity": "contact_tickets", "selector": "subject", "records": ["' || ticket || '"]}', array['read contact_tickets ' || ticket || ' org_2hubacme00000000000000001 false ']),
      ('{"entity": "team_activities", "selector": "subject", "records": ["' || gone || '"]}', array['read contact_tickets ' || gone || ' user_2hubcarol0000000000000003 false ']),
      -- A request's rows in the audit log are recorded as a read of each client that they concern, with their number.
      ('{"entity": "team_activities", "selector": "request", "records": ["01ARZ3NDEKTSV4RRFFQ69G5FA1", "x"]}',
        array['read team_activities org_2hubacme00000000000000001 org_2hubacme00000000000000001 false 1', 'read team_activities user_2hubcarol0000000000000003 user_2hubcarol0000000000000003 false 1']),
      ('{"entity": "team_activities", "selector": "request", "records": ["01ARZ3NDEKTSV4RRFFQ69G5FA1", "01ARZ3NDEKTSV4RRFFQ69G5FA3", "01ARZ3NDEKTSV4RRFFQ69G5FA1"]}',
        array['read team_activities org_2hubacme00000000000000001 org_2hubacme00000000000000001 false 2', 'read team_activities user_2hubcarol0000000000000003 user_2hubcarol0000000000000003 false 1']),
      ('{"entity": "team_activities", "selector": "request", "records": ["01ARZ3NDEKTSV4RRFFQ69G5FA3"]}', array['read team_activities org_2hubacme00000000000000001 org_2hubacme00000000000000001 true 1']),
      ('{"entity": "team_activities", "selector": "request", "records": ["01ARZ3NDEKTSV4RRFFQ69G5FA2", "01arz3ndektsv4rrffq69g5fa1", "", "x", "user_2hubcarol0000000000000003"]}', array['list team_activities   false ']),
      ('{"entity": "request_log", "selector": "request", "records": ["01ARZ3NDEKTSV4RRFFQ69G5FA1"]}', array['list request_log   false ']),
      ('{"entity": "leads", "selector": "subject", "records": ["' || ticket || '", "x"]}', array['list leads   false ']),
      ('{"entity": "team_activities", "selector": "subject", "records": ["' || note || '"]}', array['read ticket_messages ' || note || ' org_2hubacme00000000000000001 true '])
    ) as r (request, found)
  loop
    perform pg_temp.act('support', 'POST', '{"name": "Sue Support"}');
    perform hub.record_read(r.entity, r.selector, r.records, 'select=body', 'quality') from jsonb_to_record(request::jsonb) as r (entity text, selector text, records text[]);
    perform hub.record_read(r.entity, r.selector, r.records, 'select=body', 'quality') from jsonb_to_record(request::jsonb) as r (entity text, selector text, records text[]);
    perform set_config('role', 'none', true);
    assert (select array_agg(concat_ws(' ', action, entity, entity_id, coalesce(owner_id, ''), internal::text, coalesce(row_count::text, '')) order by action, entity_id) from hub.team_activities
      where request_id = current_setting('hub.request_id') and actor_id = 'user_2hubsupport000000000000007' and actor_name = 'Sue Support' and actor_role = 'support'
        and purpose = 'quality' and filter = 'select=body') = found, request;
    assert (select (outcome, status is null, who) = ('allowed', true, 'staff:support') from hub.request_log where request_id = current_setting('hub.request_id')), request;
  end loop;

  -- Point 9 of the audit: an impersonator is the actor, the owner is the customer for any named one, and the customer
  -- sees it.
  perform pg_temp.act('alice', 'POST', '{}', '{"x-hub-impersonator": "user_2hubadmin0000000000000005", "x-hub-method": "GET", "x-hub-route": "/rest/v1/contact_tickets"}');
  perform hub.record_read('contact_tickets', 'owner', array['user_2hubcarol0000000000000003'], 'select=id');
  assert (hub.my_activity() -> 0) @> '{"action": "list", "staff_role": "impersonator", "entity": "contact_tickets", "entity_id": null, "outcome": "allowed"}', hub.my_activity() -> 0;
  perform set_config('role', 'none', true);
  assert (select (actor_id, actor_kind, owner_id, route) = ('user_2hubadmin0000000000000005', 'staff', 'org_2hubacme00000000000000001', 'GET /rest/v1/contact_tickets')
    from hub.team_activities where request_id = current_setting('hub.request_id'));
  assert (select (actor_id, impersonator_id, method) = ('user_2hubalice0000000000000001', 'user_2hubadmin0000000000000005', 'GET')
    from hub.request_log where request_id = current_setting('hub.request_id'));
  -- A read that was rejected after it was recorded has that outcome.
  request := current_setting('hub.request_id');
  perform pg_temp.act('system');
  perform hub.record_requests(jsonb_build_array(jsonb_build_object('occurred_at', now(), 'request_id', request, 'method', 'GET', 'route', '/x', 'who', 'customer', 'outcome', 'failed', 'status', 502)));
  perform pg_temp.act('alice');
  assert hub.my_activity() -> 0 ->> 'outcome' = 'failed', hub.my_activity() -> 0;
  perform set_config('role', 'none', true);

  -- Customers record nothing on their own account, and visitors and jobs nothing at all.
  assert pg_temp.outcome('alice', $q$select hub.record_read('leads', 'list', '{}', '')$q$) = 'denied';
  assert pg_temp.outcome('visitor', $q$select hub.record_read('leads', 'list', '{}', '')$q$) = 'denied';
  assert pg_temp.outcome('system', $q$select hub.record_read('leads', 'list', '{}', '')$q$) = 'denied';
end
$$;

-- A read of a record's history names each client whose rows it shows, also after a read of the record with the session of another client; and a
-- row that was deleted between its read and the delivery of the record has its owner from the audit log.
do $$
declare
  carols uuid := (select id from hub.contact_tickets where subject = 'Of Carol');
  acmes uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
  gone uuid := gen_random_uuid();
  note uuid := gen_random_uuid();
begin
  perform pg_temp.act('alice', 'POST', '{}', '{"x-hub-impersonator": "user_2hubadmin0000000000000005"}');
  perform hub.record_read('contact_tickets', 'key', array[carols::text], 'select=id');
  perform set_config('role', 'none', true);
  perform pg_temp.act('admin', 'POST', '{"name": "Ada Admin"}');
  perform hub.record_read('team_activities', 'subject', array[carols::text], 'select=after', 'quality');
  perform set_config('role', 'none', true);
  assert (select array_agg(owner_id order by owner_id) from hub.team_activities where request_id = current_setting('hub.request_id'))
    = array['org_2hubacme00000000000000001', 'user_2hubcarol0000000000000003'], 'each client of the history';
  perform pg_temp.act('carol');
  assert hub.my_activity() -> 0 @> jsonb_build_object('action', 'read', 'staff_name', 'Ada Admin', 'entity_id', carols), hub.my_activity() -> 0;
  perform set_config('role', 'none', true);

  perform pg_temp.act('carol');
  perform set_config('role', 'none', true);
  insert into hub.contact_tickets (id, owner_id, author_id, subject) values (gone, 'user_2hubcarol0000000000000003', 'user_2hubcarol0000000000000003', 'Gone soon');
  perform pg_temp.act('admin');
  perform set_config('role', 'none', true);
  delete from hub.contact_tickets where id = gone;
  insert into hub.ticket_messages (id, ticket_id, owner_id, author_id, author_kind, body, internal)
    values (note, carols, 'user_2hubcarol0000000000000003', 'user_2hubadmin0000000000000005', 'staff', 'gone note', true);
  delete from hub.ticket_messages where id = note;
  perform pg_temp.act('system');
  perform hub.record_requests((select jsonb_agg(jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FG' || n, 'actor_id', 'user_2hubsupport000000000000007',
      'who', 'staff:support', 'method', 'GET', 'route', '/rest/v1/contact_tickets', 'outcome', 'allowed', 'status', 200, 'row_count', shown,
      'look', jsonb_build_object('entity', case when n = 6 then 'ticket_messages' else 'contact_tickets' end, 'selector', selector, 'records', records, 'filter', 'x')))
    from (values (1, 1, 'key', jsonb_build_array(gone)), (2, 0, 'key', jsonb_build_array(gone)), (3, 2, 'owner', '["user_2hubnobody00000000000009", "user_2hubnobody00000000000009"]'),
      (4, 0, 'owner', '["user_2hubnobody00000000000009"]'), (5, 1, 'key', jsonb_build_array(gone, acmes)), (6, 1, 'key', jsonb_build_array(note))) as r (n, shown, selector, records)));
  perform set_config('role', 'none', true);
  assert (select array_agg(concat_ws(' ', right(request_id, 1), action, coalesce(owner_id, '-')) order by request_id, owner_id nulls first) from hub.team_activities where request_id like '01ARZ3NDEKTSV4RRFFQ69G5FG%')
    -- Of a deleted and a living record, one row was shown: the living one.
    = array['1 read user_2hubcarol0000000000000003', '2 read -', '3 list user_2hubnobody00000000000009', '4 list -', '5 read -', '5 read org_2hubacme00000000000000001', '6 read -'],
    (select array_agg(concat_ws(' ', right(request_id, 1), action, coalesce(owner_id, '-')) order by request_id, owner_id nulls first) from hub.team_activities where request_id like '01ARZ3NDEKTSV4RRFFQ69G5FG%');
end
$$;

-- The longest filter that the Hub sends is stored completely, by both paths.
do $$
declare
  longest constant text := repeat('x', 15990) || '&needle=eq';
begin
  assert length(longest) = 16000;
  perform pg_temp.act('support');
  perform hub.record_read('contact_tickets', 'list', '{}', longest, 'support');
  perform set_config('role', 'none', true);
  assert (select filter = longest from hub.team_activities where request_id = current_setting('hub.request_id'));
  perform pg_temp.act('system');
  perform hub.record_requests(jsonb_build_array(jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FM1', 'actor_id', 'user_2hubsupport000000000000007',
    'who', 'staff:support', 'method', 'GET', 'route', '/x', 'outcome', 'allowed', 'status', 200, 'look', jsonb_build_object('entity', 'contact_tickets', 'selector', 'list', 'filter', longest))));
  perform set_config('role', 'none', true);
  assert (select filter = longest from hub.team_activities where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FM1');
end
$$;

-- An export of a customer's data, or of the actions on it, is shown to that customer, and to no other; without its
-- content.
do $$
declare
  mine jsonb;
  request text;
begin
  perform pg_temp.act('admin', 'POST', '{"name": "Ada Admin"}');
  perform hub.record_read('team_activities', 'owner', array['org_2hubacme00000000000000001'], 'select=id,before', 'legal', true);
  perform pg_temp.act('alice');
  mine := hub.my_activity(most => 1);
  assert mine -> 0 @> '{"action": "export", "entity": "team_activities", "staff_name": "Ada Admin", "purpose": "legal", "outcome": "allowed", "before": null, "after": null}', mine;
  perform pg_temp.act('carol');
  assert not hub.my_activity() @> '[{"action": "export"}]', hub.my_activity();
  perform set_config('role', 'none', true);

  -- An export that was interrupted after its first rows has shown them.
  perform pg_temp.act('admin');
  perform hub.record_read('team_activities', 'owner', array['org_2hubacme00000000000000001'], 'select=id', 'legal', true);
  perform set_config('role', 'none', true);
  request := current_setting('hub.request_id');
  perform pg_temp.act('system');
  perform hub.record_requests(jsonb_build_array(jsonb_build_object('occurred_at', now(), 'request_id', request, 'method', 'GET', 'route', '/x', 'who', 'staff:admin', 'outcome', 'failed',
    'status', 200, 'row_count', 1000)));
  perform set_config('role', 'none', true);
  perform pg_temp.act('alice');
  assert hub.my_activity(most => 1) -> 0 @> '{"action": "export", "outcome": "allowed"}', hub.my_activity(most => 1);
  perform set_config('role', 'none', true);
end
$$;

-- No content of a row makes it, or another row, unwritable: text of another form than its column is omitted, cut, or
-- stored as text.
do $$
declare
  odd jsonb;
  n integer := 0;
  value jsonb;
  name text;
begin
  foreach name in array array['occurred_at', 'client_request_id', 'method', 'route', 'who', 'actor_id', 'session_id', 'owner_id', 'impersonator_id', 'outcome', 'status', 'code',
    'duration_ms', 'upstream_ms', 'row_count', 'colo', 'country', 'token_id', 'address_hash', 'actor_name', 'look', 'entity', 'selector', 'records', 'filter', 'purpose', 'export'] loop
    for value in select * from jsonb_array_elements(jsonb_build_array(null, '', 'x', 'user_', '2026-02-30T00:00:00.000Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '0000-01-01', repeat('é', 5000),
      -- Of the same length, and of a text that no index entry can hold compressed.
      (select string_agg(md5(m::text), '') from generate_series(1, 300) m),
      '🙂', E'\n\t\\"', -1, 1.5, 1e30, true, '[]'::jsonb, '["x", null, 1, {}]'::jsonb, '{}'::jsonb)) loop
      n := n + 1;
      odd := jsonb_build_object('occurred_at', '2026-11-26T00:00:00.000Z', 'request_id', '01ARZ3NDEKTSV4RRFFQ7' || lpad(n::text, 6, '0'), 'actor_id', 'user_2hubsupport000000000000007',
        'who', 'staff:support', 'method', 'GET', 'route', '/rest/v1/x', 'outcome', 'allowed', 'status', 200,
        'look', jsonb_build_object('entity', 'ticket_messages', 'selector', 'key', 'records', jsonb_build_array('x'), 'filter', 'x', 'purpose', 'support'));
      odd := case when name in ('entity', 'selector', 'records', 'filter', 'purpose', 'export') then jsonb_set(odd, array['look', name], value) else odd || jsonb_build_object(name, value) end;
      perform pg_temp.act('system');
      perform hub.record_requests(jsonb_build_array(odd));
      perform set_config('role', 'none', true);
      assert exists (select from hub.request_log r where r.request_id = odd ->> 'request_id'), odd;
      assert name = 'look' or exists (select from hub.team_activities a where a.request_id = odd ->> 'request_id'), odd;
    end loop;
  end loop;
end
$$;

-- A timestamp is the same in any time zone of the database, also across the days of a daylight saving time change.
do $$
declare
  zone text;
  at timestamptz;
begin
  foreach zone in array array['UTC', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'] loop
    perform set_config('timezone', zone, true);
    for at in select generate_series('2026-01-01T00:17:00Z'::timestamptz, '2026-12-31T23:59:00Z', '7 hours') loop
      assert hub_private.instant(to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) = at, format('%s in %s', at, zone);
    end loop;
    assert hub_private.instant('2026-03-20') = '2026-03-20T00:00:00Z', zone;
    assert hub_private.instant('2026-02-30T12:00:00Z') = '2026-03-02T12:00:00Z', zone;
  end loop;
  perform set_config('timezone', 'UTC', true);
end
$$;
