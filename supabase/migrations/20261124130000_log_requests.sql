-- Request rows at scale (L-3): what a row says, how it is written once however often its message comes, and how long it is kept.

alter table hub.request_log
  add column upstream_ms integer,
  add column row_count integer,
  add column colo text constraint request_log_colo_form check (colo ~ '^[A-Z]{3}$'),
  add column country text constraint request_log_country_form check (country ~ '^[A-Z0-9]{2}$'),
  add column token_id text constraint request_log_token_length check (length(token_id) <= 100),
  add column address_hash text constraint request_log_address_form check (address_hash ~ '^[0-9a-f]{32}$');
comment on column hub.request_log.status is 'HTTP status; null for a change until its second word has come.';
comment on column hub.request_log.duration_ms is 'Up to the answer''s head.';
comment on column hub.request_log.upstream_ms is 'Of that, waiting for the database.';
comment on column hub.request_log.row_count is 'How many rows the answer gave.';
comment on column hub.request_log.colo is 'Cloudflare''s data centre, by its airport.';
comment on column hub.request_log.country is 'Where the client''s address is at home.';
comment on column hub.request_log.token_id is 'jti of the session token.';
comment on column hub.request_log.address_hash is 'HMAC of the client''s address under a key of the Hub''s: the same address gives the same, and nobody can tell which.';
create index request_log_session on hub.request_log (session_id, id) where session_id is not null;
create index request_log_owner on hub.request_log (owner_id, id) where owner_id is not null;
create index request_log_outcome on hub.request_log (outcome, id) where outcome <> 'allowed';

grant select (upstream_ms, row_count, colo, country, token_id, address_hash) on hub.request_log to hub_staff;
-- The Hub writes through a function alone.
revoke insert (occurred_at, request_id, client_request_id, method, route, who, actor_id, session_id, owner_id, impersonator_id, outcome, status, code, duration_ms)
  on hub.request_log from hub_system;
drop policy request_log_system_insert on hub.request_log;

-- A row is kept for a year. It may be completed once, and an erasure may take the person out of it.
create function hub_private.refuse_request_change() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  completed constant text[] := array['status', 'code', 'outcome', 'duration_ms', 'upstream_ms', 'row_count', 'colo', 'country', 'token_id', 'address_hash'];
  named constant text[] := array['actor_id', 'session_id', 'owner_id', 'impersonator_id', 'token_id', 'address_hash', 'client_request_id'];
begin
  if tg_op = 'DELETE' and old.occurred_at < now() - interval '12 months' then
    return old;
  elsif tg_op = 'UPDATE' and old.status is null and new.status is not null and to_jsonb(new) - completed = to_jsonb(old) - completed then
    return new;
  elsif tg_op = 'UPDATE' and current_setting('hub.erasing', true) = 'on' and to_jsonb(new) - named = to_jsonb(old) - named then
    return new;
  end if;
  raise insufficient_privilege using message = 'request_log is append-only';
end
$$;
comment on function hub_private.refuse_request_change() is 'Lets a row be completed, erased from, and removed after a year.';
create trigger refuse_change before update or delete on hub.request_log for each row execute function hub_private.refuse_request_change();
alter table hub.request_log enable always trigger refuse_change;

-- The messages of the queue, or one request's own row. A message that comes twice, or after the row that a change wrote in its own
-- transaction, completes that row or does nothing.
create function hub_private.record_requests(requests jsonb) returns integer
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  written integer;
begin
  insert into hub.request_log as r (occurred_at, request_id, client_request_id, method, route, who, actor_id, session_id, owner_id, impersonator_id, outcome,
    status, code, duration_ms, upstream_ms, row_count, colo, country, token_id, address_hash)
  select distinct on (q.request_id) q.occurred_at, q.request_id, q.client_request_id, q.method, q.route, q.who, q.actor_id, q.session_id, q.owner_id, q.impersonator_id,
    q.outcome, q.status, q.code, q.duration_ms, q.upstream_ms, q.row_count, q.colo, q.country, q.token_id, q.address_hash
  from jsonb_to_recordset(requests) as q (occurred_at timestamptz, request_id text, client_request_id text, method text, route text, who text, actor_id text,
    session_id text, owner_id text, impersonator_id text, outcome text, status integer, code text, duration_ms integer, upstream_ms integer, row_count integer,
    colo text, country text, token_id text, address_hash text)
  -- In one order, so that two batches with the same rows wait for one another and do not block each other.
  order by q.request_id
  on conflict (request_id) do update set status = excluded.status, code = excluded.code, outcome = excluded.outcome, duration_ms = excluded.duration_ms,
    upstream_ms = excluded.upstream_ms, row_count = excluded.row_count, colo = excluded.colo, country = excluded.country, token_id = excluded.token_id,
    address_hash = excluded.address_hash
    where r.status is null and excluded.status is not null;
  get diagnostics written = row_count;
  perform hub_private.record_looks(requests);
  return written;
end
$$;
comment on function hub_private.record_requests(jsonb) is 'Writes request rows, each once, and what staff looked at.';
create function hub.record_requests(requests jsonb) returns integer
  language sql volatile set search_path = ''
  return hub_private.record_requests(requests);
comment on function hub.record_requests(jsonb) is 'Writes request rows, each once, and what staff looked at; gives how many rows were new or completed.';
grant execute on function hub.record_requests(jsonb), hub_private.record_requests(jsonb) to hub_system;

-- Who acts, why, and looking at which version.
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
  route text := coalesce(headers ->> 'x-hub-route', 'unrouted');
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
          set_config('hub.actor_name', coalesce(case when kind = 'staff' then claims ->> 'name' end, ''), true),
          set_config('hub.session_id', coalesce(session, ''), true),
          set_config('hub.staff_role', coalesce(staff_role, ''), true),
          set_config('hub.owner_id', coalesce(owner, ''), true),
          set_config('hub.request_id', coalesce(headers ->> 'x-request-id', ''), true),
          set_config('hub.route', method || ' ' || route, true),
          set_config('hub.purpose', coalesce(headers ->> 'x-hub-purpose', ''), true),
          -- Headers are ASCII; people's words are not, so the Hub sends them in base64.
          set_config('hub.reason', coalesce(convert_from(decode(headers ->> 'x-hub-reason', 'base64'), 'UTF8'), ''), true),
          set_config('hub.expected_version', coalesce(headers ->> 'x-hub-if-match', ''), true),
          set_config('hub.erasing', '', true),
          set_config('hub.max_affected', coalesce(substring(headers ->> 'x-hub-max-affected' from '^[a-z_]{1,63}=[0-9]{1,4}$'), ''), true);

  -- L-3: a change that commits has its request row, because both are one transaction. One that fails takes the row along;
  -- then the Hub writes it.
  if kind in ('customer', 'staff') and method not in ('GET', 'HEAD') and current_setting('transaction_read_only') = 'off' then
    insert into hub.request_log (request_id, client_request_id, method, route, who, actor_id, session_id, owner_id, impersonator_id, outcome)
    values (headers ->> 'x-request-id', headers ->> 'x-client-request-id', method, route,
      case kind when 'staff' then 'staff:' || staff_role else kind end, actor, session, owner, headers ->> 'x-hub-impersonator', 'allowed')
    on conflict (request_id) do nothing;
  end if;
end
$$;

-- C2: what runs with the owner's rights stands where PostgREST does not look; what it looks at runs with the caller's.
alter function hub.take_clerk_event(text, text, timestamptz, jsonb) set schema hub_private;
alter function hub.burn_token(text, timestamptz) set schema hub_private;
alter function hub.revoke_sessions(text, text) set schema hub_private;
alter function hub.sessions_ended(text) set schema hub_private;
alter function hub.end_session(text) set schema hub_private;
alter function hub.keep_house() set schema hub_private;
create function hub.take_clerk_event(message text, event text, happened_at timestamptz, verdicts jsonb) returns text
  language sql volatile set search_path = '' return hub_private.take_clerk_event(message, event, happened_at, verdicts);
comment on function hub.take_clerk_event(text, text, timestamptz, jsonb) is 'Takes one webhook message of Clerk''s: its revocations, once.';
create function hub.burn_token(session text, issued_until timestamptz) returns integer
  language sql volatile set search_path = '' return hub_private.burn_token(session, issued_until);
comment on function hub.burn_token(text, timestamptz) is 'Refuses a session''s tokens up to one that travelled in the clear.';
create function hub.revoke_sessions(person text, reason text) returns jsonb
  language sql volatile set search_path = '' return hub_private.revoke_sessions(person, reason);
comment on function hub.revoke_sessions(text, text) is 'Refuses every token of a person for ten minutes.';
create function hub.sessions_ended(person text) returns integer
  language sql volatile set search_path = '' return hub_private.sessions_ended(person);
comment on function hub.sessions_ended(text) is 'Lets a person whose sessions Clerk has ended sign in again.';
create function hub.end_session(session text) returns integer
  language sql volatile set search_path = '' return hub_private.end_session(session);
comment on function hub.end_session(text) is 'Refuses every token of a session that was signed out.';
create function hub.keep_house() returns jsonb
  language sql volatile set search_path = '' return hub_private.keep_house();
comment on function hub.keep_house() is 'Makes partitions ahead; retires what its time is over; forgets what ran out.';
grant execute on function hub.take_clerk_event(text, text, timestamptz, jsonb), hub.burn_token(text, timestamptz), hub.sessions_ended(text), hub.end_session(text),
  hub.keep_house() to hub_system;
grant execute on function hub.revoke_sessions(text, text) to hub_staff;

revoke execute on all functions in schema hub, hub_private from public;
