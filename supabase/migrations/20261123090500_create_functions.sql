-- What may be called: the same as FUNCTIONS in src/domain/functions.rs.

create function hub.open_ticket(subject text, body text, kind text default 'support') returns hub.contact_tickets
  language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
declare
  ticket hub.contact_tickets;
begin
  insert into hub.contact_tickets (subject, kind) values (open_ticket.subject, open_ticket.kind) returning id into ticket.id;
  insert into hub.ticket_messages (ticket_id, body) values (ticket.id, open_ticket.body);
  -- A client has no right to assigned_to, so it cannot stand in a query of theirs.
  select t.id, t.owner_id, t.author_id, t.kind, t.subject, t.status, t.priority, null, t.created_at, t.updated_at into ticket
    from hub.contact_tickets t where t.id = ticket.id;
  return ticket;
end
$$;
comment on function hub.open_ticket(text, text, text) is 'A ticket and its first message in one transaction.';
grant execute on function hub.open_ticket(text, text, text) to hub_customer;

create function hub.search_tickets(words text) returns setof hub.contact_tickets
  language plpgsql stable rows 50 set search_path = ''
as $$
declare
  pattern text := '%' || replace(replace(replace(left(words, 200), '\', '\\'), '%', '\%'), '_', '\_') || '%';
begin
  -- The caller's own rights and policies decide what is searched; only staff have a right to assigned_to.
  if hub_private.staff_role() is not null then
    return query select t.id, t.owner_id, t.author_id, t.kind, t.subject, t.status, t.priority, t.assigned_to, t.created_at, t.updated_at
      from hub.contact_tickets t where t.subject ilike pattern
        or exists (select from hub.ticket_messages m where m.ticket_id = t.id and m.body ilike pattern)
      order by t.created_at desc limit 50;
  else
    return query select t.id, t.owner_id, t.author_id, t.kind, t.subject, t.status, t.priority, null::text, t.created_at, t.updated_at
      from hub.contact_tickets t where t.subject ilike pattern
        or exists (select from hub.ticket_messages m where m.ticket_id = t.id and m.body ilike pattern)
      order by t.created_at desc limit 50;
  end if;
end
$$;
comment on function hub.search_tickets(text) is 'The newest 50 tickets with these words in their subject or messages.';
grant execute on function hub.search_tickets(text) to hub_customer, hub_staff;

-- A definer, because partitions are the owner's. Partitions stand two years ahead, so that a year of failed runs loses nothing.
create function hub.keep_house() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  made integer := hub_private.make_partitions(24);
  forgotten integer;
begin
  delete from hub.revoked_sessions where expires_at < now() - interval '1 day';
  get diagnostics forgotten = row_count;
  return jsonb_build_object('partitions_made', made, 'revocations_forgotten', forgotten);
end
$$;
comment on function hub.keep_house() is 'Makes partitions ahead and forgets revocations that ran out.';
grant execute on function hub.keep_house() to hub_system;

revoke execute on all functions in schema hub, hub_private from public;
