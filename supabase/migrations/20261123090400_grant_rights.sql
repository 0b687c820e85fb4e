-- Rights and policies: the same as TABLES in src/domain/tables.rs, which tests/schema.rs compares with the live catalog. A column
-- right is the union over the staff roles, because a role of the database serves them all; which role may touch which
-- column is the firewall's question, and which role may touch the table at all is asked again here (A-1, A-2).

-- Visitors.
grant insert (name, email, company, message, source) on hub.leads to hub_visitor;
create policy leads_visitor_insert on hub.leads for insert to hub_visitor with check (status = 'new');

-- Clients: the own owner's rows, by the token and by nothing that they send.
grant select (id, owner_id, author_id, kind, subject, status, priority, created_at, updated_at), insert (kind, subject), update (subject, status)
  on hub.contact_tickets to hub_customer;
create policy contact_tickets_customer_select on hub.contact_tickets for select to hub_customer
  using (owner_id = (select hub_private.owner_id()));
create policy contact_tickets_customer_insert on hub.contact_tickets for insert to hub_customer
  with check (owner_id = (select hub_private.owner_id()) and author_id = (select hub_private.actor_id()));
create policy contact_tickets_customer_update on hub.contact_tickets for update to hub_customer
  using (owner_id = (select hub_private.owner_id()))
  with check (owner_id = (select hub_private.owner_id()) and status in ('open', 'closed'));

grant select (id, ticket_id, owner_id, author_id, author_kind, body, created_at, updated_at), insert (ticket_id, body) on hub.ticket_messages to hub_customer;
create policy ticket_messages_customer_select on hub.ticket_messages for select to hub_customer
  using (owner_id = (select hub_private.owner_id()) and not internal);
create policy ticket_messages_customer_insert on hub.ticket_messages for insert to hub_customer
  with check (owner_id = (select hub_private.owner_id()) and author_id = (select hub_private.actor_id()) and author_kind = 'customer' and not internal);

grant select (id, owner_id, author_id, topic, status, created_at, updated_at), insert (topic), update (topic, status) on hub.chat_threads to hub_customer;
create policy chat_threads_customer_select on hub.chat_threads for select to hub_customer
  using (owner_id = (select hub_private.owner_id()));
create policy chat_threads_customer_insert on hub.chat_threads for insert to hub_customer
  with check (owner_id = (select hub_private.owner_id()) and author_id = (select hub_private.actor_id()));
create policy chat_threads_customer_update on hub.chat_threads for update to hub_customer
  using (owner_id = (select hub_private.owner_id()))
  with check (owner_id = (select hub_private.owner_id()));

grant select (id, thread_id, owner_id, author_id, author_kind, body, created_at, updated_at), insert (thread_id, body), update (body), delete
  on hub.chat_messages to hub_customer;
create policy chat_messages_customer_select on hub.chat_messages for select to hub_customer
  using (owner_id = (select hub_private.owner_id()));
create policy chat_messages_customer_insert on hub.chat_messages for insert to hub_customer
  with check (owner_id = (select hub_private.owner_id()) and author_id = (select hub_private.actor_id()) and author_kind = 'customer');
create policy chat_messages_customer_update on hub.chat_messages for update to hub_customer
  using (owner_id = (select hub_private.owner_id()) and author_id = (select hub_private.actor_id()))
  with check (owner_id = (select hub_private.owner_id()) and author_id = (select hub_private.actor_id()));
create policy chat_messages_customer_delete on hub.chat_messages for delete to hub_customer
  using (owner_id = (select hub_private.owner_id()) and author_id = (select hub_private.actor_id()));

-- Staff: by role. What a client wrote is never edited; staff change their own side's messages only.
grant select (id, name, email, company, message, source, status, assigned_to, notes, created_at, updated_at),
  insert (name, email, company, message, source, status, assigned_to, notes),
  update (name, email, company, source, status, assigned_to, notes), delete on hub.leads to hub_staff;
create policy leads_staff_select on hub.leads for select to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'sales', 'support'));
create policy leads_staff_insert on hub.leads for insert to hub_staff
  with check ((select hub_private.staff_role()) in ('admin', 'sales'));
create policy leads_staff_update on hub.leads for update to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'sales')) with check ((select hub_private.staff_role()) in ('admin', 'sales'));
create policy leads_staff_delete on hub.leads for delete to hub_staff using ((select hub_private.staff_role()) = 'admin');

grant select (id, owner_id, author_id, kind, subject, status, priority, assigned_to, created_at, updated_at),
  insert (owner_id, kind, subject, status, priority, assigned_to), update (kind, subject, status, priority, assigned_to), delete
  on hub.contact_tickets to hub_staff;
create policy contact_tickets_staff_select on hub.contact_tickets for select to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'sales', 'support'));
create policy contact_tickets_staff_insert on hub.contact_tickets for insert to hub_staff
  with check ((select hub_private.staff_role()) in ('admin', 'support') and author_id = (select hub_private.actor_id()));
create policy contact_tickets_staff_update on hub.contact_tickets for update to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'support')) with check ((select hub_private.staff_role()) in ('admin', 'support'));
create policy contact_tickets_staff_delete on hub.contact_tickets for delete to hub_staff using ((select hub_private.staff_role()) = 'admin');

grant select (id, ticket_id, owner_id, author_id, author_kind, body, internal, created_at, updated_at), insert (ticket_id, body, internal),
  update (body, internal), delete on hub.ticket_messages to hub_staff;
create policy ticket_messages_staff_select on hub.ticket_messages for select to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'sales', 'support'));
create policy ticket_messages_staff_insert on hub.ticket_messages for insert to hub_staff
  with check ((select hub_private.staff_role()) in ('admin', 'support') and author_id = (select hub_private.actor_id()) and author_kind = 'staff');
create policy ticket_messages_staff_update on hub.ticket_messages for update to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'support') and author_kind = 'staff')
  with check ((select hub_private.staff_role()) in ('admin', 'support') and author_kind = 'staff');
create policy ticket_messages_staff_delete on hub.ticket_messages for delete to hub_staff using ((select hub_private.staff_role()) = 'admin');

grant select (id, owner_id, author_id, topic, status, created_at, updated_at) on hub.chat_threads to hub_staff;
create policy chat_threads_staff_select on hub.chat_threads for select to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'sales', 'support'));

grant select (id, thread_id, owner_id, author_id, author_kind, body, created_at, updated_at), insert (thread_id, body), update (body), delete
  on hub.chat_messages to hub_staff;
create policy chat_messages_staff_select on hub.chat_messages for select to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'sales', 'support'));
create policy chat_messages_staff_insert on hub.chat_messages for insert to hub_staff
  with check ((select hub_private.staff_role()) in ('admin', 'sales', 'support') and author_id = (select hub_private.actor_id()) and author_kind = 'staff');
create policy chat_messages_staff_update on hub.chat_messages for update to hub_staff
  using ((select hub_private.staff_role()) in ('admin', 'sales', 'support') and author_kind = 'staff')
  with check ((select hub_private.staff_role()) in ('admin', 'sales', 'support') and author_kind = 'staff');
create policy chat_messages_staff_delete on hub.chat_messages for delete to hub_staff using ((select hub_private.staff_role()) = 'admin');

grant select (id, occurred_at, actor_id, actor_role, session_id, database_role, action, entity, entity_id, owner_id, before, after, salt, values_hash, request_id, erased_at)
  on hub.team_activities to hub_staff;
create policy team_activities_staff_select on hub.team_activities for select to hub_staff using ((select hub_private.staff_role()) = 'admin');
grant select (id, occurred_at, request_id, client_request_id, method, route, who, actor_id, session_id, owner_id, impersonator_id, outcome, status, code, duration_ms)
  on hub.request_log to hub_staff;
create policy request_log_staff_select on hub.request_log for select to hub_staff using ((select hub_private.staff_role()) = 'admin');
grant select (subject, reason, revoked_by, revoked_at, expires_at) on hub.revoked_sessions to hub_staff;
create policy revoked_sessions_staff_select on hub.revoked_sessions for select to hub_staff using ((select hub_private.staff_role()) = 'admin');

-- The Hub itself.
grant select (request_id),
  insert (occurred_at, request_id, client_request_id, method, route, who, actor_id, session_id, owner_id, impersonator_id, outcome, status, code, duration_ms)
  on hub.request_log to hub_system;
create policy request_log_system_select on hub.request_log for select to hub_system using ((select hub_private.actor_kind()) = 'system');
create policy request_log_system_insert on hub.request_log for insert to hub_system with check ((select hub_private.actor_kind()) = 'system');
grant select (subject, reason, revoked_by, revoked_at, expires_at), insert (subject, reason, expires_at), delete on hub.revoked_sessions to hub_system;
create policy revoked_sessions_system_select on hub.revoked_sessions for select to hub_system using ((select hub_private.actor_kind()) = 'system');
create policy revoked_sessions_system_insert on hub.revoked_sessions for insert to hub_system with check ((select hub_private.actor_kind()) = 'system');
create policy revoked_sessions_system_delete on hub.revoked_sessions for delete to hub_system using ((select hub_private.actor_kind()) = 'system');
