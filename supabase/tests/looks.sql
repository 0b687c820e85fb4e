-- L-1, A-2: what staff looked at is in the trail, and each client sees what was done with what is theirs, and no more.
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
      (1, 2, jsonb_build_object('entity', 'contact_tickets', 'records', jsonb_build_array(ticket, other), 'filter', 'id=in.(...)', 'purpose', 'client_request')),
      (2, 17, jsonb_build_object('entity', 'leads', 'records', '[]'::jsonb, 'filter', 'status=eq.new', 'purpose', null)),
      (3, 1, jsonb_build_object('entity', 'ticket_messages', 'records', jsonb_build_array(note), 'filter', 'x', 'purpose', 'support'))
    ) as l (n, seen, look));
  select count(*) into rows from hub.team_activities;
  perform pg_temp.act('system');
  perform hub.record_requests(looks);
  perform hub.record_requests(looks);
  perform set_config('role', 'none', true);
  assert (select count(*) from hub.team_activities) = rows + 4, 'a look twice is one, and two records are two';
  assert (select (action, row_count, filter, entity_id, actor_role, route) = ('list', 17, 'status=eq.new', '', 'support', 'GET /rest/v1/x') from hub.team_activities where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FA2');
  assert (select owner_id from hub.team_activities where entity_id = other::text and action = 'read') = 'user_2hubcarol0000000000000003';

  -- An export is one row, and of its two words in one batch the second stands, whichever came first.
  perform pg_temp.act('system');
  perform hub.record_requests((select jsonb_agg(jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FE1', 'actor_id', 'user_2hubadmin0000000000000005',
      'who', 'staff:admin', 'method', 'GET', 'route', '/rest/v1/team_activities', 'outcome', 'allowed', 'status', word.status, 'row_count', word.found,
      'look', word.look) order by word.place)
    from (values (1, null, null, '{"entity": "team_activities", "records": [], "filter": "select=id", "purpose": "legal", "export": true}'::jsonb), (2, 200, 7, null)) as word (place, status, found, look)));
  perform set_config('role', 'none', true);
  assert (select (status, row_count) = (200, 7) from hub.request_log where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FE1');
  assert (select array_agg(action || ' ' || purpose) = '{export legal}' from hub.team_activities where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FE1');

  -- Acme sees its own: the look and the change, by name and role, with the reason; not who it was assigned to, no note, no other client's.
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
