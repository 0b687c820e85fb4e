-- A-1, A-2: messages of tickets. Acme's ticket has messages of Alice and Support and a note; Carol's has her own.
select pg_temp.grid(
  'select id from hub.ticket_messages',
  $$insert into hub.ticket_messages (ticket_id, body) select id, 'more' from hub.contact_tickets where subject = 'Of Acme'$$,
  $$update hub.ticket_messages set body = 'other words'$$,
  'delete from hub.ticket_messages',
  array[
    'visitor       denied denied denied denied',
    'alice         2      1      denied denied',
    'bob           2      1      denied denied',
    'carol         1      0      denied denied',
    'admin         4      1      PT409  4',
    'sales         4      denied 0      0',
    'support       4      1      2      0',
    'system        denied denied denied denied',
    'hub_nobody    denied denied denied denied',
    'anon          denied denied denied denied',
    'authenticated denied denied denied denied',
    'service_role  denied denied denied denied']);

do $$
declare
  of_acme uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
begin
  -- A ticket of another owner has the same response as one that does not exist.
  assert pg_temp.outcome('carol', format($q$insert into hub.ticket_messages (ticket_id, body) values (%L, 'x')$q$, of_acme)) = '23503';
  assert pg_temp.outcome('carol', format($q$insert into hub.ticket_messages (ticket_id, body) values (%L, 'x')$q$, gen_random_uuid())) = '23503';
  assert pg_temp.outcome('alice', format($q$insert into hub.ticket_messages (ticket_id, body, internal) values (%L, 'x', true)$q$, of_acme)) = 'denied';
  assert pg_temp.outcome('alice', format($q$insert into hub.ticket_messages (ticket_id, body, author_kind) values (%L, 'x', 'staff')$q$, of_acme)) = 'denied';
  assert pg_temp.outcome('alice', $q$select id from hub.ticket_messages where body = 'a note'$q$) = '0', 'a note of staff';
  -- Staff change messages of staff, never a customer's.
  assert pg_temp.outcome('admin', $q$update hub.ticket_messages set body = 'x' where body = 'by Alice'$q$) = '0';
end
$$;

-- L-1: any sequence of staff changes of a message: each step that changes the customer's view leaves a row in that
-- view, and text of an internal note while it was written is in none of them. A message that the customer could not see
-- before is dated when it is published.
do $$
declare
  ticket constant uuid := (select id from hub.contact_tickets where subject = 'Of Carol');
  steps constant jsonb := '{"publish": "internal = false", "hide": "internal = true", "edit": "body = $1", "publish and edit": "internal = false, body = $1",
    "hide and edit": "internal = true, body = $1", "remove": ""}';
  seen constant text := 'select coalesce(jsonb_agg(to_jsonb(m)), ''[]'') from (select id, body from hub.ticket_messages) m where m.id = $1';
  start boolean;
  names text[];
  step text;
  message uuid;
  view_before jsonb;
  view_after jsonb;
  rows_before jsonb;
  rows_after jsonb;
  words text;
  notes text[];
  counted integer := 0;
  refused integer := 0;
begin
  foreach start in array array[true, false] loop
    for names in select array[a, b] from jsonb_object_keys(steps) a, jsonb_object_keys(steps) b loop
      begin
        perform pg_temp.act('admin', 'POST', '{"name": "Ada Admin"}');
        words := 'words 0 ' || start;
        insert into hub.ticket_messages (ticket_id, body, internal) values (ticket, words, start) returning id into message;
        if start then
          perform pg_temp.act('system');
          perform set_config('role', 'none', true);
          update hub.ticket_messages m set created_at = now() - interval '10 days' where m.id = message;
        end if;
        notes := case when start then array[words] else '{}' end;
        for place in 1..2 loop
          step := names[place];
          words := format('words %s %s', place, start);
          perform pg_temp.act('carol', 'GET');
          execute seen into view_before using message;
          rows_before := hub.my_activity();
          perform pg_temp.act('admin', 'PATCH', '{"name": "Ada Admin"}');
          begin
            if step = 'remove' then
              delete from hub.ticket_messages where id = message;
            else
              execute format('update hub.ticket_messages set %s where id = $2', steps ->> step) using words, message;
            end if;
          exception when sqlstate 'PT409' then
            refused := refused + 1;
          end;
          perform pg_temp.act('carol', 'GET');
          execute seen into view_after using message;
          rows_after := hub.my_activity();
          counted := counted + 1;
          if view_before <> view_after then
            assert jsonb_array_length(rows_after) = jsonb_array_length(rows_before) + 1 and rows_after #>> '{0,entity_id}' = message::text
              and rows_after #>> '{0,staff_name}' = 'Ada Admin', format('%s of %s from %s: the client''s own view has no row of it', place, names, start);
          end if;
          perform set_config('role', 'none', true);
          assert view_before <> '[]' or view_after = '[]' or (select m.created_at = now() from hub.ticket_messages m where m.id = message),
            format('%s of %s from %s: it is shown as if it had been there for days', place, names, start);
          notes := notes || array(select m.body from hub.ticket_messages m where m.id = message and m.internal and not m.body = any (notes));
          -- A published message is no longer internal.
          notes := array(select n from unnest(notes) n where not view_after @> jsonb_build_array(jsonb_build_object('body', n)));
          assert not exists (select from unnest(notes) n where position(n in rows_after::text) > 0), format('%s of %s from %s: a note is shown', place, names, start);
        end loop;
        raise sqlstate 'TT000';
      exception when sqlstate 'TT000' then null;
      end;
    end loop;
  end loop;
  perform set_config('role', 'none', true);
  assert counted = 2 * 6 * 6 * 2 and refused between 20 and 60, format('%s steps, %s refused', counted, refused);
end
$$;

-- L-1: a message that a customer may have read is changed by its author, within 15 minutes, and never becomes a note; a
-- note is published by its author, where a message may be written.
do $$
declare
  ticket constant uuid := (select id from hub.contact_tickets where subject = 'Of Carol');
  statement constant text := 'update hub.ticket_messages set %s where id = %L';
  said uuid;
  old uuid;
  note uuid;
begin
  perform pg_temp.act('support');
  insert into hub.ticket_messages (ticket_id, body) values (ticket, 'We promised you the moon.') returning id into said;
  insert into hub.ticket_messages (ticket_id, body, internal) values (ticket, 'between us', true) returning id into note;
  assert pg_temp.outcome('support', format(statement, 'internal = true', said)) = 'PT409' and pg_temp.outcome('admin', format(statement, 'internal = true', said)) = 'PT409';
  assert pg_temp.outcome('support', format(statement, 'body = ''We promised nothing.''', said)) = '1', 'within 15 minutes';
  assert pg_temp.outcome('admin', format(statement, 'body = ''We promised nothing.''', said)) = 'PT409', 'by another';
  assert pg_temp.outcome('admin', format(statement, 'body = ''among us''', note)) = '1', 'a note is of all staff';
  assert pg_temp.outcome('admin', format(statement, 'internal = false', note)) = 'PT409', 'words of another are published';
  assert pg_temp.outcome('support', format(statement, 'internal = false', note)) = '1';
  perform pg_temp.act('system');
  perform set_config('role', 'none', true);
  insert into hub.ticket_messages (ticket_id, owner_id, author_id, author_kind, body, created_at)
    select ticket, m.owner_id, m.author_id, m.author_kind, 'said long ago', now() - interval '16 minutes' from hub.ticket_messages m where m.id = said returning id into old;
  assert pg_temp.outcome('support', format(statement, 'body = ''said otherwise''', old)) = 'PT409';
  perform pg_temp.act('support');
  update hub.contact_tickets set status = 'closed', resolution = 'done' where id = ticket;
  assert pg_temp.outcome('support', format(statement, 'internal = false', note)) = 'PT409', 'a note is published in a closed ticket';
  assert pg_temp.outcome('support', format(statement, 'body = ''still between us''', note)) = '1';
  perform set_config('role', 'none', true);
end
$$;
