-- Who acts: set once for a transaction by before_request() out of the verified token, read by policies, defaults and triggers.
-- Where before_request() did not run, nobody acts, and every policy says no.

create function hub_private.actor_id() returns text
  language sql stable set search_path = ''
  return nullif(current_setting('hub.actor_id', true), '');
comment on function hub_private.actor_id() is 'Clerk user id of the acting person, or system:<job>.';

create function hub_private.actor_kind() returns text
  language sql stable set search_path = ''
  return nullif(current_setting('hub.actor_kind', true), '');
comment on function hub_private.actor_kind() is 'customer, staff, system or visitor.';

create function hub_private.staff_role() returns text
  language sql stable set search_path = ''
  return nullif(current_setting('hub.staff_role', true), '');
comment on function hub_private.staff_role() is 'admin, sales or support; null for everybody who is not staff.';

create function hub_private.owner_id() returns text
  language sql stable set search_path = ''
  return nullif(current_setting('hub.owner_id', true), '');
comment on function hub_private.owner_id() is 'The client whose rows the session reaches: an organization, else the user.';

grant execute on function hub_private.actor_id(), hub_private.actor_kind(), hub_private.staff_role(), hub_private.owner_id()
  to hub_visitor, hub_customer, hub_staff, hub_system;

-- Runs first in every transaction of PostgREST (pgrst.db_pre_request). It is a definer, so that it can read the revocations
-- and write the request row, for which no person's role has a right.
create function hub_private.before_request() returns void
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
  -- hub_staff carries a role and no owner; hub_customer an owner and no role: neither can be both.
  staff_role text := case when kind = 'staff' then claims ->> 'stacklumen_role' end;
  owner text := case when kind = 'customer' then claims ->> 'owner' end;
begin
  -- A-3: the service role and any other role end here, whatever right they hold elsewhere.
  if kind is null or claims ->> 'role' is distinct from current_setting('role', true)
    or (kind <> 'visitor' and actor is null)
    or (kind = 'customer' and (owner is null or actor not like 'user\_%' or session is null))
    or (kind = 'staff' and (staff_role is null or staff_role not in ('admin', 'sales', 'support') or actor not like 'user\_%' or session is null))
    or (kind = 'system' and actor not like 'system:%')
  then
    raise sqlstate 'PT403' using message = 'not for this role';
  end if;
  -- I-2: revocation works inside a token's life, in the same round trip.
  if exists (select from hub.revoked_sessions where subject in (actor, session) and expires_at > now()) then
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
comment on function hub_private.before_request() is 'Refuses other roles and revoked sessions, says who acts, and writes the request row of a change.';
grant execute on function hub_private.before_request() to hub_visitor, hub_customer, hub_staff, hub_system;

-- PostgREST reads these from its own login role; on a machine where that is not allowed, its configuration says the same.
do $$
begin
  alter role authenticator set pgrst.db_schemas = 'hub';
  alter role authenticator set pgrst.db_pre_request = 'hub_private.before_request';
  alter role authenticator set pgrst.db_anon_role = 'hub_nobody';
exception when insufficient_privilege then
  raise notice 'authenticator cannot be altered here: set db-schemas, db-pre-request and db-anon-role in PostgREST itself';
end
$$;
