-- A read of sensitive columns is recorded before the data is requested (L-1, L-3), and nothing that a record says can make it, or the
-- record of another request, unwritable: text stays text, and what is converted was compared with its form first.

create function hub_private.whole_number(value text) returns integer
  language sql immutable set search_path = ''
as $$
  select case when value ~ '^[0-9]{1,9}$' then value::integer when value ~ '^[0-9]+$' then 2147483647 end
$$;
comment on function hub_private.whole_number(text) is 'The whole number that a text says, at most the largest integer; null for another text.';

-- The day is added, so that the 30th of February is a day of March and no error.
create function hub_private.instant(value text) returns timestamptz
  language sql stable set search_path = ''
as $$
  select case when value ~ '^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9]))?$'
    then (substr(value, 1, 8) || '01' || substr(value, 11))::timestamptz + make_interval(days => substr(value, 9, 2)::integer - 1)
    else clock_timestamp() end
$$;
comment on function hub_private.instant(text) is 'The time that an RFC 3339 text says; now for another text.';

-- A row whose month has no partition would be refused: a clock that jumped, or a message older than the trail.
create function hub_private.trail_time(at timestamptz) returns timestamptz
  language sql stable set search_path = ''
as $$
  select case when at <= clock_timestamp() and to_regclass('hub_private.team_activities_' || to_char(at at time zone 'UTC', 'YYYY_MM')) is not null
    then at else clock_timestamp() end
$$;
comment on function hub_private.trail_time(timestamptz) is 'The time under which the trail can keep a row: this one, or now.';

create function hub_private.known_purpose(value text) returns text
  language sql immutable set search_path = ''
as $$
  select case when value in ('client_request', 'support', 'sales', 'quality', 'security', 'legal') then value end
$$;
comment on function hub_private.known_purpose(text) is 'A purpose of the list; null for another text.';

-- The records that a read shows: one row each, with its owner. A record that is named by a text of another form is kept as that text.
create function hub_private.records_of(entity text, selector text, records text[], out shown_entity text, out shown_id text, out owner text, out hidden boolean, out rows_there integer)
  returns setof record
  language plpgsql stable security definer set search_path = ''
as $$
declare
  uuid_form constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  record text;
  key uuid;
  number bigint;
  parents uuid[];
  parent uuid;
begin
  for record in select distinct on (lower(r.name)) r.name from unnest(records) as r (name) where r.name is not null order by lower(r.name) loop
    shown_entity := left(entity, 63);
    shown_id := left(record, 200);
    owner := null;
    hidden := false;
    rows_there := null;
    if selector = 'owner' and record ~ '^(user|org)_[A-Za-z0-9]{10,64}$' then
      -- As many as one answer can have.
      rows_there := case entity
        when 'contact_tickets' then (select count(*) from (select from hub.contact_tickets t where t.owner_id = record limit 1000) as r)
        when 'ticket_messages' then (select count(*) from (select from hub.ticket_messages t where t.owner_id = record limit 1000) as r)
        when 'chat_threads' then (select count(*) from (select from hub.chat_threads t where t.owner_id = record limit 1000) as r)
        when 'chat_messages' then (select count(*) from (select from hub.chat_messages t where t.owner_id = record limit 1000) as r) end;
      -- Who owns nothing there is shown nothing of, and is told of nothing.
      continue when rows_there = 0;
      owner := record;
    elsif selector in ('key', 'conversation') and record ~ uuid_form then
      key := record::uuid;
      shown_id := key::text;
      if selector = 'conversation' then
        parents := case entity
          when 'ticket_messages' then array(select m.ticket_id from hub.ticket_messages m where m.id = key)
          when 'chat_messages' then array(select m.thread_id from hub.chat_messages m where m.id = key) end;
        if cardinality(parents) > 0 then
          parent := parents[1];
          shown_entity := case entity when 'ticket_messages' then 'contact_tickets' else 'chat_threads' end;
          shown_id := parent::text;
          key := parent;
        end if;
      end if;
      case shown_entity
        when 'contact_tickets' then select t.owner_id into owner from hub.contact_tickets t where t.id = key;
        when 'ticket_messages' then select m.owner_id, m.internal into owner, hidden from hub.ticket_messages m where m.id = key;
        when 'chat_threads' then select t.owner_id into owner from hub.chat_threads t where t.id = key;
        when 'chat_messages' then select m.owner_id into owner from hub.chat_messages m where m.id = key;
        else
      end case;
      hidden := coalesce(hidden, false);
    elsif selector = 'key' and entity = 'team_activities' and record ~ '^[0-9]{1,18}$' then
      number := record::bigint;
      select a.owner_id, a.internal into owner, hidden from hub.team_activities a where a.id = number limit 1;
      hidden := coalesce(hidden, false);
    end if;
    return next;
  end loop;
end
$$;
comment on function hub_private.records_of(text, text, text[]) is 'The records that a read shows, each with its owner, whether it is a note among staff, and how many rows an owner has there.';

-- What both ways of recording a read write: a row for each record that is named, else one for the list.
create function hub_private.write_reads(request jsonb, look jsonb) returns integer
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  request_key constant text := request ->> 'request_id';
  entity constant text := coalesce(left(look ->> 'entity', 63), '');
  selector constant text := coalesce(look ->> 'selector', 'list');
  -- A client whose session somebody else uses: whatever is read is theirs, and no other client's.
  client constant text := request ->> 'client_id';
  found_at constant timestamptz := hub_private.trail_time(hub_private.instant(request ->> 'occurred_at'));
  records text[] := '{}';
  written integer;
begin
  -- The same read twice, by a repeated message, is one.
  if exists (select from hub.team_activities a where a.request_id = request_key and a.action in ('read', 'list', 'export')) then
    return 0;
  end if;
  if jsonb_typeof(look -> 'records') = 'array' and not (selector = 'owner' and client is not null) then
    records := array(select jsonb_array_elements_text(look -> 'records'));
  end if;
  insert into hub.team_activities
    (occurred_at, actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, owner_id, purpose, filter, row_count,
      salt, values_hash, request_id, route, internal)
  select found_at, coalesce(request ->> 'actor_id', 'unknown'), 'staff', coalesce(request ->> 'actor_role', 'unknown'), left(request ->> 'actor_name', 200),
    request ->> 'session_id', coalesce(request ->> 'database_role', 'hub_staff'),
    case when look ->> 'export' = 'true' then 'export' when r.shown_id = '' then 'list' else 'read' end,
    r.shown_entity, r.shown_id, coalesce(client, r.owner), hub_private.known_purpose(look ->> 'purpose'), left(look ->> 'filter', 4000),
    coalesce(r.rows_there, hub_private.whole_number(request ->> 'row_count')),
    s.salt, hub_private.values_hash(s.salt, null, null), request_key, left((request ->> 'method') || ' ' || (request ->> 'route'), 300), client is null and r.hidden
  from (
    with named as materialized (select * from hub_private.records_of(entity, selector, records))
    select * from named
    union all
    -- A list, or nobody's records: it leaves its row as well.
    select entity, '', null, false, null where not exists (select from named)
  ) as r, lateral (select uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt where r.shown_id is not null) as s;
  get diagnostics written = row_count;
  -- A rule or a trigger on the trail may swallow a row and raise nothing.
  if written = 0 then
    raise exception 'the trail has not taken the row of this read';
  end if;
  return written;
end
$$;
comment on function hub_private.write_reads(jsonb, jsonb) is 'Writes what was read into the trail, once a request; gives how many rows that were.';

-- Before the data is requested, in the reader's own name: who that is and under which request, before_request() has said. Whoever acts in a
-- client's place is the actor, and the client is whose record it is.
create function hub_private.record_read(entity text, selector text, records text[], filter text, purpose text, export boolean) returns integer
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  impersonator constant text := nullif(current_setting('hub.impersonator_id', true), '');
  kind constant text := current_setting('hub.actor_kind', true);
begin
  if nullif(current_setting('hub.request_id', true), '') is null or kind is null
    or not (kind = 'staff' or (kind = 'customer' and impersonator is not null))
  then
    raise insufficient_privilege using message = 'a read is recorded for staff, and for who acts in a client''s place';
  end if;
  return hub_private.write_reads(
    jsonb_build_object('request_id', current_setting('hub.request_id'), 'actor_id', coalesce(impersonator, hub_private.actor_id()),
      'actor_role', case when impersonator is null then hub_private.staff_role() else 'impersonator' end,
      'actor_name', case when impersonator is null then nullif(current_setting('hub.actor_name', true), '') end,
      'session_id', nullif(current_setting('hub.session_id', true), ''), 'database_role', 'hub_' || kind,
      'client_id', case when kind = 'customer' then hub_private.owner_id() end,
      'method', split_part(current_setting('hub.route', true), ' ', 1), 'route', split_part(current_setting('hub.route', true), ' ', 2)),
    jsonb_build_object('entity', entity, 'selector', selector, 'records', to_jsonb(records), 'filter', filter, 'purpose', purpose, 'export', export));
end
$$;
comment on function hub_private.record_read(text, text, text[], text, text, boolean) is 'Records a read of the caller''s before the data is requested.';
create function hub.record_read(entity text, selector text, records text[], filter text, purpose text default null, export boolean default false) returns integer
  language sql volatile set search_path = ''
as $$ select hub_private.record_read(entity, selector, records, filter, purpose, export) $$;
comment on function hub.record_read(text, text, text[], text, text, boolean) is 'Records a read of the caller''s before the data is requested; gives how many rows of the trail that were.';

-- As in 20261125090000_export_trail.sql, without a cast of what a row says: reads of staff that show no sensitive column come by the queue.
create or replace function hub_private.record_looks(requests jsonb) returns void
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  request jsonb;
begin
  for request in select r.value from jsonb_array_elements(requests) as r where jsonb_typeof(r.value -> 'look') = 'object' loop
    perform hub_private.write_reads(request || jsonb_build_object('actor_role', substr(request ->> 'who', length('staff:') + 1), 'client_id', null), request -> 'look');
  end loop;
end
$$;

-- As in 20261125090000_export_trail.sql, but no value of one row makes it or another one unwritable: what has another form than its column is left
-- out or cut. A row without a usable request id is still refused, since nothing else tells it from others.
create or replace function hub_private.record_requests(requests jsonb) returns integer
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  written integer;
begin
  insert into hub.request_log as r (occurred_at, request_id, client_request_id, method, route, who, actor_id, session_id, owner_id, impersonator_id, outcome,
    status, code, duration_ms, upstream_ms, row_count, colo, country, token_id, address_hash)
  select distinct on (q.request_id) hub_private.instant(q.occurred_at), q.request_id,
    case when q.client_request_id ~ '^[A-Za-z0-9._-]{8,64}$' then q.client_request_id end,
    left(coalesce(q.method, ''), 20), left(coalesce(q.route, ''), 200), left(coalesce(q.who, 'nobody'), 100),
    left(q.actor_id, 200), left(q.session_id, 200), left(q.owner_id, 200), left(q.impersonator_id, 200),
    case when q.outcome in ('allowed', 'refused', 'failed') then q.outcome else 'failed' end,
    hub_private.whole_number(q.status), left(q.code, 100), hub_private.whole_number(q.duration_ms), hub_private.whole_number(q.upstream_ms),
    hub_private.whole_number(q.row_count), case when q.colo ~ '^[A-Z]{3}$' then q.colo end, case when q.country ~ '^[A-Z0-9]{2}$' then q.country end,
    left(q.token_id, 100), case when q.address_hash ~ '^[0-9a-f]{32}$' then q.address_hash end
  from jsonb_to_recordset(requests) as q (occurred_at text, request_id text, client_request_id text, method text, route text, who text, actor_id text,
    session_id text, owner_id text, impersonator_id text, outcome text, status text, code text, duration_ms text, upstream_ms text, row_count text,
    colo text, country text, token_id text, address_hash text)
  -- In one order, so that two batches with the same rows wait for one another and do not block each other.
  order by q.request_id, q.status is null
  on conflict (request_id) do update set status = excluded.status, code = excluded.code, outcome = excluded.outcome, duration_ms = excluded.duration_ms,
    upstream_ms = excluded.upstream_ms, row_count = excluded.row_count, colo = excluded.colo, country = excluded.country, token_id = excluded.token_id,
    address_hash = excluded.address_hash
    where r.status is null and excluded.status is not null;
  get diagnostics written = row_count;
  perform hub_private.record_looks(requests);
  return written;
end
$$;

-- As in 20261124130000_log_requests.sql, with two words more of the Hub's: who acts in the person's place, and which method the request had
-- that a recorded read belongs to.
create or replace function hub_private.before_request() returns void
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  claims jsonb := coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb;
  headers jsonb := coalesce(nullif(current_setting('request.headers', true), ''), '{}')::jsonb;
  method text := coalesce(substring(headers ->> 'x-hub-method' from '^(?:GET|HEAD|POST|PATCH|DELETE)$'), current_setting('request.method', true));
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
          set_config('hub.impersonator_id', coalesce(substring(headers ->> 'x-hub-impersonator' from '^user_[A-Za-z0-9]{10,64}$'), ''), true),
          set_config('hub.request_id', coalesce(headers ->> 'x-request-id', ''), true),
          set_config('hub.route', method || ' ' || route, true),
          set_config('hub.purpose', coalesce(headers ->> 'x-hub-purpose', ''), true),
          -- Headers are ASCII; people's words are not, so the Hub sends them in base64.
          set_config('hub.reason', coalesce(convert_from(decode(headers ->> 'x-hub-reason', 'base64'), 'UTF8'), ''), true),
          set_config('hub.expected_version', coalesce(headers ->> 'x-hub-if-match', ''), true),
          set_config('hub.erasing', '', true),
          set_config('hub.max_affected', coalesce(substring(headers ->> 'x-hub-max-affected' from '^[a-z_]{1,63}=[0-9]{1,4}$'), ''), true);

  -- L-3: a change that commits has its request row, because both are one transaction; so has a read that is recorded. One that fails takes the
  -- row along; then the Hub writes it.
  if kind in ('customer', 'staff') and current_setting('request.method', true) not in ('GET', 'HEAD') and current_setting('transaction_read_only') = 'off' then
    insert into hub.request_log (request_id, client_request_id, method, route, who, actor_id, session_id, owner_id, impersonator_id, outcome)
    values (headers ->> 'x-request-id', headers ->> 'x-client-request-id', method, route,
      case kind when 'staff' then 'staff:' || staff_role else kind end, actor, session, owner, headers ->> 'x-hub-impersonator', 'allowed')
    on conflict (request_id) do nothing;
  end if;
end
$$;

-- A client sees every read of theirs, lists included where somebody acted in their place, and how the request ended: a read that was refused after it
-- was recorded showed nothing.
create or replace function hub_private.my_activity(before_id bigint, most integer) returns jsonb
  language sql stable security definer set search_path = ''
as $$
  with readable as materialized (
    select c.relname::text as entity, array_agg(k.attname::text) as columns
    from pg_catalog.pg_class c join pg_catalog.pg_attribute k on k.attrelid = c.oid and k.attnum > 0 and not k.attisdropped
    where c.relnamespace = to_regnamespace('hub') and c.relkind in ('r', 'p') and has_column_privilege('hub_customer', c.oid, k.attnum, 'select')
    group by c.relname
  )
  select coalesce(jsonb_agg(jsonb_build_object(
      'id', a.id, 'occurred_at', a.occurred_at, 'staff_name', a.actor_name, 'staff_role', a.actor_role, 'action', a.action,
      'entity', a.entity, 'entity_id', nullif(a.entity_id, ''), 'purpose', a.purpose, 'reason', a.reason,
      'outcome', case when a.action in ('read', 'list') then (select q.outcome from hub.request_log q where q.request_id = a.request_id) end,
      'before', (select jsonb_object_agg(v.key, v.value) from jsonb_each(a.before) v where v.key = any (r.columns)),
      'after', (select jsonb_object_agg(v.key, v.value) from jsonb_each(a.after) v where v.key = any (r.columns)),
      'erased', a.erased_at is not null) order by a.id desc), '[]')
  from (
    select * from hub.team_activities a
    where a.owner_id = (select hub_private.owner_id()) and a.actor_kind in ('staff', 'system') and a.action in ('insert', 'update', 'delete', 'read', 'list')
      and not a.internal and (before_id is null or a.id < before_id)
    order by a.id desc limit least(greatest(coalesce(most, 100), 1), 500)
  ) a left join readable r on r.entity = a.entity
$$;

comment on column hub.team_activities.actor_role is 'admin, sales, support; impersonator for who acts in a person''s place; for everybody else the kind.';
comment on column hub.team_activities.row_count is
  'How many rows a list gave; of a read by owner, how many the owner had there then. Of a read that was recorded before the data was requested, and of an export, the request row says it.';

revoke execute on all functions in schema hub, hub_private from public;
grant execute on function hub.record_read(text, text, text[], text, text, boolean), hub_private.record_read(text, text, text[], text, text, boolean)
  to hub_customer, hub_staff;
