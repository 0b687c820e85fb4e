-- An export is a look as well (L-1): it leaves its row in the trail before its first byte leaves, with what it was filtered by and why.

create or replace function hub_private.record_looks(requests jsonb) returns void
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  request jsonb;
  look jsonb;
  record text;
  owner text;
  salt bytea;
begin
  for request in select * from jsonb_array_elements(requests) loop
    look := request -> 'look';
    -- The same look twice, by a repeated message, is one.
    continue when look is null
      or exists (select from hub.team_activities a where a.request_id = request ->> 'request_id' and a.action in ('read', 'list', 'export'));
    for record in select * from jsonb_array_elements_text(case look -> 'records' when '[]' then '[null]' else look -> 'records' end) loop
      owner := case
        when record is null then null
        when record ~ '^(user|org)_' then record
        when look ->> 'entity' = 'contact_tickets' then (select t.owner_id from hub.contact_tickets t where t.id = record::uuid)
        when look ->> 'entity' = 'ticket_messages' then (select m.owner_id from hub.ticket_messages m where m.id = record::uuid)
        when look ->> 'entity' = 'chat_threads' then (select t.owner_id from hub.chat_threads t where t.id = record::uuid)
        when look ->> 'entity' = 'chat_messages' then (select m.owner_id from hub.chat_messages m where m.id = record::uuid) end;
      salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
      insert into hub.team_activities
        (occurred_at, actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, owner_id, purpose, filter, row_count,
          salt, values_hash, request_id, route, internal)
      values ((request ->> 'occurred_at')::timestamptz, request ->> 'actor_id', 'staff', substr(request ->> 'who', length('staff:') + 1), request ->> 'actor_name',
        request ->> 'session_id', 'hub_staff', case when (look ->> 'export')::boolean then 'export' when record is null then 'list' else 'read' end,
        look ->> 'entity', coalesce(record, ''), owner, look ->> 'purpose', look ->> 'filter', (request ->> 'row_count')::integer, salt,
        hub_private.values_hash(salt, null, null), request ->> 'request_id', (request ->> 'method') || ' ' || (request ->> 'route'),
        look ->> 'entity' = 'ticket_messages' and coalesce((select m.internal from hub.ticket_messages m where m.id::text = record), false));
    end loop;
  end loop;
end
$$;
comment on function hub_private.record_looks(jsonb) is 'Writes what staff looked at and exported into the trail.';
-- As before, but for the order: of two words about one request in one batch, the one that says how it ended.
create or replace function hub_private.record_requests(requests jsonb) returns integer
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
  order by q.request_id, q.status nulls last
  on conflict (request_id) do update set status = excluded.status, code = excluded.code, outcome = excluded.outcome, duration_ms = excluded.duration_ms,
    upstream_ms = excluded.upstream_ms, row_count = excluded.row_count, colo = excluded.colo, country = excluded.country, token_id = excluded.token_id,
    address_hash = excluded.address_hash
    where r.status is null and excluded.status is not null;
  get diagnostics written = row_count;
  perform hub_private.record_looks(requests);
  return written;
end
$$;

comment on column hub.team_activities.row_count is 'How many rows a look gave; of an export, the request row of the same request says it.';

revoke execute on all functions in schema hub, hub_private from public;
