-- The owners of a read (L-1): all of those whose rows the history of a record shows, and those of rows that are gone when the queue delivers.

-- As in 20261126233500_record_reads_by_request.sql, but for the selector `subject`.
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
  -- Whose rows a request left in the trail, only the trail knows: each of them has had theirs read, and is one row of the record, as in a read
  -- by owner. Of a request that left none, or none of a client's, a list is read: its row has the filter.
  if selector = 'request' then
    return query
      select left(records_of.entity, 63), a.owner_id, a.owner_id, bool_and(a.internal), least(count(*), 1000)::integer
      from hub.team_activities a
      where records_of.entity = 'team_activities' and a.request_id = any (records) and a.owner_id is not null
      group by a.owner_id;
    return;
  end if;
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
      -- Whose rows a read of a record's history shows, the audit log itself knows: each owner of one of them is named, and not only the newest,
      -- which may be the read of another client's record with the session of a client. Without a table all tables are searched.
      return query
        select a.entity, left(record, 200), a.owner_id, bool_and(a.internal), null::integer
        from hub.team_activities a
        where a.entity_id = left(record, 200) and (records_of.entity = 'team_activities' or a.entity = records_of.entity) and a.owner_id is not null
        group by a.entity, a.owner_id;
      -- Of a record that is no client's, or that nothing was done with, a list is read: its row has the filter.
      continue;
    end if;
    return next;
  end loop;
end
$$;
comment on function hub_private.records_of(text, text, text[]) is 'The records that a read shows, each with its owner, whether it is a note among staff, and how many rows an owner has there.';

create function hub_private.owner_of_shown(entity text, selector text, records text[], shown_id text, row_count integer) returns text
  language sql stable security definer set search_path = ''
as $$
  select case
    -- Of several records it is not known which were shown.
    when coalesce(row_count, 0) = 0 or (select count(distinct r.name) <> 1 from unnest(records) as r (name)) then null
    when selector = 'owner' and records[1] ~ '^(user|org)_[A-Za-z0-9]{10,64}$' then records[1]
    when selector in ('key', 'conversation') and shown_id <> '' then
      (select a.owner_id from hub.team_activities a
        -- A note that was never published has internal rows only, and stays without an owner: its client does not see that it was read.
        where a.entity_id = shown_id and a.entity = owner_of_shown.entity and a.action in ('insert', 'update', 'delete', 'baseline') and not a.internal
        order by a.id desc limit 1)
  end
$$;
comment on function hub_private.owner_of_shown(text, text, text[], text, integer) is
  'The owner of the rows of the one named record that a read has shown and that no longer exist, from the audit log; null if none were shown.';

-- As in 20261126234000_record_conversations_once.sql, with the owners of rows that are gone.
do $$
declare
  written constant text := pg_get_functiondef('hub_private.write_reads(jsonb, jsonb)'::regprocedure);
  named constant text := replace(written, 'coalesce(client, r.owner), hub_private.known_purpose',
    'coalesce(client, r.owner, hub_private.owner_of_shown(r.shown_entity, selector, records, r.shown_id, hub_private.whole_number(request ->> ''row_count''))), hub_private.known_purpose');
begin
  if named = written then
    raise exception 'the owner of a read is not where it was';
  end if;
  execute named;
end
$$;

-- An export that broke off has shown the rows of its first pages, so that a client does not see it as one that showed nothing.
do $$
declare
  written constant text := pg_get_functiondef('hub_private.my_activity(bigint, integer)'::regprocedure);
  shown constant text := replace(written, '(select q.outcome from hub.request_log q',
    '(select case when q.outcome = ''failed'' and q.row_count > 0 then ''allowed'' else q.outcome end from hub.request_log q');
begin
  if shown = written then
    raise exception 'the outcome of a read is not where it was';
  end if;
  execute shown;
end
$$;

revoke execute on all functions in schema hub, hub_private from public;
