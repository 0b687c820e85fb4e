-- A-2, L-1, R-3: every column has a class, and the audit log and an erasure follow a class that is added.
do $$
declare
  alice constant text := 'user_2hubalice0000000000000001';
  acme constant text := 'org_2hubacme00000000000000001';
  ticket uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
  fresh uuid := gen_random_uuid();
  last_id bigint := (select max(id) from hub.team_activities);
  found text;
  seen text;
begin
  select string_agg(f.object || ' ' || f.finding, ', ') into found from hub_private.column_findings() f;
  assert found is null, found;

  -- A column that the client alone reads and writes.
  alter table hub.contact_tickets add column own_reference text;
  grant select (own_reference), update (own_reference) on hub.contact_tickets to hub_customer;
  select string_agg(f.object || ' ' || f.finding, ', ') into found from hub_private.column_findings() f;
  assert found = 'hub.contact_tickets.own_reference has no class', found;
  insert into hub_private.column_classes (table_name, column_name, erasure, sensitive, free_text, customer_only)
  values ('contact_tickets', 'own_reference', 'scrubbed', false, true, true);
  select string_agg(f.object || ' ' || f.finding, ', ') into found from hub_private.column_findings() f;
  assert found is null, found;
  assert (select t.tgenabled = 'A' and cardinality(string_to_array(encode(t.tgargs, 'escape'), '\000')) = 2 from pg_trigger t
    where t.tgrelid = 'hub.contact_tickets'::regclass and t.tgname = 'record_activity'), 'the audit trigger remains enabled always';

  perform pg_temp.act('alice');
  update hub.contact_tickets set own_reference = 'PO-secret-1', subject = 'Of Acme, again' where id = ticket;
  update hub.contact_tickets set own_reference = 'PO-secret-2' where id = ticket;
  perform set_config('role', 'none', true), set_config('hub.actor_id', 'system:test', true), set_config('hub.actor_kind', 'system', true);
  insert into hub.contact_tickets (id, owner_id, author_id, subject, own_reference) values (fresh, acme, alice, 'Imported', 'PO-secret-3');
  perform pg_temp.act('admin');
  delete from hub.contact_tickets where id = fresh;
  -- Everything that an admin reads of these changes.
  select string_agg(concat_ws(' ', a.action, a.before, a.after, a.reason, a.filter), E'\n' order by a.id), count(*)::text into seen, found
    from hub.team_activities a where a.id > last_id and a.action <> 'ddl';
  perform set_config('role', 'none', true);
  assert found = '4', 'each change leaves its row: ' || found;
  assert position('own_reference' in seen) = 0 and position('PO-secret' in seen) = 0, seen;
  assert position('Of Acme, again' in seen) > 0 and position('Imported' in seen) > 0, seen;
  assert (select count(*) from hub_private.find_drift()) = 0, 'the hash of a row covers the column';
  alter table hub.contact_tickets disable trigger record_activity;
  update hub.contact_tickets set own_reference = 'PO-secret-4' where id = ticket;
  alter table hub.contact_tickets enable always trigger record_activity;
  assert (select count(*) from hub_private.find_drift() f where f.entity_id = ticket::text) = 1, 'a change without a row is found';

  -- The grant of such a column to staff is found, and so is a trigger that no longer leaves it out.
  grant select (own_reference) on hub.contact_tickets to hub_staff;
  create or replace trigger record_activity after insert or update or delete on hub.contact_tickets for each row execute function hub_private.record_activity();
  select string_agg(f.object || ' ' || f.finding, ', ' order by f.object desc) into found from hub_private.column_findings() f;
  assert found = 'hub.contact_tickets.own_reference is for the client alone, but granted to hub_staff, '
    'hub.contact_tickets its audit trigger does not leave out the columns that are for the client alone', found;
  revoke select (own_reference) on hub.contact_tickets from hub_staff;

  -- Without its class the column is in the audit log as any other, and the missing class is found.
  delete from hub_private.column_classes where column_name = 'own_reference';
  perform pg_temp.act('alice');
  update hub.contact_tickets set own_reference = 'seen' where id = ticket;
  perform set_config('role', 'none', true);
  assert (select a.after from hub.team_activities a order by a.id desc limit 1) = '{"own_reference": "seen"}', 'not redacted';
end
$$;

-- An erasure follows the classes: of a column of a log, of one that identifies no one, and of one that has none yet.
do $$
declare
  alice constant text := 'user_2hubalice0000000000000001';
  ticket uuid := (select id from hub.contact_tickets where subject like 'Of Acme%');
  found text;
begin
  alter table hub.team_activities add column remark text;
  alter table hub.request_log add column device text;
  alter table hub.contact_tickets add column label text, add column unclassified text;
  insert into hub_private.column_classes (table_name, column_name, erasure, sensitive, free_text, customer_only) values
    ('team_activities', 'remark', 'emptied', false, true, false),
    ('request_log', 'device', 'emptied', false, false, false),
    ('contact_tickets', 'label', 'kept', false, false, false);
  perform pg_temp.act('support');
  perform set_config('role', 'none', true);
  update hub.contact_tickets set label = 'Alice Liddell', unclassified = 'for Alice Liddell', priority = 'low' where id = ticket;
  insert into hub.team_activities (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, owner_id, salt, values_hash, remark)
    values ('system:test', 'system', 'system', 'hub_system', 'list', 'leads', '', 'org_2hubacme00000000000000001', '\x01', '\x01', 'a call of Alice Liddell');
  insert into hub.request_log (request_id, method, route, who, actor_id, outcome, device) values
    ('01ARZ3NDEKTSV4RRFFQ69G5FA6', 'GET', '/rest/v1/x', 'customer', alice, 'allowed', 'a telephone');
  perform pg_temp.act('system');
  perform hub.erase_person(alice, array['Alice Liddell']);
  perform set_config('role', 'none', true);
  assert (select (t.label, t.unclassified) = ('Alice Liddell', 'for [erased]') from hub.contact_tickets t where t.id = ticket),
    (select t.unclassified from hub.contact_tickets t where t.id = ticket);
  assert (select count(*) from hub.team_activities a where a.remark is not null) = 0, 'the column of the audit log is emptied';
  assert (select r.device is null and r.actor_id like 'erased\_%' from hub.request_log r where r.request_id = '01ARZ3NDEKTSV4RRFFQ69G5FA6'), 'the column of the request log is emptied';

  -- Nothing else passes as an erasure.
  perform set_config('hub.erasing', 'on', true);
  begin
    update hub.request_log set device = 'another' where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FA6';
    assert false, 'a log is changed';
  exception when insufficient_privilege then null;
  end;
  begin
    update hub.team_activities set route = 'another', before = null, after = null, salt = null, row_hash = null, reason = null, filter = null, erased_at = now();
    assert false, 'a log is changed';
  exception when insufficient_privilege then null;
  end;
end
$$;

-- The owner of a record that is read follows from the classes: of each table that has one, and of a table that is added.
do $$
declare
  alice constant text := 'user_2hubalice0000000000000001';
  owned record;
  id uuid;
  client text;
  thing uuid := gen_random_uuid();
  remark uuid := gen_random_uuid();
  found text;
begin
  for owned in select k.table_name as name, k.column_name as column from hub_private.column_classes k where k.part = 'owner' order by 1 loop
    execute format('select t.id, t.%I from hub.%I t limit 1', owned.column, owned.name) into strict id, client;
    assert (select r.owner from hub_private.records_of(owned.name, 'key', array[id::text]) r) = client, owned.name;
    assert (select r.rows_there > 0 and r.owner = client from hub_private.records_of(owned.name, 'owner', array[client]) r), owned.name;
    assert not exists (select from hub_private.records_of(owned.name, 'owner', array['user_2hubstranger00000000000009'])), owned.name;
  end loop;
  assert owned.name is not null;

  create table hub.things (id uuid primary key, owner_id text not null);
  create table hub.remarks (id uuid primary key, thing_id uuid not null references hub.things, owner_id text not null, internal boolean not null);
  alter table hub.things owner to postgres;
  alter table hub.remarks owner to postgres;
  insert into hub_private.column_classes (table_name, column_name, erasure, sensitive, free_text, customer_only, part, parent_table) values
    ('things', 'id', 'kept', false, false, false, 'key', null), ('things', 'owner_id', 'pseudonym', false, false, false, 'owner', null),
    ('remarks', 'id', 'kept', false, false, false, 'key', null), ('remarks', 'thing_id', 'kept', false, false, false, 'parent', 'things'),
    ('remarks', 'owner_id', 'pseudonym', false, false, false, 'owner', null), ('remarks', 'internal', 'kept', false, false, false, null, null);
  insert into hub.things values (thing, alice);
  insert into hub.remarks values (remark, thing, alice, true);
  found := (select concat_ws(' ', r.shown_entity, r.shown_id = remark::text, r.owner, r.hidden) from hub_private.records_of('remarks', 'key', array[remark::text]) r);
  assert found = 'remarks t ' || alice || ' t', found;
  found := (select concat_ws(' ', r.shown_entity, r.shown_id = thing::text, r.owner, r.hidden) from hub_private.records_of('remarks', 'conversation', array[remark::text]) r);
  assert found = 'things t ' || alice || ' f', found;
  found := (select concat_ws(' ', r.shown_entity, r.owner, r.rows_there) from hub_private.records_of('things', 'owner', array[alice]) r);
  assert found = 'things ' || alice || ' 1', found;
end
$$;
