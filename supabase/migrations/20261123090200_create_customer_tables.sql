-- Leads, tickets and chats. Owner and author come out of the verified token by default, never out of a body (A-1).

create table hub.leads (
  id uuid constraint leads_pkey primary key default gen_random_uuid(),
  name text not null constraint leads_name_length check (length(name) between 1 and 200),
  email text not null constraint leads_email_form check (length(email) <= 320 and email like '_%@_%'),
  company text constraint leads_company_length check (length(company) <= 200),
  message text not null default '' constraint leads_message_length check (length(message) <= 10000),
  source text not null default 'contact_form' constraint leads_source_known check (source in ('contact_form', 'referral', 'event', 'other')),
  status text not null default 'new' constraint leads_status_known check (status in ('new', 'contacted', 'qualified', 'won', 'lost')),
  assigned_to text constraint leads_assigned_to_length check (length(assigned_to) <= 100),
  notes text constraint leads_notes_length check (length(notes) <= 5000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table hub.leads is 'People who asked about the studio''s work. They have no account, so no owner.';
comment on column hub.leads.id is 'Key.';
comment on column hub.leads.name is 'Of the person.';
comment on column hub.leads.email is 'Where an answer goes.';
comment on column hub.leads.company is 'Whom the person works for.';
comment on column hub.leads.message is 'What was asked.';
comment on column hub.leads.source is 'How the person came: contact_form, referral, event, other.';
comment on column hub.leads.status is 'new, contacted, qualified, won, lost.';
comment on column hub.leads.assigned_to is 'Clerk user id of the member of staff who follows it up.';
comment on column hub.leads.notes is 'For staff.';
comment on column hub.leads.created_at is 'When it came in.';
comment on column hub.leads.updated_at is 'When a value last changed.';
create index leads_status on hub.leads (status, created_at desc);
create index leads_created_at on hub.leads (created_at desc, id);

create table hub.contact_tickets (
  id uuid constraint contact_tickets_pkey primary key default gen_random_uuid(),
  owner_id text not null default hub_private.owner_id() constraint contact_tickets_owner_form check (owner_id ~ '^(user|org)_[A-Za-z0-9]{10,64}$'),
  author_id text not null default hub_private.actor_id(),
  kind text not null default 'support' constraint contact_tickets_kind_known check (kind in ('support', 'billing', 'security', 'procurement', 'other')),
  subject text not null constraint contact_tickets_subject_length check (length(subject) between 1 and 200),
  status text not null default 'open' constraint contact_tickets_status_known check (status in ('open', 'pending', 'solved', 'closed')),
  priority text not null default 'normal' constraint contact_tickets_priority_known check (priority in ('low', 'normal', 'high', 'urgent')),
  assigned_to text constraint contact_tickets_assigned_to_length check (length(assigned_to) <= 100),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint contact_tickets_owner_key unique (id, owner_id)
);
comment on table hub.contact_tickets is 'What clients ask in writing.';
comment on column hub.contact_tickets.id is 'Key.';
comment on column hub.contact_tickets.owner_id is 'The client: Clerk organization or user.';
comment on column hub.contact_tickets.author_id is 'Clerk user id of who opened it.';
comment on column hub.contact_tickets.kind is 'support, billing, security, procurement, other.';
comment on column hub.contact_tickets.subject is 'One line.';
comment on column hub.contact_tickets.status is 'open, pending, solved, closed; a client sets open and closed.';
comment on column hub.contact_tickets.priority is 'low, normal, high, urgent.';
comment on column hub.contact_tickets.assigned_to is 'Clerk user id of the member of staff who answers; for staff.';
comment on column hub.contact_tickets.created_at is 'When it was opened.';
comment on column hub.contact_tickets.updated_at is 'When a value last changed.';
create index contact_tickets_owner on hub.contact_tickets (owner_id, created_at desc);
create index contact_tickets_status on hub.contact_tickets (status, created_at desc);

create table hub.ticket_messages (
  id uuid constraint ticket_messages_pkey primary key default gen_random_uuid(),
  ticket_id uuid not null,
  owner_id text not null,
  author_id text not null default hub_private.actor_id(),
  author_kind text not null default hub_private.actor_kind() constraint ticket_messages_author_kind_known check (author_kind in ('customer', 'staff')),
  body text not null constraint ticket_messages_body_length check (length(body) between 1 and 10000),
  internal boolean not null default false constraint ticket_messages_internal_by_staff check (not internal or author_kind = 'staff'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint ticket_messages_ticket foreign key (ticket_id, owner_id) references hub.contact_tickets (id, owner_id) on update cascade on delete cascade
);
comment on table hub.ticket_messages is 'The conversation of a ticket.';
comment on column hub.ticket_messages.id is 'Key.';
comment on column hub.ticket_messages.ticket_id is 'The ticket.';
comment on column hub.ticket_messages.owner_id is 'The ticket''s owner, so that a policy needs no join.';
comment on column hub.ticket_messages.author_id is 'Clerk user id of who wrote it.';
comment on column hub.ticket_messages.author_kind is 'customer or staff.';
comment on column hub.ticket_messages.body is 'Text.';
comment on column hub.ticket_messages.internal is 'A note of staff for staff.';
comment on column hub.ticket_messages.created_at is 'When it was written.';
comment on column hub.ticket_messages.updated_at is 'When a value last changed.';
create index ticket_messages_ticket on hub.ticket_messages (ticket_id, owner_id, created_at);
create index ticket_messages_owner on hub.ticket_messages (owner_id, created_at desc);

create table hub.chat_threads (
  id uuid constraint chat_threads_pkey primary key default gen_random_uuid(),
  owner_id text not null default hub_private.owner_id() constraint chat_threads_owner_form check (owner_id ~ '^(user|org)_[A-Za-z0-9]{10,64}$'),
  author_id text not null default hub_private.actor_id(),
  topic text not null constraint chat_threads_topic_length check (length(topic) between 1 and 200),
  status text not null default 'open' constraint chat_threads_status_known check (status in ('open', 'closed')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint chat_threads_owner_key unique (id, owner_id)
);
comment on table hub.chat_threads is 'A client''s chats with the studio.';
comment on column hub.chat_threads.id is 'Key.';
comment on column hub.chat_threads.owner_id is 'The client: Clerk organization or user.';
comment on column hub.chat_threads.author_id is 'Clerk user id of who began it.';
comment on column hub.chat_threads.topic is 'One line.';
comment on column hub.chat_threads.status is 'open or closed.';
comment on column hub.chat_threads.created_at is 'When it began.';
comment on column hub.chat_threads.updated_at is 'When a value last changed.';
create index chat_threads_owner on hub.chat_threads (owner_id, created_at desc);

create table hub.chat_messages (
  id uuid constraint chat_messages_pkey primary key default gen_random_uuid(),
  thread_id uuid not null,
  owner_id text not null,
  author_id text not null default hub_private.actor_id(),
  author_kind text not null default hub_private.actor_kind() constraint chat_messages_author_kind_known check (author_kind in ('customer', 'staff')),
  body text not null constraint chat_messages_body_length check (length(body) between 1 and 10000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint chat_messages_thread foreign key (thread_id, owner_id) references hub.chat_threads (id, owner_id) on update cascade on delete cascade
);
comment on table hub.chat_messages is 'The messages of a chat.';
comment on column hub.chat_messages.id is 'Key.';
comment on column hub.chat_messages.thread_id is 'The chat.';
comment on column hub.chat_messages.owner_id is 'The chat''s owner, so that a policy needs no join.';
comment on column hub.chat_messages.author_id is 'Clerk user id of who wrote it.';
comment on column hub.chat_messages.author_kind is 'customer or staff.';
comment on column hub.chat_messages.body is 'Text.';
comment on column hub.chat_messages.created_at is 'When it was written.';
comment on column hub.chat_messages.updated_at is 'When a value last changed.';
create index chat_messages_thread on hub.chat_messages (thread_id, owner_id, created_at);
create index chat_messages_owner on hub.chat_messages (owner_id, created_at desc);

-- A message belongs to whom its ticket or chat belongs. The parent is looked up with the writer's own rights: somebody else's
-- is as absent as one that never was, and both give the same error.
create function hub_private.adopt_owner() returns trigger
  language plpgsql volatile set search_path = ''
as $$
begin
  if tg_table_name = 'ticket_messages' then
    select owner_id into new.owner_id from hub.contact_tickets where id = new.ticket_id;
  else
    select owner_id into new.owner_id from hub.chat_threads where id = new.thread_id;
  end if;
  if new.owner_id is null then
    raise foreign_key_violation using message = 'the conversation does not exist';
  end if;
  return new;
end
$$;
comment on function hub_private.adopt_owner() is 'Gives a message the owner of its conversation.';
create trigger adopt_owner before insert on hub.ticket_messages for each row execute function hub_private.adopt_owner();
create trigger adopt_owner before insert on hub.chat_messages for each row execute function hub_private.adopt_owner();

-- A change names its rows by key, and the Hub says how many keys: a filter that got past the firewall still changes no more.
-- PostgREST's own max-affected comes with its version 13. The limit names its table, because what a cascade removes elsewhere
-- is not counted: its triggers fire as if the statement had named those rows itself.
create function hub_private.limit_change() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  most text[] := string_to_array(current_setting('hub.max_affected', true), '=');
begin
  if most[1] = tg_table_name and (select count(*) from changed) > most[2]::integer then
    raise sqlstate 'PT400' using message = 'more rows than keys';
  end if;
  return null;
end
$$;
comment on function hub_private.limit_change() is 'Refuses a change of more rows than the request names keys.';
do $$
declare
  name text;
begin
  foreach name in array array['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages'] loop
    execute format('create trigger limit_update after update on hub.%I referencing old table as changed for each statement execute function hub_private.limit_change()', name);
    execute format('create trigger limit_delete after delete on hub.%I referencing old table as changed for each statement execute function hub_private.limit_change()', name);
  end loop;
end
$$;

create function hub_private.touch() returns trigger
  language plpgsql volatile set search_path = ''
as $$
begin
  if new is distinct from old then
    new.updated_at := now();
  end if;
  return new;
end
$$;
comment on function hub_private.touch() is 'Keeps updated_at; a change of nothing is none.';
create trigger touch before update on hub.leads for each row execute function hub_private.touch();
create trigger touch before update on hub.contact_tickets for each row execute function hub_private.touch();
create trigger touch before update on hub.ticket_messages for each row execute function hub_private.touch();
create trigger touch before update on hub.chat_threads for each row execute function hub_private.touch();
create trigger touch before update on hub.chat_messages for each row execute function hub_private.touch();
