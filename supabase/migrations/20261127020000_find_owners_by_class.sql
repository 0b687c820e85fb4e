-- The owner of a record that is read follows from the classes of columns (L-1), so that a table with an owner needs no function of its own.
create type hub_private.table_parts as (key_column text, owner_column text, parent_column text, parent_table text, has_notes boolean);

comment on type hub_private.table_parts is 'The columns of a table that identify a row, its owner and its conversation; whether rows may be notes among staff.';

create function hub_private.parts_of (entity text) returns hub_private.table_parts language sql stable
set
  search_path = '' as $$
  select row(max(k.column_name) filter (where k.part = 'key'), max(k.column_name) filter (where k.part = 'owner'),
    max(k.column_name) filter (where k.part = 'parent'), max(k.parent_table), coalesce(bool_or(k.column_name = 'internal'), false))::hub_private.table_parts
  from hub_private.column_classes k where k.table_name = entity
$$;

comment on function hub_private.parts_of (text) is 'The parts of a table, by the classes of its columns.';

create function hub_private.uuids (names text[]) returns uuid[] language sql immutable
set
  search_path = '' as $$
  select array(select n::uuid from unnest(names) n where n ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')
$$;

comment on function hub_private.uuids (text[]) is 'Those of some texts that are uuids.';

create function hub_private.owners_of (entity text, part hub_private.table_parts, keys uuid[]) returns jsonb language plpgsql stable
set
  search_path = '' as $$
declare
  owners jsonb;
begin
  if part.owner_column is not null and cardinality(keys) > 0 then
    execute format('select jsonb_object_agg(t.%1$I, jsonb_build_array(t.%2$I, %3$s)) from hub.%4$I t where t.%1$I = any ($1)',
      part.key_column, part.owner_column, case when part.has_notes then 't.internal' else 'false' end, entity) into owners using keys;
  end if;
  return owners;
end
$$;

comment on function hub_private.owners_of (text, hub_private.table_parts, uuid[]) is 'By key: the owner of each of these rows, and whether it is a note among staff.';

-- As in 20261126235500_record_owners_of_shown_rows.sql, but no table is named: the owner and the conversation are in the columns of those classes.
create or replace function hub_private.records_of (
  entity text,
  selector text,
  records text[],
  out shown_entity text,
  out shown_id text,
  out owner text,
  out hidden boolean,
  out rows_there integer
) returns setof record language plpgsql stable security definer
set
  search_path = '' as $$
declare
  uuid_form constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  record text;
  number bigint;
  part constant hub_private.table_parts := hub_private.parts_of(entity);
  keys uuid[];
  parents jsonb;
  parent text;
  owners jsonb;
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
  -- One look-up for all records: a statement for each would be planned anew. A row in a conversation is that conversation's.
  if selector in ('key', 'conversation') and part.key_column is not null then
    keys := hub_private.uuids(records);
    if selector = 'conversation' and part.parent_column is not null then
      execute format('select jsonb_object_agg(t.%1$I, t.%2$I) from hub.%3$I t where t.%1$I = any ($1)', part.key_column, part.parent_column, entity)
        into parents using keys;
      owners := hub_private.owners_of(part.parent_table, hub_private.parts_of(part.parent_table),
        array(select p.value::uuid from jsonb_each_text(parents) p where p.value is not null));
      keys := array(select k from unnest(keys) k where parents ->> k::text is null);
    end if;
    owners := coalesce(owners, '{}') || coalesce(hub_private.owners_of(entity, part, keys), '{}');
  end if;
  for record in select distinct case when selector in ('key', 'conversation') and r.name ~ uuid_form then lower(r.name) else r.name end
    from unnest(records) as r (name) where r.name is not null loop
    shown_entity := left(entity, 63);
    shown_id := left(record, 200);
    owner := null;
    hidden := false;
    rows_there := null;
    if selector = 'owner' and record ~ '^(user|org)_[A-Za-z0-9]{10,64}$' then
      if part.owner_column is not null then
        -- As many as one answer can have.
        execute format('select count(*) from (select from hub.%I t where t.%I = $1 limit 1000) as r', entity, part.owner_column) into rows_there using record;
      end if;
      -- Who owns nothing there is shown nothing of, and is told of nothing.
      continue when rows_there = 0;
      owner := record;
    elsif selector in ('key', 'conversation') and record ~ uuid_form then
      shown_id := record::uuid::text;
      parent := parents ->> shown_id;
      if parent is not null then
        shown_entity := part.parent_table;
        shown_id := parent;
      end if;
      owner := owners -> shown_id ->> 0;
      hidden := coalesce((owners -> shown_id ->> 1)::boolean, false);
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

revoke
execute on all functions in schema hub,
hub_private
from
  public;
