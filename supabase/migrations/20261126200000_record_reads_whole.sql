-- What a record of a read leaves out (L-1): an owner in other letters, the end of a long filter, and the client whose trail was read or exported.

-- The Hub refuses a query that is longer, so that none is cut (src/logic/postgrest/look.rs).
do $$
declare
  written constant text := pg_get_functiondef('hub_private.is_activity(text, text, text, text, text, text, bytea, bytea, timestamptz)'::regprocedure);
  longer constant text := replace(written, 'length(filter) <= 4000', 'length(filter) <= 16000');
begin
  if longer = written then
    raise exception 'the bound of a filter is not where it was';
  end if;
  execute longer;
end
$$;

-- As in 20261126100000_record_reads_first.sql, but for two things. Ids of Clerk's differ in case, so that an owner who is named a second time in
-- other letters is another owner and takes nobody's place. And the record that rows of the trail tell of is named by its key there.
create or replace function hub_private.records_of(entity text, selector text, records text[], out shown_entity text, out shown_id text, out owner text, out hidden boolean, out rows_there integer)
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
  for record in select distinct case when selector in ('key', 'conversation') and r.name ~ uuid_form then lower(r.name) else r.name end
    from unnest(records) as r (name) where r.name is not null loop
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
    elsif selector = 'subject' then
      -- Whose the record is, or was, the trail itself knows. Without a table it is searched in all.
      select a.entity, a.owner_id, a.internal into shown_entity, owner, hidden from hub.team_activities a
        where a.entity_id = left(record, 200) and (records_of.entity = 'team_activities' or a.entity = records_of.entity) and a.owner_id is not null
        order by a.id desc limit 1;
      -- Of a record that is no client's, or that nothing was done with, a list is read: its row has the filter.
      continue when not found;
    end if;
    return next;
  end loop;
end
$$;
comment on function hub_private.records_of(text, text, text[]) is 'The records that a read shows, each with its owner, whether it is a note among staff, and how many rows an owner has there.';

-- As in 20261126100000_record_reads_first.sql, with the longer filter.
create or replace function hub_private.write_reads(request jsonb, look jsonb) returns integer
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
    r.shown_entity, r.shown_id, coalesce(client, r.owner), hub_private.known_purpose(look ->> 'purpose'), left(look ->> 'filter', 16000),
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

comment on column hub.team_activities.filter is 'What a read or an export asked, as the Hub asked it, whole, with the arguments of a function before it; null after an erasure.';

revoke execute on all functions in schema hub, hub_private from public;
