-- A-1, L-1, L-2: DDL: no table without row-level security commits, no month is dropped early, each command is recorded.

-- Returns the outcome of a command when its transaction would commit.
create function pg_temp.committed(command text) returns text language plpgsql as $$
begin
  execute command;
  set constraints all immediate;
  raise sqlstate 'TT000' using message = 'done';
exception
  when sqlstate 'TT000' then return sqlerrm;
  when others then return sqlerrm;
end
$$;
-- Returns the commands and objects that a command left in the audit log.
create function pg_temp.recorded(command text) returns text language plpgsql as $$
declare
  last bigint := (select max(id) from hub.team_activities);
  told text;
begin
  execute command;
  select string_agg(format('%s %s: %s by %s', a.action, a.entity, a.after ->> 'command', a.entity_id), ', ' order by a.entity_id) into told
    from hub.team_activities a where a.id > coalesce(last, 0) and a.out_of_band and a.actor_id = 'sql:' || session_user
      and a.values_hash = hub_private.values_hash(a.salt, null, a.after);
  raise sqlstate 'TT000' using message = coalesce(told, 'nothing');
exception
  when sqlstate 'TT000' then return sqlerrm;
end
$$;

do $$
declare
  refused text;
  command text;
  secured constant text := '; alter table hub.x enable row level security; alter table hub.x force row level security';
begin
  foreach command in array array['create table hub.x (id integer)', 'create table hub.x as select 1 as id',
    'create table public.x (id integer); alter table public.x set schema hub', 'create table hub.x (id integer); alter table hub.x enable row level security',
    'create table hub.x (id integer)' || secured || '; alter table hub.x disable row level security'] loop
    refused := pg_temp.committed(command);
    assert refused = 'hub.x has no row-level security', format('%s: %s', command, refused);
  end loop;
  foreach command in array array['alter table hub.leads disable row level security', 'alter table hub.leads no force row level security'] loop
    refused := pg_temp.committed(command);
    assert refused = 'hub.leads has no row-level security', format('%s: %s', command, refused);
  end loop;
  assert pg_temp.committed('create table hub_private.y (id integer)') = 'hub_private.y has no row-level security';
  foreach command in array array['create table hub.x (id integer)' || secured, 'create table hub.x as select 1 as id' || secured, 'create table hub.x (id integer); drop table hub.x',
    'create table public.x (id integer)', 'create temporary table x (id integer)', 'alter table hub.leads add column more text'] loop
    refused := pg_temp.committed(command);
    assert refused = 'done', format('%s: %s', command, refused);
  end loop;
  assert not exists (select from hub_private.tables_to_check), 'something is left';
  -- In replica mode too.
  perform set_config('session_replication_role', 'replica', true);
  assert pg_temp.committed('create table hub.x (id integer)') = 'hub.x has no row-level security';
  perform set_config('session_replication_role', 'origin', true);
end
$$;

do $$
declare
  this text := 'hub_private.team_activities_' || to_char(now() at time zone 'utc', 'YYYY_MM');
  last text := (select max(c.oid::regclass::text) from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'hub.team_activities'::regclass);
  wanted constant text := 'a month of team_activities stays until its last day is 24 months old (L-2)';
  command text;
  found text;
begin
  foreach command in array array['drop table ' || this, 'alter table hub.team_activities detach partition ' || this, 'drop table hub.team_activities cascade',
    format('alter table %s rename to gone; drop table hub_private.gone', this),
    format('alter table %s set schema public; drop table public.%s', this, split_part(this, '.', 2)),
    -- A name does not determine the age.
    format('alter table %s rename to team_activities_2000_01; select hub_private.retire_months(), hub_private.retire_months(); drop table hub_private.team_activities_2000_01', this)] loop
    found := pg_temp.committed(command);
    assert found = wanted, format('%s: %s', command, found);
  end loop;
  assert pg_temp.committed('drop table ' || last) = 'done', 'a month to come, with nothing in it';
  perform set_config('role', 'postgres', true);
  perform hub_private.make_partitions(0, now() - interval '26 months'), hub_private.make_partitions(0, now() - interval '24 months');
  perform set_config('role', 'none', true);
  assert pg_temp.committed('drop table hub_private.team_activities_' || to_char(now() at time zone 'utc' - interval '26 months', 'YYYY_MM')) = 'done';
  assert pg_temp.committed('drop table hub_private.team_activities_' || to_char(now() at time zone 'utc' - interval '24 months', 'YYYY_MM')) = wanted;
  insert into hub.team_activities (occurred_at, actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, salt, values_hash)
  values (to_timestamp(right(last, 7) || ' +00', 'YYYY_MM TZH'), 'system:test', 'system', 'system', 'test', 'export', 'leads', '', '\x00', '\x00');
  assert pg_temp.committed('drop table ' || last) = wanted, 'a month to come with a row in it';
end
$$;

do $$
declare
  pair text[];
  found text;
begin
  perform set_config('hub.actor_id', '', true), set_config('hub.actor_kind', '', true);
  foreach pair slice 1 in array array[
    array['alter table hub.leads disable trigger record_activity', 'ddl leads: ALTER TABLE by hub.leads'],
    array['alter table hub.leads disable row level security', 'ddl leads: ALTER TABLE by hub.leads'],
    array['drop trigger touch on hub.leads', 'ddl leads: DROP TRIGGER by touch on hub.leads'],
    array['drop policy leads_staff_select on hub.leads', 'ddl leads: DROP POLICY by leads_staff_select on hub.leads'],
    array['alter policy leads_staff_select on hub.leads using (true)', 'ddl leads: ALTER POLICY by leads_staff_select on hub.leads'],
    array['grant select on hub.leads to anon', 'ddl leads: GRANT by hub.leads'],
    array['revoke select (id) on hub.leads from hub_staff', 'ddl leads: REVOKE by hub.leads'],
    array['grant execute on function hub_private.touch() to anon', 'ddl touch: GRANT by hub_private.touch()'],
    array['grant usage on schema hub to anon', 'ddl hub: GRANT by hub'],
    array['alter default privileges for role postgres in schema hub grant select on tables to anon', 'ddl what: ALTER DEFAULT PRIVILEGES by hub.what postgres makes (r)'],
    array['alter function hub_private.touch() security definer', 'ddl touch: ALTER FUNCTION by hub_private.touch()'],
    array['create view hub.everything as select 1 as one', 'ddl everything: CREATE VIEW by hub.everything'],
    array['alter table hub.leads rename column notes to memo', 'ddl leads: ALTER TABLE by hub.leads.memo'],
    array['comment on table hub.leads is ''x''', 'nothing'],
    array['create table public.x (id integer); grant select on public.x to anon; drop table public.x', 'nothing']] loop
    found := pg_temp.recorded(pair[1]);
    assert found = pair[2], format('%s: %s', pair[1], found);
  end loop;
  -- DDL is reported among the changes that bypassed the Hub, and is rejected if it cannot be recorded.
  perform hub_private.check_out_of_band();
  alter table hub.leads disable trigger touch;
  assert hub_private.check_out_of_band() -> 'findings' @> jsonb_build_array(jsonb_build_object('action', 'ddl', 'entity', 'leads', 'login_role', session_user)), 'not seen';
  begin
    alter table hub.team_activities add constraint nothing_more check (action <> 'ddl') not valid;
    raise exception 'a change went unrecorded';
  exception when check_violation then
    null;
  end;
end
$$;
