-- R-3, L-1, L-2: an erased user is in no column of any table, actions and times remain, and hashes still verify.

-- Returns the tables that contain one of these words in any column, in any case; every table of both schemas,
-- partitions too, by the catalog alone.
create function pg_temp.holding(words text[]) returns text[] language plpgsql as $$
declare
  entity record;
  held boolean;
  holding text[] := '{}';
begin
  for entity in
    select c.oid::regclass as name, string_agg(format('%I::text', a.attname), ', ') as columns from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace) and c.relkind in ('r', 'p', 'm', 'f') and a.attnum > 0 and not a.attisdropped
    group by c.oid order by c.oid::regclass::text
  loop
    execute format($q$select exists (select from (select lower(regexp_replace(concat_ws(' ', %s), '\s+', ' ', 'g') collate "und-x-icu") as text from %s) r,
      unnest($1) w where position(lower(w collate "und-x-icu") in r.text) > 0 or position(replace(lower(w collate "und-x-icu"), '@', '%%40') in r.text) > 0
        or position(replace(lower(w collate "und-x-icu"), '"', '\"') in r.text) > 0)$q$, entity.columns, entity.name) into held using words;
    if held then
      holding := holding || entity.name::text;
    end if;
  end loop;
  return holding;
end
$$;

-- Returns a hash of all rows of a customer.
create function pg_temp.state(owner text) returns text language plpgsql as $$
declare
  entity regclass;
  state text := '';
  more text;
begin
  for entity in select a.attrelid::regclass from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'hub'::regnamespace and a.attname = 'owner_id' and c.relkind in ('r', 'p') order by 1
  loop
    execute format('select count(*) || md5(coalesce(string_agg(r::text, '','' order by r.id), '''')) from %s r where r.owner_id = $1', entity) into more using owner;
    state := state || entity || more;
  end loop;
  return state;
end
$$;

create function pg_temp.drift() returns text language sql as $$ select string_agg(f.entity || ': ' || f.finding, ', ' order by f.entity) from hub_private.find_drift() f $$;

do $$
declare
  alice constant text := 'user_2hubalice0000000000000001';
  session constant text := 'sess_2hubalice0000000000000001';
  acme constant text := 'org_2hubacme00000000000000001';
  carol constant text := 'user_2hubcarol0000000000000003';
  identifiers constant text[] := array['alice.liddell@example.com', ' Alice Liddell', '+44 20 7946 0958', 'Élodie "Åsa" Liddell', 'Dinah'];
  words constant text[] := array['alice.liddell@example.com', 'alice liddell', '+44 20 7946 0958', 'élodie "åsa" liddell', 'dinah', alice, session];
  ticket uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
  thread uuid := (select id from hub.chat_threads where topic = 'Of Acme');
  note uuid := (select id from hub.ticket_messages where internal);
  bo uuid := (select id from hub.leads where name = 'Bo');
  lead uuid;
  own uuid;
  who text;
  call text := format('erase_person(%L, %L)', alice, identifiers);
  of_carol text;
  of_acme text;
  found jsonb;
  pseudonym text;
  count_before bigint;
  row hub.team_activities;
  wrong text;
begin
  -- Only a job of the Hub may erase.
  foreach who in array array['visitor', 'alice', 'carol', 'admin', 'sales', 'support', 'hub_nobody', 'anon', 'authenticated', 'service_role'] loop
    assert pg_temp.outcome(who, 'select hub.' || call) = 'denied' and pg_temp.outcome(who, 'select hub_private.' || call) = 'denied', who;
  end loop;

  -- As an owner, with staff in the conversation; as a member of an organization; in text of others; as a lead.
  perform pg_temp.act('alice', 'POST', jsonb_build_object('owner', alice, 'org', null));
  own := (hub.open_ticket('My own', 'by me alone')).id;
  insert into hub.chat_threads (topic) values ('My own chat');
  insert into hub.chat_messages (thread_id, body) select id, 'hello' from hub.chat_threads where topic = 'My own chat';
  perform pg_temp.act('alice');
  update hub.contact_tickets set subject = 'Of Acme, and Dinah' where id = ticket;
  perform set_config('hub.session_id', '', true);
  update hub.chat_threads set topic = 'Tea' where id = thread;
  update hub.contact_tickets set subject = rpad('Dinah ', 200, 'x') where id = ticket;
  perform pg_temp.act('bob');
  insert into hub.chat_messages (thread_id, body) values (thread, E'ask ALICE\n  LIDDELL, +44  20 7946 0958');
  perform pg_temp.act('support', 'POST', '{"name": "Sue Support"}');
  insert into hub.ticket_messages (ticket_id, body) values (own, 'we look into it');
  update hub.ticket_messages set body = E'ÉLODIE "ÅSA" LIDDELL <ALICE.LIDDELL@EXAMPLE.COM>' where id = note;
  perform set_config('hub.reason', 'alice liddell rang', true);
  update hub.contact_tickets set priority = 'high' where id = ticket;
  perform pg_temp.act('sales');
  insert into hub.leads (name, email, message) values ('A. L.', 'Alice.Liddell@Example.com', 'a rabbit hole') returning id into lead;
  update hub.leads set notes = 'likes croquet' where id = lead;
  update hub.leads set notes = 'ask Alice Liddell', assigned_to = alice where id = bo;
  update hub.leads set notes = 'she was asked' where id = bo;
  perform pg_temp.act('system');
  perform hub.record_requests(jsonb_build_array(
    jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FA1', 'actor_id', 'user_2hubsupport000000000000007', 'who', 'staff:support', 'method', 'GET',
      'route', '/rest/v1/leads', 'outcome', 'allowed', 'status', 200, 'row_count', 1, 'look', jsonb_build_object('entity', 'leads', 'records', '[]'::jsonb, 'filter', 'email=eq.alice.liddell%40example.com')),
    jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FA2', 'actor_id', 'user_2hubsupport000000000000007', 'actor_name', 'Sue Support', 'who', 'staff:support', 'method', 'GET',
      'route', '/rest/v1/contact_tickets', 'outcome', 'allowed', 'status', 200, 'look', jsonb_build_object('entity', 'contact_tickets', 'records', jsonb_build_array(alice, own, lead), 'filter', 'x', 'purpose', 'support')),
    jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FA3', 'client_request_id', 'alice-liddell', 'actor_id', alice, 'session_id', session, 'owner_id', acme,
      'who', 'customer', 'method', 'GET', 'route', '/rest/v1/contact_tickets', 'outcome', 'allowed', 'status', 200, 'token_id', 'jti_1', 'address_hash', repeat('a', 32)),
    jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FA4', 'client_request_id', 'for-Dinah-1', 'actor_id', 'user_2hubbob000000000000000002', 'impersonator_id', alice,
      'owner_id', acme, 'who', 'customer', 'method', 'GET', 'route', '/rest/v1/contact_tickets', 'outcome', 'allowed', 'status', 200)));
  perform set_config('role', 'none', true);
  insert into hub.request_log (request_id, method, route, who, actor_id, session_id, outcome) values ('01ARZ3NDEKTSV4RRFFQ69G5FA5', 'POST', '/rest/v1/x', 'customer', alice, session, 'allowed');
  insert into hub.revoked_sessions (subject, cause, reason, revoked_by, revoked_at, expires_at) values
    (alice, 'banned', 'asked for it', 'system:clerk', now() - interval '1 day', 'infinity'),
    (session, 'ended', 'signed out', alice, now() - interval '1 hour', now() - interval '50 minutes'),
    ('sess_2hubother000000000000001', 'staff', 'used by alice liddell', alice, now() - interval '1 hour', now());
  insert into hub.webhook_messages (sender, message_id, event, happened_at) values ('clerk', 'msg_of_Dinah_1', 'user.updated', now());
  perform hub_private.record_check('out_of_band', 7, jsonb_build_array(jsonb_build_object('actor_id', alice, 'rows', 2), jsonb_build_object('entity_id', 'x', 'finding', 'Élodie "Åsa" Liddell')), now());

  perform hub_private.record_check('out_of_band', 1, '[{"finding": "by Élodie \"Åsa\" Liddell"}]', now());

  -- The scan finds them beforehand, so that it can also miss them.
  assert pg_temp.holding(words) @> array['hub.leads', 'hub.contact_tickets', 'hub.ticket_messages', 'hub.chat_threads', 'hub.chat_messages', 'hub.team_activities',
    'hub.request_log', 'hub.revoked_sessions', 'hub.webhook_messages', 'hub.checks'], pg_temp.holding(words);
  for who in select unnest(words) loop
    assert pg_temp.holding(array[who]) <> '{}', who;
  end loop;
  assert pg_temp.drift() is null, pg_temp.drift();

  assert (select array_agg(r.rolname::text) from pg_roles r where r.rolname ~ '^(hub_|anon|auth|service)' and (has_function_privilege(r.rolname, 'hub.erase_person(text, text[])', 'execute')
    or has_function_privilege(r.rolname, 'hub_private.erase_person(text, text[])', 'execute'))) = '{hub_system}';
  perform set_config('hub.actor_id', 'user_2hubadmin0000000000000005', true), set_config('hub.actor_kind', 'staff', true);
  begin
    execute 'select hub_private.' || call;
    raise exception 'no job erased a person';
  exception when insufficient_privilege then null;
  end;
  -- Only identifiers of a user are accepted.
  foreach wrong in array array[
    $q$null, '{}'$q$, $q$'', '{}'$q$, $q$'org_2hubacme00000000000000001', '{}'$q$, $q$'user_%', '{}'$q$, format('%L, array[%L]', alice, 'abc'), format('%L, array[%L]', alice, '   a    '),
    format('%L, array[null]', alice), format('%L, array[%L]', alice, '2026'), format('%L, array[%L]', alice, '12 34-56'), format('%L, array[%L]', alice, 'Support'), format('%L, array[%L]', alice, 'status'),
    format('%L, array[%L]', alice, 'Post'), format('%L, array[%L]', alice, '[erased]'), format('%L, (select array_agg(%L || n) from generate_series(1, 21) n)', alice, 'Liddell')] loop
    assert pg_temp.outcome('system', 'select hub.erase_person(' || wrong || ')') = 'PT400', wrong;
  end loop;
  -- I-2: rejected while a token of theirs may be valid.
  begin
    perform pg_temp.act('system');
    perform set_config('role', 'none', true);
    insert into hub.revoked_sessions (subject, cause, reason, expires_at) values (alice, 'deleted', 'x', now() + interval '5 minutes');
    assert pg_temp.outcome('system', 'select hub.' || call) = 'PT409';
    raise sqlstate 'TT000';
  exception when sqlstate 'TT000' then null;
  end;

  -- The pseudonym is random: another run would have yielded another one.
  begin
    perform pg_temp.act('system');
    pseudonym := hub.erase_person(alice, identifiers) ->> 'pseudonym';
    raise sqlstate 'TT000';
  exception when sqlstate 'TT000' then null;
  end;
  create temp table trail as select * from hub.team_activities;
  of_carol := pg_temp.state(carol);
  of_acme := (select jsonb_build_array((select count(*) from hub.contact_tickets where owner_id = acme), (select count(*) from hub.ticket_messages where owner_id = acme),
    (select count(*) from hub.chat_threads where owner_id = acme), (select count(*) from hub.chat_messages where owner_id = acme)))::text;
  perform pg_temp.act('system');
  found := hub.erase_person(alice, identifiers);
  perform set_config('role', 'none', true);
  assert pseudonym <> found ->> 'pseudonym', 'the pseudonym can be worked out';
  pseudonym := found ->> 'pseudonym';

  -- In no table, in no case.
  assert pg_temp.holding(words) = '{}', (pg_temp.holding(words), found);
  assert not exists (select from hub.contact_tickets where id = own) and not exists (select from hub.ticket_messages where ticket_id = own)
    and not exists (select from hub.leads where id = lead) and not exists (select from hub.chat_threads where topic = 'My own chat'), 'what was theirs is there';
  assert not exists (select from hub.revoked_sessions where subject in (alice, session)) and exists (select from hub.revoked_sessions where reason = 'used by [erased]' and revoked_by = pseudonym);
  -- Remaining text is redacted in place; where a column's own form or length has no room for that, the whole value is
  -- removed.
  assert (select body from hub.chat_messages where body like 'ask %') = 'ask [erased], [erased]' and (select body from hub.ticket_messages where id = note) = '[erased] <[erased]>';
  assert (select (subject, author_id) = ('[erased]', pseudonym) from hub.contact_tickets where id = ticket) and (select assigned_to is null and notes = 'she was asked' from hub.leads where id = bo);
  assert (select findings from hub.checks order by id desc offset 1 limit 1) = jsonb_build_array(jsonb_build_object('actor_id', pseudonym, 'rows', 2), '{"entity_id": "x", "finding": "[erased]"}'::jsonb);
  assert of_acme = (select jsonb_build_array((select count(*) from hub.contact_tickets where owner_id = acme), (select count(*) from hub.ticket_messages where owner_id = acme),
    (select count(*) from hub.chat_threads where owner_id = acme), (select count(*) from hub.chat_messages where owner_id = acme)))::text, 'the organization lost something';
  assert of_carol = pg_temp.state(carol), 'another client''s rows changed';
  assert (select (actor_id, session_id, token_id, address_hash, client_request_id) is not distinct from (pseudonym, pseudonym, null::text, null::text, null::text) and status = 200
    from hub.request_log where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FA3');
  assert (select (impersonator_id, actor_id) = (pseudonym, 'user_2hubbob000000000000000002') from hub.request_log where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FA4');

  -- The act of every row remains; a row without their data is unchanged, and its hash verifies by its own description.
  assert (select count(*) from trail) = (select count(*) from trail t join hub.team_activities a using (id, occurred_at, actor_kind, actor_role, database_role, action, entity, values_hash,
    internal, login_role, out_of_band) where (a.request_id, a.purpose, a.row_count, a.route) is not distinct from (t.request_id, t.purpose, t.row_count, t.route)
    and a.actor_id in (t.actor_id, pseudonym) and a.entity_id in (t.entity_id, pseudonym)), 'an act changed';
  assert not exists (select from trail t join hub.team_activities a using (id) where a.erased_at is null and (to_jsonb(a) <> to_jsonb(t)
    or a.values_hash <> sha256(a.salt || convert_to(coalesce(a.before::text, ''), 'UTF8') || '\x00' || convert_to(coalesce(a.after::text, ''), 'UTF8')))), 'an untouched row does not verify';
  assert not exists (select from hub.team_activities a where a.erased_at is not null and num_nonnulls(a.before, a.after, a.salt, a.row_hash, a.reason, a.filter) > 0);
  -- Exactly the rows of theirs are redacted.
  assert (select count(*) from trail t join hub.team_activities a using (id, actor_id, actor_name) where a.actor_name = 'Sue Support') > 3, 'who looked lost their name';
  select string_agg(t.action || ' ' || t.entity, ', ') into wrong from trail t join hub.team_activities a using (id)
    where (a.erased_at is not null) <> (alice in (t.owner_id, t.actor_id, t.entity_id) or t.entity_id = lead::text
      or exists (select from unnest(words) w where position(w in lower(regexp_replace(concat_ws(' ', t.before ->> 'body', t.after ->> 'body', t.before, t.after, t.reason, t.filter), '\s+', ' ', 'g') collate "und-x-icu")) > 0)
      or t.filter like '%\%40%');
  assert wrong is null, wrong;
  assert (select count(*) from hub.team_activities where erased_at is null and after ->> 'notes' = 'she was asked') = 0 and exists (select from hub.team_activities where action = 'update' and entity_id = bo::text and actor_id = 'user_2hubsales0000000000000006');

  -- The row of the erasure itself, which names no user.
  select * into row from hub.team_activities where action = 'erase';
  assert (row.actor_id, row.actor_kind, row.entity, row.entity_id) = ('system:test', 'system', 'person', pseudonym) and row.owner_id is null and pseudonym ~ '^erased_[0-9a-f]{32}$', row;
  assert row.after = found -> 'tables' and row.row_count = (found ->> 'rows')::integer and (row.after ->> 'leads_removed')::integer = 1 and (row.after ->> 'ticket_messages_removed')::integer = 2
    and row.values_hash = hub_private.values_hash(row.salt, null, row.after), row;

  -- Hashes still verify: nothing is found, and a later change without a row in the audit log is.
  assert pg_temp.drift() is null, pg_temp.drift();
  begin
    alter table hub.ticket_messages disable trigger user;
    update hub.ticket_messages set body = 'nobody saw this' where id = note;
    alter table hub.ticket_messages enable trigger user;
    assert pg_temp.drift() = 'ticket_messages: a row changed past the trail', pg_temp.drift();
    raise sqlstate 'TT000';
  exception when sqlstate 'TT000' then null;
  end;

  -- A second run finds nothing, reports that, and leaves no row.
  select count(*) into count_before from hub.team_activities;
  perform pg_temp.act('system');
  assert hub.erase_person(alice, identifiers) = '{"pseudonym": null, "rows": 0, "tables": {}}';
  perform set_config('role', 'none', true);
  assert count_before = (select count(*) from hub.team_activities);
  -- The completion of a change, in flight at that time, contains only data that remain.
  perform pg_temp.act('system');
  perform hub.record_requests(jsonb_build_array(jsonb_build_object('occurred_at', now(), 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FA5', 'method', 'POST', 'route', '/rest/v1/x', 'who', 'customer',
    'outcome', 'allowed', 'status', 201, 'token_id', 'jti_2', 'address_hash', repeat('b', 32))));
  perform set_config('role', 'none', true);
  assert (select status = 201 and token_id is null and address_hash is null from hub.request_log where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FA5');
end
$$;

-- L-1: a change without a row in the audit log before an erasure is found after it too, although the erasure rewrote
-- the row.
do $$
declare
  ticket uuid := (select id from hub.contact_tickets where owner_id like 'org%');
begin
  perform pg_temp.act('bob');
  update hub.contact_tickets set subject = 'Of Bob Hatter' where id = ticket;
  perform set_config('role', 'none', true);
  alter table hub.contact_tickets disable trigger user;
  update hub.contact_tickets set priority = 'low' where id = ticket;
  alter table hub.contact_tickets enable trigger user;
  alter table hub.contact_tickets enable always trigger record_activity;
  assert pg_temp.drift() = 'contact_tickets: a row changed past the trail', pg_temp.drift();
  perform pg_temp.act('sales');
  update hub.leads set assigned_to = 'user_2hubbob0000000000000000029' where name = 'Bo';
  perform pg_temp.act('system');
  perform hub.erase_person('user_2hubbob000000000000000002', array['Bob Hatter']);
  perform set_config('role', 'none', true);
  assert (select subject from hub.contact_tickets where id = ticket) = 'Of [erased]';
  assert (select assigned_to from hub.leads where name = 'Bo') = 'user_2hubbob0000000000000000029', 'an id that begins like theirs';
  assert pg_temp.drift() = 'contact_tickets: a row without a proof', pg_temp.drift();
end
$$;

-- L-1, L-3: an erasure enables no other change: not after it, not by a request, and directly only the changes of an
-- erasure, which are recorded.
do $$
declare
  statement text;
begin
  assert current_setting('hub.erasing') = '', 'the erasure left its door open';
  for step in 1..2 loop
    foreach statement in array array[
      'update hub.team_activities set before = null, after = null, salt = null, row_hash = null, reason = null, filter = null, erased_at = now(), action = ''delete''',
      'update hub.team_activities set erased_at = null where erased_at is not null', 'delete from hub.team_activities', 'delete from hub.request_log', 'delete from hub.checks',
      'update hub.request_log set outcome = ''refused''', 'update hub.request_log set actor_id = ''user_2hubsomebodyelse0000000''', 'update hub.checks set passed = not passed', 'update hub.checks set findings = ''[]''',
      'update hub.checks set findings = ''[{"finding": "erased"}]''', 'update hub.checks set looked_at = 0', 'update hub.checks set ran_at = now() - interval ''1 year'''] loop
      begin
        execute statement;
        raise exception 'step %: "%" went through', step, statement;
      exception when insufficient_privilege then null;
      end;
    end loop;
    if step = 1 then
      begin
        update hub.team_activities set before = null, after = null, salt = null, row_hash = null, reason = null, filter = null, erased_at = now();
        raise exception 'an erasure without one';
      exception when insufficient_privilege then null;
      end;
    end if;
    perform set_config('hub.erasing', 'on', true);
  end loop;
  perform set_config('hub.actor_id', 'user_2hubsales0000000000000006', true), set_config('hub.actor_kind', 'staff', true);
  update hub.leads set notes = 'in the shadow' where name = 'Ada';
  assert exists (select from hub.team_activities where after ->> 'notes' = 'in the shadow' and row_hash is not null), 'staff wrote without a trail of it';
  perform set_config('hub.actor_id', 'system:by hand', true), set_config('hub.actor_kind', 'system', true);
  update hub.leads set notes = 'in the dark' where name = 'Ada';
  assert pg_temp.drift() ~ 'leads: ', pg_temp.drift();
  perform set_config('hub.erasing', 'on', true);
  perform pg_temp.act('sales');
  assert current_setting('hub.erasing') = '', 'a request erases';
  perform set_config('role', 'none', true);
end
$$;
