-- L-1, L-2: team_activities is written by the trigger alone, contains the changes, and is append-only.
select pg_temp.grid(
  $$select id from hub.team_activities where action <> 'ddl'$$,
  $$insert into hub.team_activities (actor_id) values ('x')$$,
  $$update hub.team_activities set actor_id = 'x'$$,
  'delete from hub.team_activities',
  array[
    'visitor       denied denied denied denied',
    'alice         denied denied denied denied',
    'admin         15     denied denied denied',
    'sales         0      denied denied denied',
    'support       0      denied denied denied',
    'system        denied denied denied denied',
    'hub_nobody    denied denied denied denied',
    'service_role  denied denied denied denied']);

do $$
declare
  lead uuid := (select id from hub.leads where name = 'Ada');
  row hub.team_activities;
  before_count bigint;
begin
  -- Update: the changed columns only, before and after.
  perform pg_temp.act('sales');
  update hub.leads set status = 'contacted', notes = 'called', source = source where id = lead;
  perform set_config('role', 'none', true);
  select * into row from hub.team_activities order by id desc limit 1;
  assert (row.actor_id, row.actor_role, row.session_id, row.database_role) = ('user_2hubsales0000000000000006', 'sales', 'sess_2hubsales0000000000000006', 'hub_staff'), row;
  assert (row.action, row.entity, row.entity_id) = ('update', 'leads', lead::text), row;
  assert row.before = '{"status": "new", "notes": null}' and row.after = '{"status": "contacted", "notes": "called"}', row;
  assert row.request_id = (current_setting('request.headers')::jsonb ->> 'x-request-id'), row;

  -- The hash can be recomputed from its own description alone, and each row has a new salt.
  assert row.values_hash = sha256(row.salt || convert_to(row.before::text, 'UTF8') || '\x00' || convert_to(row.after::text, 'UTF8')), 'values_hash';
  assert length(row.salt) = 32 and (select count(distinct salt) = count(*) from hub.team_activities), 'salt';

  -- No change, no row; also not if only updated_at would change.
  select count(*) into before_count from hub.team_activities;
  perform pg_temp.act('sales');
  update hub.leads set status = status where id = lead;
  perform set_config('role', 'none', true);
  assert before_count = (select count(*) from hub.team_activities), 'a no-op left a row';

  -- Delete: the whole row before, nothing after.
  perform pg_temp.act('admin');
  delete from hub.leads where id = lead;
  perform set_config('role', 'none', true);
  select * into row from hub.team_activities order by id desc limit 1;
  assert row.action = 'delete' and row.before ->> 'name' = 'Ada' and row.after is null, row;

  -- A customer's own write leaves a row with that kind: after a change by any actor, the row's last hash is in the
  -- audit log.
  perform pg_temp.act('alice');
  update hub.contact_tickets set status = 'closed';
  perform set_config('role', 'none', true);
  select * into row from hub.team_activities order by id desc limit 1;
  assert (row.actor_id, row.actor_kind, row.actor_role) = ('user_2hubalice0000000000000001', 'customer', 'customer'), row;
  assert row.after = '{"status": "closed"}' and row.row_hash is not null, row;

  -- A cascade leaves a row for each row it removes.
  perform pg_temp.act('admin');
  delete from hub.contact_tickets where subject = 'Of Acme';
  perform set_config('role', 'none', true);
  assert (select count(*) from hub.team_activities where action = 'delete' and entity = 'ticket_messages') = 3, 'cascade';
end
$$;

-- A write without an actor is rejected, with any privilege: the superuser's too, in replica mode too.
do $$
declare
  statement text;
  mode text;
begin
  perform set_config('hub.actor_id', '', true), set_config('hub.actor_kind', '', true);
  foreach mode in array array['origin', 'replica', 'local'] loop
    perform set_config('session_replication_role', mode, true);
    foreach statement in array array[$q$insert into hub.leads (name, email) values ('x', 'x@y.z')$q$, $q$update hub.leads set notes = 'x'$q$, 'delete from hub.leads',
      $q$update hub.contact_tickets set subject = 'x'$q$, 'delete from hub.chat_messages'] loop
      begin
        execute statement;
        raise exception 'mode %: "%" went through without an actor', mode, statement;
      exception when insufficient_privilege then
        null;
      end;
    end loop;
  end loop;
  -- An actor in replica mode is recorded all the same.
  perform set_config('session_replication_role', 'origin', true);
  perform pg_temp.act('sales');
  perform set_config('role', 'none', true), set_config('session_replication_role', 'replica', true);
  update hub.leads set notes = 'in replica mode';
  assert exists (select from hub.team_activities where after ->> 'notes' = 'in replica mode'), 'replica mode silenced the trail';
  perform set_config('session_replication_role', 'origin', true);
end
$$;

-- TRUNCATE is rejected for the superuser, alone, with cascade and of a partition.
do $$
declare
  statement text;
  partition text := (select c.oid::regclass::text from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'hub.team_activities'::regclass limit 1);
begin
  foreach statement in array array['truncate hub.leads', 'truncate hub.contact_tickets cascade', 'truncate hub.team_activities', 'truncate hub.request_log',
    'truncate hub.revoked_sessions', 'truncate ' || partition] loop
    begin
      execute statement;
      raise exception '"%" went through', statement;
    exception when insufficient_privilege then
      null;
    end;
  end loop;
end
$$;

-- Append-only for the superuser too, through the table and through a partition; an erasure of values is the one
-- exception.
do $$
declare
  partition text := (select tableoid::regclass::text from hub.team_activities limit 1);
  statement text;
  first bigint := (select min(id) from hub.team_activities);
  row hub.team_activities;
begin
  foreach statement in array array[
    'update hub.team_activities set actor_id = ''x''', 'delete from hub.team_activities', 'update ' || partition || ' set after = null', 'delete from ' || partition,
    'update hub.team_activities set before = null, after = null, salt = null',
    'update hub.team_activities set before = null, after = null, salt = null, row_hash = null, reason = null, filter = null, erased_at = now()',
    'update hub.team_activities set after = ''{}'', before = null, salt = null, erased_at = now()'] loop
    begin
      execute statement;
      raise exception '"%" went through', statement;
    exception when insufficient_privilege then
      null;
    end;
  end loop;
  perform set_config('hub.erasing', 'on', true);
  foreach statement in array array[
    'update hub.team_activities set before = null, after = null, salt = null, row_hash = null, reason = null, filter = null, erased_at = now(), action = ''delete''',
    'update hub.team_activities set before = null, after = null, salt = null, row_hash = null, reason = null, filter = null, erased_at = now(), actor_id = ''user_2hubsomebodyelse0000000''',
    'update hub.team_activities set after = ''{}'', before = null, salt = null, erased_at = now()', 'delete from hub.team_activities'] loop
    begin
      execute statement;
      raise exception '"%" went through', statement;
    exception when insufficient_privilege then
      null;
    end;
  end loop;
  update hub.team_activities set before = null, after = null, salt = null, row_hash = null, reason = null, filter = null, erased_at = now(), actor_id = 'erased_1' where id = first;
  select * into row from hub.team_activities where id = first;
  assert row.values_hash is not null and row.actor_id is not null and row.after is null, row;
  begin
    update hub.team_activities set erased_at = null where id = first;
    raise exception 'an erasure was taken back';
  exception when insufficient_privilege then
    null;
  end;
  perform set_config('hub.erasing', '', true);
end
$$;
