-- Revocation inside a token's life (I-2): what a revocation can say, the messages that say it, and the check before each request.

-- A user may be banned, locked and have lost a role at once, so a revocation is one subject for one cause.
alter table hub.revoked_sessions drop constraint revoked_sessions_pkey, drop constraint revoked_sessions_subject_form;
alter table hub.revoked_sessions
  add column cause text not null default 'ended' constraint revoked_sessions_cause_known
    check (cause in ('banned', 'deleted', 'ended', 'leaked', 'locked', 'membership', 'role', 'staff')),
  add column scope text not null default '' constraint revoked_sessions_scope_form check (scope ~ '^(org_[A-Za-z0-9]{10,64})?$'),
  add column role text,
  add column issued_until timestamptz,
  add constraint revoked_sessions_pkey primary key (subject, cause, scope),
  add constraint revoked_sessions_subject_form check (subject ~ '^(sess|user|org)_[A-Za-z0-9]{10,64}$');
comment on column hub.revoked_sessions.subject is 'sess_…, user_… or org_….';
comment on column hub.revoked_sessions.revoked_at is 'When it happened, by the sender''s clock; an older message about the same changes nothing.';
comment on column hub.revoked_sessions.expires_at is 'When no token of it can live any more, or when it was lifted.';
comment on column hub.revoked_sessions.cause is 'banned, deleted, ended, leaked, locked, membership, role, staff.';
comment on column hub.revoked_sessions.scope is 'With membership: the organization whose tokens are refused; else empty.';
comment on column hub.revoked_sessions.role is 'With role: the staff role that tokens must name now, null for none.';
comment on column hub.revoked_sessions.issued_until is 'Tokens issued later are good again; null: none is.';

-- Which messages were taken: a second delivery does nothing.
create table hub.webhook_messages (
  sender text not null constraint webhook_messages_sender_known check (sender in ('clerk')),
  message_id text not null constraint webhook_messages_id_form check (message_id ~ '^[A-Za-z0-9_-]{1,128}$'),
  event text not null constraint webhook_messages_event_form check (event ~ '^[A-Za-z._]{1,80}$'),
  happened_at timestamptz not null,
  received_at timestamptz not null default now(),
  constraint webhook_messages_pkey primary key (sender, message_id)
);
comment on table hub.webhook_messages is 'Webhook messages of the last 30 days, so that a repeated one does nothing (I-2).';
comment on column hub.webhook_messages.sender is 'clerk.';
comment on column hub.webhook_messages.message_id is 'svix-id: the same for every delivery of one message.';
comment on column hub.webhook_messages.event is 'The type, such as session.revoked.';
comment on column hub.webhook_messages.happened_at is 'When, by the sender''s clock.';
comment on column hub.webhook_messages.received_at is 'When it was first taken.';
create index webhook_messages_received_at on hub.webhook_messages (received_at);
alter table hub.webhook_messages enable row level security;
alter table hub.webhook_messages force row level security;
create trigger refuse_truncate before truncate on hub.webhook_messages for each statement execute function hub_private.refuse_truncate();
alter table hub.webhook_messages enable always trigger refuse_truncate;
grant select (sender, message_id, event, happened_at, received_at) on hub.webhook_messages to hub_staff;
create policy webhook_messages_staff_select on hub.webhook_messages for select to hub_staff using ((select hub_private.staff_role()) = 'admin');

-- The Hub writes revocations through functions only, and staff read what they say.
revoke insert, delete on hub.revoked_sessions from hub_system;
revoke insert (subject, reason, expires_at) on hub.revoked_sessions from hub_system;
drop policy revoked_sessions_system_insert on hub.revoked_sessions;
drop policy revoked_sessions_system_delete on hub.revoked_sessions;
grant select (cause, scope, role, issued_until) on hub.revoked_sessions to hub_staff, hub_system;

-- Writes revocations. A verdict is {subject, cause, scope?, role?, issued_until?, expires_at}; one that has run out already lifts an
-- earlier one, and stays so that a message that was overtaken does not bring it back.
create function hub_private.deny(verdicts jsonb, reason text, happened_at timestamptz) returns integer
  language plpgsql volatile set search_path = ''
as $$
declare
  written integer;
begin
  insert into hub.revoked_sessions as r (subject, cause, scope, role, issued_until, reason, revoked_at, expires_at)
  select v.subject, v.cause, coalesce(v.scope, ''), v.role, v.issued_until, deny.reason, deny.happened_at, v.expires_at
  from jsonb_to_recordset(verdicts) as v (subject text, cause text, scope text, role text, issued_until timestamptz, expires_at timestamptz)
  on conflict on constraint revoked_sessions_pkey do update
    -- A burnt token does not make good a later one that is burnt already.
    set role = excluded.role,
      issued_until = case when excluded.cause = 'leaked' then greatest(excluded.issued_until, r.issued_until) else excluded.issued_until end,
      reason = excluded.reason, revoked_by = excluded.revoked_by,
      revoked_at = excluded.revoked_at, expires_at = excluded.expires_at
    where excluded.revoked_at >= r.revoked_at;
  get diagnostics written = row_count;
  return written;
end
$$;
comment on function hub_private.deny(jsonb, text, timestamptz) is 'Writes revocations; the newest word about a subject and a cause stands.';

-- The message's id and what it does are one transaction: a delivery that broke off is taken whole the next time.
create function hub.take_clerk_event(message text, event text, happened_at timestamptz, verdicts jsonb) returns text
  language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into hub.webhook_messages (sender, message_id, event, happened_at)
  values ('clerk', message, take_clerk_event.event, take_clerk_event.happened_at)
  on conflict do nothing;
  if not found then
    return 'repeated';
  end if;
  perform hub_private.deny(verdicts, take_clerk_event.event, take_clerk_event.happened_at);
  return 'taken';
end
$$;
comment on function hub.take_clerk_event(text, text, timestamptz, jsonb) is 'Takes one webhook message of Clerk''s: its revocations, once.';
grant execute on function hub.take_clerk_event(text, text, timestamptz, jsonb) to hub_system;

-- T-3: a token that came over plain http is burnt; the session goes on with its next one.
create function hub.burn_token(session text, issued_until timestamptz) returns integer
  language sql volatile security definer set search_path = ''
  return hub_private.deny(jsonb_build_array(jsonb_build_object('subject', session, 'cause', 'leaked', 'issued_until', issued_until,
    'expires_at', now() + interval '10 minutes')), 'seen over plain http', now());
comment on function hub.burn_token(text, timestamptz) is 'Refuses a session''s tokens up to one that travelled in the clear.';
grant execute on function hub.burn_token(text, timestamptz) to hub_system;

-- An admin ends a person's sessions: here at once and whatever Clerk says, for ten minutes.
create function hub.revoke_sessions(person text, reason text) returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
begin
  if hub_private.staff_role() is distinct from 'admin' then
    raise insufficient_privilege using message = 'not for this role';
  end if;
  if person !~ '^user_[A-Za-z0-9]{10,64}$' then
    raise exception 'a person is user_ and letters and digits';
  end if;
  perform hub_private.deny(jsonb_build_array(jsonb_build_object('subject', person, 'cause', 'staff',
    'expires_at', now() + interval '10 minutes')), revoke_sessions.reason, now());
  return jsonb_build_object('person', person);
end
$$;
comment on function hub.revoke_sessions(text, text) is 'Refuses every token of a person for ten minutes.';
grant execute on function hub.revoke_sessions(text, text) to hub_staff;

-- Once Clerk has ended the sessions too, only tokens from before then are refused: the person may sign in again. Five seconds for two
-- clocks that differ.
create function hub.sessions_ended(person text) returns integer
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  narrowed integer;
begin
  update hub.revoked_sessions set issued_until = now() + interval '5 seconds'
    where subject = person and cause = 'staff' and issued_until is null and expires_at > now();
  get diagnostics narrowed = row_count;
  return narrowed;
end
$$;
comment on function hub.sessions_ended(text) is 'Lets a person whose sessions Clerk has ended sign in again.';
grant execute on function hub.sessions_ended(text) to hub_system;

-- L-1: what staff revoke is a staff action; what Clerk's messages say is not.
create or replace function hub_private.record_activity() returns trigger
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  actor text := hub_private.actor_id();
  kind text := hub_private.actor_kind();
  old_row jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  new_row jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  before jsonb := old_row;
  after jsonb := new_row;
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
begin
  if actor is null or kind is null then
    raise insufficient_privilege using message = 'no actor: a write to ' || tg_table_name || ' needs one';
  end if;
  if kind in ('customer', 'visitor') then
    return null;
  end if;
  if tg_op = 'UPDATE' then
    select jsonb_object_agg(key, old_row -> key), jsonb_object_agg(key, value) into before, after
      from jsonb_each(new_row) where key <> 'updated_at' and value is distinct from old_row -> key;
    if after is null then
      return null;
    end if;
  end if;
  insert into hub.team_activities
    (actor_id, actor_role, session_id, database_role, action, entity, entity_id, owner_id, before, after, salt, values_hash, request_id)
  values (actor, coalesce(hub_private.staff_role(), kind), nullif(current_setting('hub.session_id', true), ''), current_setting('role'),
    lower(tg_op), tg_table_name, coalesce(coalesce(new_row, old_row) ->> 'id', coalesce(new_row, old_row) ->> 'subject'),
    coalesce(new_row, old_row) ->> 'owner_id', before, after, salt,
    hub_private.values_hash(salt, before, after), nullif(current_setting('hub.request_id', true), ''));
  return null;
end
$$;
create trigger record_activity after insert or update or delete on hub.revoked_sessions
  for each row when (hub_private.actor_kind() = 'staff') execute function hub_private.record_activity();
alter table hub.revoked_sessions enable always trigger record_activity;

create or replace function hub_private.before_request() returns void
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  claims jsonb := coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb;
  headers jsonb := coalesce(nullif(current_setting('request.headers', true), ''), '{}')::jsonb;
  method text := current_setting('request.method', true);
  kind text := case current_setting('role', true)
    when 'hub_customer' then 'customer' when 'hub_staff' then 'staff'
    when 'hub_system' then 'system' when 'hub_visitor' then 'visitor' end;
  actor text := claims ->> 'sub';
  session text := claims ->> 'sid';
  -- When the session token was issued that this request came with; the token here is the Hub's own and says nothing of it.
  session_issued timestamptz := to_timestamp((claims ->> 'sat')::bigint);
  organization text := claims ->> 'org';
  -- hub_staff carries a role and no owner; hub_customer an owner and no role: neither can be both.
  staff_role text := case when kind = 'staff' then claims ->> 'stacklumen_role' end;
  owner text := case when kind = 'customer' then claims ->> 'owner' end;
begin
  -- A-3: the service role and any other role end here, whatever right they hold elsewhere.
  if kind is null or claims ->> 'role' is distinct from current_setting('role', true)
    or (kind <> 'visitor' and actor is null)
    or (kind in ('customer', 'staff') and (actor not like 'user\_%' or session is null or session_issued is null))
    or (kind = 'customer' and owner is null)
    or (kind = 'staff' and (staff_role is null or staff_role not in ('admin', 'sales', 'support')))
    or (kind = 'system' and actor not like 'system:%')
  then
    raise sqlstate 'PT403' using message = 'not for this role';
  end if;
  -- I-2: revocation works inside a token's life, in the same round trip.
  if exists (
    select from hub.revoked_sessions r
    where r.subject in (actor, session, organization) and r.expires_at > now()
      and (r.issued_until is null or session_issued <= r.issued_until)
      and (r.cause <> 'membership' or r.scope = organization)
      and (r.cause <> 'role' or r.role is distinct from staff_role)
  ) then
    raise sqlstate 'PT401' using message = 'session revoked';
  end if;

  perform set_config('hub.actor_id', coalesce(actor, 'visitor'), true),
          set_config('hub.actor_kind', kind, true),
          set_config('hub.session_id', coalesce(session, ''), true),
          set_config('hub.staff_role', coalesce(staff_role, ''), true),
          set_config('hub.owner_id', coalesce(owner, ''), true),
          set_config('hub.request_id', coalesce(headers ->> 'x-request-id', ''), true),
          set_config('hub.max_affected', coalesce(substring(headers ->> 'x-hub-max-affected' from '^[a-z_]{1,63}=[0-9]{1,4}$'), ''), true);

  -- L-3: a change that commits has its request row, because both are one transaction. One that fails takes the row along;
  -- then the Hub writes it.
  if kind in ('customer', 'staff') and method not in ('GET', 'HEAD') and current_setting('transaction_read_only') = 'off' then
    insert into hub.request_log (request_id, client_request_id, method, route, who, actor_id, session_id, owner_id, impersonator_id, outcome)
    values (headers ->> 'x-request-id', headers ->> 'x-client-request-id', method, coalesce(headers ->> 'x-hub-route', 'unrouted'),
      case kind when 'staff' then 'staff:' || staff_role else kind end, actor, session, owner, headers ->> 'x-hub-impersonator', 'allowed')
    on conflict (request_id) do nothing;
  end if;
end
$$;

create or replace function hub.keep_house() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  made integer := hub_private.make_partitions(24);
  forgotten integer;
  messages integer;
begin
  -- A revocation that ran out still tells an overtaken message from a new one, so it is kept as long as the messages are.
  delete from hub.revoked_sessions where expires_at < now() - interval '30 days';
  get diagnostics forgotten = row_count;
  delete from hub.webhook_messages where received_at < now() - interval '30 days';
  get diagnostics messages = row_count;
  return jsonb_build_object('partitions_made', made, 'revocations_forgotten', forgotten, 'messages_forgotten', messages);
end
$$;
comment on function hub.keep_house() is 'Makes partitions ahead; forgets revocations that ran out and messages after 30 days.';

revoke execute on all functions in schema hub, hub_private from public;
