-- L-1, A-2: operations of staff and customers: transitions, versions, closed conversations, merging, retracting.

-- Every valid transition of a status, and the rejection of every other one: the whole grid, for both sides.
do $$
declare
  place text;
  audience text;
  statuses text[];
  one text;
  other text;
  way hub_private.transitions;
  found text;
  wanted text;
  tried integer := 0;
begin
  perform pg_temp.act('system'), set_config('role', 'none', true);
  foreach place in array array['leads', 'contact_tickets', 'chat_threads'] loop
    statuses := case place when 'leads' then array['new', 'contacted', 'qualified', 'proposal', 'won', 'lost']
      when 'contact_tickets' then array['open', 'pending', 'solved', 'closed'] else array['open', 'closed'] end;
    foreach audience in array case place when 'leads' then array['sales'] when 'contact_tickets' then array['support', 'alice'] else array['alice'] end loop
      foreach one in array statuses loop
        foreach other in array statuses loop
          continue when one = other;
          perform pg_temp.act('system'), set_config('role', 'none', true);
          execute format('update hub.%I set status = %L', place, one);
          select * into way from hub_private.transitions t where t.entity = place and t.old = one and t.new = other
            and t.who = case audience when 'alice' then 'customer' else 'staff' end;
          wanted := case when way.entity is null then 'PT409' when way.needs_reason then 'PT422'
            when place = 'contact_tickets' and other = 'closed' and audience = 'support' then 'PT422'
            when audience = 'alice' then '1' else '2' end;
          found := pg_temp.outcome(audience, format('update hub.%I set status = %L', place, other));
          assert found = wanted, format('%s of %s from %s to %s: %s, not %s', audience, place, one, other, found, wanted);
          tried := tried + 1;
          if wanted = 'PT422' then
            found := pg_temp.outcome(audience, format('select set_config(''hub.reason'', ''because'', true); update hub.%I set status = %L%s', place, other,
              case when place = 'contact_tickets' then ', resolution = ''Done.''' else '' end));
            assert found = '2', format('%s of %s from %s to %s with a reason: %s', audience, place, one, other, found);
          end if;
        end loop;
      end loop;
    end loop;
  end loop;
  assert tried = 30 + 2 * 12 + 2, tried;
end
$$;

do $$
declare
  ticket uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
  lead uuid := (select id from hub.leads where name = 'Ada');
  message uuid;
  second uuid;
  row hub.team_activities;
  rows bigint;
begin
  perform pg_temp.act('system'), set_config('role', 'none', true);
  update hub.contact_tickets set status = 'open';
  update hub.chat_threads set status = 'open';
  update hub.leads set status = 'qualified';

  -- A version that is not the row's own is rejected, and nothing is lost; the same by function.
  assert pg_temp.outcome('support', format($q$select set_config('hub.expected_version', 'contact_tickets=1', true); update hub.contact_tickets set priority = 'high' where id = %L$q$, ticket)) = 'PT412';
  assert pg_temp.outcome('support', format($q$select hub.move_ticket(%L, 'pending', 1)$q$, ticket)) = 'PT412';
  assert pg_temp.outcome('support', format($q$select hub.move_ticket(%L, 'pending', (select version from hub.contact_tickets where id = %L))$q$, ticket, ticket)) = '1';
  assert pg_temp.outcome('support', $q$select hub.move_ticket(gen_random_uuid(), 'pending', 1)$q$) = 'PT404';
  assert pg_temp.outcome('sales', format($q$select hub.move_ticket(%L, 'pending', (select version from hub.contact_tickets where id = %L))$q$, ticket, ticket)) = 'PT404', 'sales change no ticket';
  assert pg_temp.outcome('alice', format($q$select hub.move_ticket(%L, 'closed', 1)$q$, ticket)) = 'denied';

  -- One row of the audit log for one step, with its reason.
  select count(*) into rows from hub.team_activities;
  perform pg_temp.act('sales');
  perform hub.move_lead(lead, 'lost', (select version from hub.leads where id = lead), 'No budget this year');
  perform set_config('role', 'none', true);
  select * into row from hub.team_activities order by id desc limit 1;
  assert (select count(*) from hub.team_activities) = rows + 1;
  assert (row.reason, row.after) = ('No budget this year', '{"status": "lost"}'), row;

  -- A resolution is removed when the ticket is reopened.
  perform pg_temp.act('support');
  perform hub.move_ticket(ticket, 'closed', (select version from hub.contact_tickets where id = ticket), 'Cache cleared.');
  perform set_config('role', 'none', true);
  assert (select resolution from hub.contact_tickets where id = ticket) = 'Cache cleared.';
  assert pg_temp.outcome('alice', format($q$insert into hub.ticket_messages (ticket_id, body) values (%L, 'still')$q$, ticket)) = 'PT409', 'closed';
  assert pg_temp.outcome('support', format($q$insert into hub.ticket_messages (ticket_id, body) values (%L, 'still')$q$, ticket)) = 'PT409', 'closed';
  assert pg_temp.outcome('support', format($q$insert into hub.ticket_messages (ticket_id, body, internal) values (%L, 'a note', true)$q$, ticket)) = '1';
  perform pg_temp.act('alice');
  update hub.contact_tickets set status = 'open' where id = ticket;
  perform set_config('role', 'none', true);
  assert (select resolution from hub.contact_tickets where id = ticket) is null;

  -- Merging: of one customer's tickets only, once, and the duplicate remains closed.
  perform pg_temp.act('alice');
  insert into hub.contact_tickets (subject) values ('The same again') returning id into second;
  perform set_config('role', 'none', true);
  assert pg_temp.outcome('support', format($q$select hub.merge_tickets(%L, (select id from hub.contact_tickets where subject = 'Of Carol'), 1)$q$, second)) = 'PT409';
  assert pg_temp.outcome('support', format($q$select hub.merge_tickets(%L, %L, 1)$q$, second, second)) = 'PT409';
  assert pg_temp.outcome('support', format($q$select hub.merge_tickets(%L, %L, 7)$q$, second, ticket)) = 'PT412';
  assert pg_temp.outcome('sales', format($q$select hub.merge_tickets(%L, %L, 1)$q$, second, ticket)) = 'denied';
  select count(*) into rows from hub.team_activities;
  perform pg_temp.act('support');
  perform hub.merge_tickets(second, ticket, 1);
  perform set_config('role', 'none', true);
  assert (select (status, merged_into) = ('closed', ticket) from hub.contact_tickets where id = second);
  assert (select count(*) from hub.team_activities) = rows + 1;
  assert pg_temp.outcome('support', format($q$select hub.merge_tickets(%L, %L, 1)$q$, ticket, second)) = 'PT409', 'round in a circle';
  assert pg_temp.outcome('alice', format($q$update hub.contact_tickets set status = 'open' where id = %L$q$, second)) = 'PT409', 'merged';

  -- Chats: own messages can be edited for a quarter of an hour, retracted at any time, and never edited after that.
  select id into message from hub.chat_messages where body = 'by Support';
  assert pg_temp.outcome('sales', format($q$update hub.chat_messages set body = 'x' where id = %L$q$, message)) = '0', 'a colleague''s words';
  assert pg_temp.outcome('sales', format($q$select hub.retract_message(%L)$q$, message)) = 'denied';
  assert pg_temp.outcome('carol', format($q$select hub.retract_message(%L)$q$, message)) = 'PT404', 'not there for her';
  assert pg_temp.outcome('admin', format($q$select hub.retract_message(%L)$q$, message)) = '1';
  assert pg_temp.outcome('admin', $q$select hub.retract_message((select id from hub.chat_messages where body = 'by Alice'))$q$) = 'denied', 'a client''s words';
  assert pg_temp.outcome('alice', $q$select hub.retract_message((select id from hub.chat_messages where body = 'by Bob'))$q$) = 'denied';
  perform pg_temp.act('system'), set_config('role', 'none', true);
  update hub.chat_messages set created_at = now() - interval '16 minutes' where id = message;
  assert pg_temp.outcome('support', format($q$update hub.chat_messages set body = 'x' where id = %L$q$, message)) = 'PT409', 'too late';
  perform pg_temp.act('support');
  perform hub.retract_message(message);
  perform set_config('role', 'none', true);
  assert (select body is null and retracted_at is not null from hub.chat_messages where id = message);
  assert pg_temp.outcome('support', format($q$update hub.chat_messages set body = 'x' where id = %L$q$, message)) = 'PT409';
  perform pg_temp.act('alice');
  update hub.chat_threads set status = 'closed';
  perform set_config('role', 'none', true);
  assert pg_temp.outcome('alice', $q$insert into hub.chat_messages (thread_id, body) select id, 'more' from hub.chat_threads$q$) = 'PT409';
end
$$;
