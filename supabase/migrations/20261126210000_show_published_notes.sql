-- What a client saw or will see of a ticket's conversation is in the client's own view (L-1). A message could be made a note, changed, and be
-- published again: each row of the trail was `internal`, since one side of the change was. A note could be published in a closed ticket.

-- As in 20261125120000_write_trail_faster.sql, but that a change is internal only where the row was a note before it and is one after it.
create or replace function hub_private.record_activity() returns trigger
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  actor constant text := nullif(current_setting('hub.actor_id', true), '');
  kind constant text := nullif(current_setting('hub.actor_kind', true), '');
  -- Staff and clients never erase, whatever a session says; where nothing was said it is null, which below is a no.
  erasing constant boolean := kind = 'system' and current_setting('hub.erasing', true) = 'on';
  old_row jsonb;
  new_row jsonb;
  either jsonb;
  before jsonb;
  after jsonb;
  salt bytea;
  values_hash bytea;
  row_hash bytea;
begin
  if actor is null or kind is null then
    raise insufficient_privilege using message = 'no actor: a write to ' || tg_table_name || ' needs one';
  end if;
  if tg_op = 'UPDATE' then
    old_row := to_jsonb(old);
    new_row := to_jsonb(new);
    if new_row = old_row then
      return null;
    end if;
    select coalesce(jsonb_object_agg(key, old_row -> key), '{}'), coalesce(jsonb_object_agg(key, value), '{}') into before, after
      from jsonb_each(new_row) where value is distinct from old_row -> key and key not in ('updated_at', 'version');
    either := new_row;
  elsif tg_op = 'INSERT' then
    new_row := to_jsonb(new);
    after := new_row;
    either := new_row;
  else
    old_row := to_jsonb(old);
    before := old_row;
    either := old_row;
  end if;
  salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
  values_hash := sha256(salt || convert_to(coalesce(before::text, ''), 'UTF8') || '\x00'::bytea || convert_to(coalesce(after::text, ''), 'UTF8'));
  if erasing then
    before := null;
    after := null;
    salt := null;
  elsif new_row is not null then
    row_hash := sha256(salt || convert_to(jsonb_strip_nulls(new_row)::text, 'UTF8'));
  end if;
  insert into hub.team_activities
    (actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, owner_id, reason, purpose, before, after, salt,
      values_hash, row_hash, internal, request_id, route, erased_at)
  values (actor, kind, coalesce(nullif(current_setting('hub.staff_role', true), ''), kind), nullif(current_setting('hub.actor_name', true), ''),
    nullif(current_setting('hub.session_id', true), ''), current_setting('role'), lower(tg_op), tg_table_name,
    coalesce(either ->> 'id', either ->> 'subject'), either ->> 'owner_id', nullif(current_setting('hub.reason', true), ''),
    nullif(current_setting('hub.purpose', true), ''), before, after, salt, values_hash, row_hash,
    coalesce((coalesce(old_row, new_row) ->> 'internal')::boolean and (coalesce(new_row, old_row) ->> 'internal')::boolean, false),
    nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''),
    case when erasing then now() end);
  -- A rule or a trigger on the trail may swallow a row and raise nothing; then the change has none and must not stay.
  if not found then
    raise exception 'the trail has not taken the row of this change';
  end if;
  return null;
end
$$;

comment on column hub.team_activities.internal is 'Whether it is about a note of staff for staff, before and after the change.';

-- As in 20261124110000_complete_operations.sql; what a client may have read stays a message, and is changed as a chat's is: by its author, for a
-- quarter of an hour. Notes are of all staff; one is published by its author alone, under whose name the client reads it, and where a message
-- could be written.
create or replace function hub_private.check_conversation() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  parent record;
begin
  if hub_private.actor_kind() = 'system' then
    return new;
  end if;
  if tg_op = 'UPDATE' and tg_table_name = 'chat_messages' then
    if new.body is distinct from old.body then
      if old.retracted_at is not null then
        raise sqlstate 'PT409' using message = 'the message was taken back';
      elsif new.retracted_at is null and old.created_at < now() - interval '15 minutes' then
        raise sqlstate 'PT409' using message = 'a message is changed within 15 minutes', hint = 'Write a new one, or retract it.';
      end if;
    end if;
    return new;
  elsif tg_op = 'UPDATE' then
    if new.internal and not old.internal then
      raise sqlstate 'PT409' using message = 'a message to the client does not become a note', hint = 'The client may have read it. Write a new message.';
    elsif not new.internal and (old.internal or new.body is distinct from old.body) and old.author_id is distinct from hub_private.actor_id() then
      raise sqlstate 'PT409' using message = 'only its author changes or publishes a message', hint = 'The client reads it under the author''s name. Write a message of your own.';
    elsif not old.internal and new.body is distinct from old.body and old.created_at < now() - interval '15 minutes' then
      raise sqlstate 'PT409' using message = 'a message is changed within 15 minutes', hint = 'Write a new one.';
    elsif new.internal or not old.internal then
      return new;
    end if;
  end if;
  if tg_table_name = 'ticket_messages' then
    select t.status, t.merged_into into parent from hub.contact_tickets t where t.id = new.ticket_id;
    if parent.status = 'closed' and not new.internal then
      raise sqlstate 'PT409' using message = 'the ticket is closed',
        hint = case when parent.merged_into is null then 'Open it again first.' else 'It goes on as ' || parent.merged_into || '.' end;
    end if;
  else
    select t.status into parent from hub.chat_threads t where t.id = new.thread_id;
    if parent.status = 'closed' then
      raise sqlstate 'PT409' using message = 'the chat is closed', hint = 'Open it again first.';
    end if;
  end if;
  return new;
end
$$;

-- As in 20261126100000_record_reads_first.sql, but without the side of a change on which the row was a note.
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
      'before', (select jsonb_object_agg(v.key, v.value) from jsonb_each(a.before) v where v.key = any (r.columns)
        and (a.before ->> 'internal')::boolean is not true),
      'after', (select jsonb_object_agg(v.key, v.value) from jsonb_each(a.after) v where v.key = any (r.columns)
        and (a.after ->> 'internal')::boolean is not true),
      'erased', a.erased_at is not null) order by a.id desc), '[]')
  from (
    select * from hub.team_activities a
    where a.owner_id = (select hub_private.owner_id()) and a.actor_kind in ('staff', 'system') and a.action in ('insert', 'update', 'delete', 'read', 'list')
      and not a.internal and (before_id is null or a.id < before_id)
    order by a.id desc limit least(greatest(coalesce(most, 100), 1), 500)
  ) a left join readable r on r.entity = a.entity
$$;

revoke execute on all functions in schema hub, hub_private from public;
