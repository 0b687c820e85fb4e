-- As in 20261126210000_show_published_notes.sql, and a client sees what was exported of theirs as well: that it was, not what stood in it (L-1).
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
      'outcome', case when a.action in ('read', 'list', 'export') then (select q.outcome from hub.request_log q where q.request_id = a.request_id) end,
      'before', (select jsonb_object_agg(v.key, v.value) from jsonb_each(a.before) v where v.key = any (r.columns)
        and (a.before ->> 'internal')::boolean is not true),
      'after', (select jsonb_object_agg(v.key, v.value) from jsonb_each(a.after) v where v.key = any (r.columns)
        and (a.after ->> 'internal')::boolean is not true),
      'erased', a.erased_at is not null) order by a.id desc), '[]')
  from (
    select * from hub.team_activities a
    where a.owner_id = (select hub_private.owner_id()) and a.actor_kind in ('staff', 'system') and a.action in ('insert', 'update', 'delete', 'read', 'list', 'export')
      and not a.internal and (before_id is null or a.id < before_id)
    order by a.id desc limit least(greatest(coalesce(most, 100), 1), 500)
  ) a left join readable r on r.entity = a.entity
$$;
