-- What staff and clients do with leads, tickets and chats, complete: versions that lose no update, transitions, merging, retracting.

alter table hub.leads add column version integer not null default 1;
alter table hub.contact_tickets
  add column version integer not null default 1,
  add column resolution text constraint contact_tickets_resolution_length check (length(resolution) between 1 and 2000),
  add column merged_into uuid,
  add constraint contact_tickets_merged foreign key (merged_into, owner_id) references hub.contact_tickets (id, owner_id) on update cascade,
  add constraint contact_tickets_merged_closed check (merged_into is null or (status = 'closed' and merged_into <> id));
alter table hub.ticket_messages add column version integer not null default 1;
alter table hub.chat_threads add column version integer not null default 1;
alter table hub.chat_messages
  add column version integer not null default 1,
  add column retracted_at timestamptz,
  alter column body drop not null,
  add constraint chat_messages_retracted check ((body is null) = (retracted_at is not null));
create index contact_tickets_merged_into on hub.contact_tickets (merged_into, owner_id) where merged_into is not null;
create index contact_tickets_assigned on hub.contact_tickets (assigned_to, created_at desc);
create index leads_assigned on hub.leads (assigned_to, created_at desc);
do $$
declare
  name text;
begin
  foreach name in array array['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages'] loop
    execute format('comment on column hub.%I.version is %L', name, 'Counts changes; a change that names another one is refused.');
  end loop;
end
$$;
comment on column hub.contact_tickets.resolution is 'How it was solved; staff close no ticket without one.';
comment on column hub.contact_tickets.merged_into is 'The ticket that goes on in place of this one.';
comment on column hub.chat_messages.body is 'Text; null once it is retracted.';
comment on column hub.chat_messages.retracted_at is 'When its author took it back.';

alter table hub.leads drop constraint leads_status_known, drop constraint leads_assigned_to_length;
alter table hub.leads
  add constraint leads_status_known check (status in ('new', 'contacted', 'qualified', 'proposal', 'won', 'lost')),
  add constraint leads_assigned_to_form check (assigned_to ~ '^user_[A-Za-z0-9]{10,64}$');
comment on column hub.leads.status is 'new, contacted, qualified, proposal, won, lost.';
alter table hub.contact_tickets drop constraint contact_tickets_assigned_to_length;
alter table hub.contact_tickets add constraint contact_tickets_assigned_to_form check (assigned_to ~ '^user_[A-Za-z0-9]{10,64}$');

-- One row a way that a status may go, and who may take it. What is not here is refused.
create table hub_private.transitions (
  entity text not null,
  who text not null constraint transitions_who_known check (who in ('customer', 'staff')),
  old text not null,
  new text not null,
  needs_reason boolean not null default false,
  constraint transitions_pkey primary key (entity, who, old, new)
);
comment on table hub_private.transitions is 'Which status may follow which.';
insert into hub_private.transitions (entity, who, old, new, needs_reason) values
  ('leads', 'staff', 'new', 'contacted', false),
  ('leads', 'staff', 'new', 'qualified', false),
  ('leads', 'staff', 'new', 'lost', true),
  ('leads', 'staff', 'contacted', 'qualified', false),
  ('leads', 'staff', 'contacted', 'lost', true),
  ('leads', 'staff', 'qualified', 'contacted', true),
  ('leads', 'staff', 'qualified', 'proposal', false),
  ('leads', 'staff', 'qualified', 'lost', true),
  ('leads', 'staff', 'proposal', 'qualified', true),
  ('leads', 'staff', 'proposal', 'won', false),
  ('leads', 'staff', 'proposal', 'lost', true),
  ('leads', 'staff', 'won', 'lost', true),
  ('leads', 'staff', 'lost', 'contacted', true),
  ('contact_tickets', 'staff', 'open', 'pending', false),
  ('contact_tickets', 'staff', 'open', 'solved', false),
  ('contact_tickets', 'staff', 'open', 'closed', false),
  ('contact_tickets', 'staff', 'pending', 'open', false),
  ('contact_tickets', 'staff', 'pending', 'solved', false),
  ('contact_tickets', 'staff', 'pending', 'closed', false),
  ('contact_tickets', 'staff', 'solved', 'open', true),
  ('contact_tickets', 'staff', 'solved', 'closed', false),
  ('contact_tickets', 'staff', 'closed', 'open', true),
  ('contact_tickets', 'customer', 'open', 'closed', false),
  ('contact_tickets', 'customer', 'pending', 'open', false),
  ('contact_tickets', 'customer', 'pending', 'closed', false),
  ('contact_tickets', 'customer', 'solved', 'open', false),
  ('contact_tickets', 'customer', 'solved', 'closed', false),
  ('contact_tickets', 'customer', 'closed', 'open', false),
  ('chat_threads', 'customer', 'open', 'closed', false),
  ('chat_threads', 'customer', 'closed', 'open', false);
alter table hub_private.transitions enable row level security;
alter table hub_private.transitions force row level security;

create function hub_private.reason() returns text
  language sql stable set search_path = ''
  return nullif(current_setting('hub.reason', true), '');
comment on function hub_private.reason() is 'Why the acting person does it, in their own words.';

-- A status starts at the beginning and goes where the table lets it. A definer, since nobody who acts may read the table.
create function hub_private.check_transition() returns trigger
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  audience text := case hub_private.actor_kind() when 'customer' then 'customer' else 'staff' end;
  needs_reason boolean;
begin
  -- A job of the Hub's own puts rows in order.
  if hub_private.actor_kind() = 'system' or (tg_op = 'UPDATE' and new.status = old.status) then
    return new;
  end if;
  if tg_op = 'INSERT' then
    if new.status <> (case tg_table_name when 'leads' then 'new' else 'open' end) then
      raise sqlstate 'PT409' using message = 'a new row cannot begin as ' || new.status;
    end if;
    return new;
  end if;
  if to_jsonb(old) ->> 'merged_into' is not null then
    raise sqlstate 'PT409' using message = 'a merged ticket stays closed', hint = 'Go on with the ticket it was merged into.';
  end if;
  select t.needs_reason into needs_reason from hub_private.transitions t
    where t.entity = tg_table_name and t.who = audience and t.old = old.status and t.new = new.status;
  if not found then
    raise sqlstate 'PT409' using message = format('the status cannot go from %s to %s', old.status, new.status),
      hint = 'From here it goes to: ' || coalesce((select string_agg(t.new, ', ' order by t.new) from hub_private.transitions t
        where t.entity = tg_table_name and t.who = audience and t.old = old.status), 'nowhere') || '.';
  end if;
  if needs_reason and hub_private.reason() is null then
    raise sqlstate 'PT422' using message = format('from %s to %s needs a reason', old.status, new.status), hint = 'Say why in x-hub-reason.';
  end if;
  if tg_table_name = 'contact_tickets' then
    if new.status = 'open' then
      new.resolution := null;
    elsif new.status = 'closed' and audience = 'staff' and to_jsonb(new) ->> 'resolution' is null then
      raise sqlstate 'PT422' using message = 'a ticket is closed with its resolution', hint = 'Send resolution with the status.';
    end if;
  end if;
  return new;
end
$$;
comment on function hub_private.check_transition() is 'Lets a status go only where the table of transitions says, with a reason where it says so.';

-- If-Match (RFC 9110 §13.1.1): the version that the writer saw. The row is locked before the trigger runs, so the version is the
-- one that the change would overwrite.
create function hub_private.check_version() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  expected text[] := string_to_array(current_setting('hub.expected_version', true), '=');
begin
  if expected[1] = tg_table_name and old.version <> expected[2]::integer then
    raise sqlstate 'PT412' using message = format('the row has version %s by now', old.version), hint = 'Read it again, then change it.';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end
$$;
comment on function hub_private.check_version() is 'Refuses a change that was made looking at another version of the row.';

create or replace function hub_private.touch() returns trigger
  language plpgsql volatile set search_path = ''
as $$
begin
  if new is distinct from old then
    new.updated_at := now();
    new.version := old.version + 1;
  end if;
  return new;
end
$$;
comment on function hub_private.touch() is 'Keeps updated_at and version; a change of nothing is none.';

-- What is closed is not written to, but for notes among staff; what was said is changed for a quarter of an hour, and never after
-- it was taken back.
create function hub_private.check_conversation() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  parent record;
begin
  if hub_private.actor_kind() = 'system' then
    return new;
  end if;
  if tg_op = 'UPDATE' then
    if tg_table_name = 'chat_messages' and new.body is distinct from old.body then
      if old.retracted_at is not null then
        raise sqlstate 'PT409' using message = 'the message was taken back';
      elsif new.retracted_at is null and old.created_at < now() - interval '15 minutes' then
        raise sqlstate 'PT409' using message = 'a message is changed within 15 minutes', hint = 'Write a new one, or retract it.';
      end if;
    end if;
    return new;
  end if;
  if tg_table_name = 'ticket_messages' then
    select t.status, t.merged_into into parent from hub.contact_tickets t where t.id = new.ticket_id;
    if parent.status = 'closed' and not new.internal then
      raise sqlstate 'PT409' using message = 'the ticket is closed',
        hint = case when parent.merged_into is null then 'Open it again first.' else 'It goes on as ' || parent.merged_into || '.' end;
    end if;
  else
    select t.status into parent from hub.chat_threads t where t.id = new.thread_id;
    if parent.status = 'closed' then
      raise sqlstate 'PT409' using message = 'the chat is closed', hint = 'Open it again first.';
    end if;
  end if;
  return new;
end
$$;
comment on function hub_private.check_conversation() is 'Keeps closed conversations closed, and what was said as it was said.';

do $$
declare
  name text;
begin
  foreach name in array array['leads', 'contact_tickets', 'chat_threads'] loop
    execute format('create trigger check_transition before insert or update on hub.%I for each row execute function hub_private.check_transition()', name);
  end loop;
  foreach name in array array['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages'] loop
    execute format('create trigger check_version before update or delete on hub.%I for each row execute function hub_private.check_version()', name);
  end loop;
  foreach name in array array['ticket_messages', 'chat_messages'] loop
    execute format('create trigger check_conversation before insert or update on hub.%I for each row execute function hub_private.check_conversation()', name);
  end loop;
end
$$;

-- Rights. A status begins at the beginning, so no insert names it.
grant select (version) on hub.leads, hub.contact_tickets, hub.ticket_messages, hub.chat_threads, hub.chat_messages to hub_staff;
grant select (version) on hub.contact_tickets, hub.ticket_messages, hub.chat_threads, hub.chat_messages to hub_customer;
grant select (resolution, merged_into) on hub.contact_tickets to hub_staff, hub_customer;
grant select (retracted_at) on hub.chat_messages to hub_staff, hub_customer;
grant update (resolution) on hub.contact_tickets to hub_staff;
revoke insert (status) on hub.leads, hub.contact_tickets from hub_staff;
drop policy chat_messages_staff_update on hub.chat_messages;
create policy chat_messages_staff_update on hub.chat_messages for update to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'sales', 'support') and author_kind = 'staff' and author_id = (select hub_private.actor_id()))
  with check ((select hub_private.staff_role()) in ('admin', 'sales', 'support') and author_kind = 'staff' and author_id = (select hub_private.actor_id()));

create or replace function hub.open_ticket(subject text, body text, kind text default 'support') returns hub.contact_tickets
  language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
declare
  ticket hub.contact_tickets;
begin
  insert into hub.contact_tickets (subject, kind) values (open_ticket.subject, open_ticket.kind) returning id into ticket.id;
  insert into hub.ticket_messages (ticket_id, body) values (ticket.id, open_ticket.body);
  -- A client has no right to assigned_to, so it cannot stand in a query of theirs.
  select t.id, t.owner_id, t.author_id, t.kind, t.subject, t.status, t.priority, null, t.created_at, t.updated_at, t.version, t.resolution, t.merged_into
    into ticket from hub.contact_tickets t where t.id = ticket.id;
  return ticket;
end
$$;

create or replace function hub.search_tickets(words text) returns setof hub.contact_tickets
  language plpgsql stable rows 50 set search_path = ''
as $$
declare
  pattern text := '%' || replace(replace(replace(left(words, 200), '\', '\\'), '%', '\%'), '_', '\_') || '%';
begin
  -- The caller's own rights and policies decide what is searched; only staff have a right to assigned_to.
  if hub_private.staff_role() is not null then
    return query select t.id, t.owner_id, t.author_id, t.kind, t.subject, t.status, t.priority, t.assigned_to, t.created_at, t.updated_at,
        t.version, t.resolution, t.merged_into
      from hub.contact_tickets t where t.subject ilike pattern
        or exists (select from hub.ticket_messages m where m.ticket_id = t.id and m.body ilike pattern)
      order by t.created_at desc limit 50;
  else
    return query select t.id, t.owner_id, t.author_id, t.kind, t.subject, t.status, t.priority, null::text, t.created_at, t.updated_at,
        t.version, t.resolution, t.merged_into
      from hub.contact_tickets t where t.subject ilike pattern
        or exists (select from hub.ticket_messages m where m.ticket_id = t.id and m.body ilike pattern)
      order by t.created_at desc limit 50;
  end if;
end
$$;

-- A step of a lead or a ticket with all that belongs to it. The caller's own rights decide; what is not there is PT404.
create function hub.move_lead(lead uuid, status text, version integer, reason text default null) returns integer
  language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_variable
declare
  moved integer;
begin
  perform set_config('hub.reason', coalesce(left(move_lead.reason, 500), ''), true),
    set_config('hub.expected_version', 'leads=' || move_lead.version, true);
  update hub.leads l set status = move_lead.status where l.id = move_lead.lead returning l.version into moved;
  if moved is null then
    raise sqlstate 'PT404' using message = 'there is no such lead';
  end if;
  return moved;
end
$$;
comment on function hub.move_lead(uuid, text, integer, text) is 'Moves a lead to a status, from the version that was seen; gives the new version.';
grant execute on function hub.move_lead(uuid, text, integer, text) to hub_staff;

create function hub.move_ticket(ticket uuid, status text, version integer, resolution text default null, reason text default null) returns integer
  language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_variable
declare
  moved integer;
begin
  perform set_config('hub.reason', coalesce(left(move_ticket.reason, 500), ''), true),
    set_config('hub.expected_version', 'contact_tickets=' || move_ticket.version, true);
  update hub.contact_tickets t set status = move_ticket.status, resolution = coalesce(move_ticket.resolution, t.resolution)
    where t.id = move_ticket.ticket returning t.version into moved;
  if moved is null then
    raise sqlstate 'PT404' using message = 'there is no such ticket';
  end if;
  return moved;
end
$$;
comment on function hub.move_ticket(uuid, text, integer, text, text) is 'Moves a ticket to a status, from the version that was seen; gives the new version.';
grant execute on function hub.move_ticket(uuid, text, integer, text, text) to hub_staff;

-- A duplicate is closed and points at the ticket that goes on. Definers, because no person's role may write these columns; each
-- asks for the role and the owner itself.
create function hub_private.merge_tickets(ticket uuid, target uuid, version integer) returns integer
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  duplicate hub.contact_tickets;
  kept hub.contact_tickets;
  merged integer;
begin
  if coalesce(hub_private.staff_role(), '') not in ('admin', 'support') then
    raise insufficient_privilege using message = 'not for this role';
  end if;
  -- In the order of their ids, so that two who merge each other's wait for one another.
  perform from hub.contact_tickets t where t.id in (merge_tickets.ticket, target) order by t.id for update;
  select * into duplicate from hub.contact_tickets t where t.id = merge_tickets.ticket;
  select * into kept from hub.contact_tickets t where t.id = target;
  if duplicate.id is null or kept.id is null then
    raise sqlstate 'PT404' using message = 'there is no such ticket';
  elsif duplicate.owner_id <> kept.owner_id or duplicate.id = kept.id then
    raise sqlstate 'PT409' using message = 'only two tickets of one client are merged';
  elsif duplicate.merged_into is not null or kept.merged_into is not null then
    raise sqlstate 'PT409' using message = 'one of them is merged already';
  elsif exists (select from hub.contact_tickets t where t.merged_into = duplicate.id) then
    raise sqlstate 'PT409' using message = 'others were merged into it', hint = 'Merge the other way round.';
  end if;
  perform set_config('hub.expected_version', 'contact_tickets=' || merge_tickets.version, true);
  update hub.contact_tickets t set status = 'closed', merged_into = target, resolution = coalesce(t.resolution, 'Merged.')
    where t.id = duplicate.id returning t.version into merged;
  return merged;
end
$$;
comment on function hub_private.merge_tickets(uuid, uuid, integer) is 'Closes a duplicate in favour of another ticket of the same client.';
create function hub.merge_tickets(ticket uuid, target uuid, version integer) returns integer
  language sql volatile set search_path = ''
  return hub_private.merge_tickets(ticket, target, version);
comment on function hub.merge_tickets(uuid, uuid, integer) is 'Closes a duplicate in favour of another ticket of the same client; gives the new version.';

create function hub_private.retract_message(message uuid) returns integer
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  said hub.chat_messages;
  role text := hub_private.staff_role();
  retracted integer;
begin
  select * into said from hub.chat_messages m where m.id = message for update;
  if said.id is null
    or (hub_private.actor_kind() = 'customer' and said.owner_id is distinct from hub_private.owner_id())
    or (hub_private.actor_kind() <> 'customer' and role is null)
  then
    raise sqlstate 'PT404' using message = 'there is no such message';
  -- An admin takes back what any member of staff wrote, nobody what a client wrote.
  elsif said.author_id is distinct from hub_private.actor_id() and (role is distinct from 'admin' or said.author_kind <> 'staff') then
    raise insufficient_privilege using message = 'only its author takes it back';
  elsif said.retracted_at is not null then
    return said.version;
  end if;
  update hub.chat_messages m set body = null, retracted_at = now() where m.id = message returning m.version into retracted;
  return retracted;
end
$$;
comment on function hub_private.retract_message(uuid) is 'Takes a chat message back: its text goes, its place stays.';
create function hub.retract_message(message uuid) returns integer
  language sql volatile set search_path = ''
  return hub_private.retract_message(message);
comment on function hub.retract_message(uuid) is 'Takes back a chat message of the caller''s own; gives the new version.';

grant execute on function hub.merge_tickets(uuid, uuid, integer), hub_private.merge_tickets(uuid, uuid, integer) to hub_staff;
grant execute on function hub.retract_message(uuid), hub_private.retract_message(uuid) to hub_staff, hub_customer;
grant execute on function hub_private.reason() to hub_visitor, hub_customer, hub_staff, hub_system;
revoke execute on all functions in schema hub, hub_private from public;
