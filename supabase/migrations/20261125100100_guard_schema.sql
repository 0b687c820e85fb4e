-- What changes the schema is watched: a table without row-level security does not commit (A-1, C6), a month of the trail does not
-- go before its time (L-2), and whoever alters what the promises stand on leaves a row of the trail (L-1, A3).

alter table hub.team_activities drop constraint team_activities_action_known,
  add constraint team_activities_action_known
    check (action in ('insert', 'update', 'delete', 'read', 'list', 'export', 'erase', 'baseline', 'ddl'));
comment on column hub.team_activities.action is
  'insert, update, delete; read (one record), list, export; erase; baseline (the hash of a row whose last change left the trail); ddl (command and object of a change of the schema).';

-- Row-level security is no part of CREATE TABLE, so it is asked for when the transaction commits: the table's number waits here for
-- a trigger that is deferred until then. The row is gone when the question is answered, so none ever commits.
create table hub_private.tables_to_check (
  relation oid not null
);
comment on table hub_private.tables_to_check is 'Tables that this transaction made or altered; empty for everybody else.';
comment on column hub_private.tables_to_check.relation is 'pg_class.oid.';
alter table hub_private.tables_to_check enable row level security;
alter table hub_private.tables_to_check force row level security;
create trigger refuse_truncate before truncate on hub_private.tables_to_check for each statement execute function hub_private.refuse_truncate();
alter table hub_private.tables_to_check enable always trigger refuse_truncate;

create function hub_private.check_table() returns trigger
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  name text;
begin
  delete from hub_private.tables_to_check t where t.relation = new.relation;
  select format('%I.%I', n.nspname, c.relname) into name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = new.relation and n.nspname in ('hub', 'hub_private') and not (c.relrowsecurity and c.relforcerowsecurity);
  if name is not null then
    raise insufficient_privilege using message = format('%s has no row-level security', name),
      detail = 'A-1: every table of the Hub has it enabled and forced when its transaction commits.',
      hint = format('In the same transaction: alter table %1$s enable row level security; alter table %1$s force row level security; then a policy for each verb that is granted.', name);
  end if;
  return null;
end
$$;
comment on function hub_private.check_table() is 'Refuses to commit a table without row-level security.';
create constraint trigger check_table after insert on hub_private.tables_to_check deferrable initially deferred
  for each row execute function hub_private.check_table();
alter table hub_private.tables_to_check enable always trigger check_table;

-- The months that must stay: every one but those that are over by 24 months, by the real clock, and those to come with nothing in them.
create function hub_private.months_to_keep() returns oid[]
  language sql volatile set search_path = ''
begin atomic
  with month as (
    select i.inhrelid as id, (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz as begins,
      (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz as ends
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid where i.inhparent = to_regclass('hub.team_activities')
  )
  select coalesce(array_agg(m.id), '{}') from month m
  where not coalesce(m.ends + interval '24 months' <= clock_timestamp(), false)
    and not (coalesce(m.begins > clock_timestamp(), false)
      and m.id not in (select a.tableoid from hub.team_activities a where a.occurred_at > clock_timestamp()));
end;
comment on function hub_private.months_to_keep() is 'The partitions of team_activities that nobody drops or detaches today.';

create function hub_private.check_months() returns void
  language plpgsql volatile set search_path = ''
as $$
begin
  if exists (select from unnest(nullif(current_setting('hub.months_to_keep', true), '')::oid[]) as m (id) where not exists (
    select from pg_catalog.pg_inherits i where i.inhrelid = m.id and i.inhparent = to_regclass('hub.team_activities') and not i.inhdetachpending))
  then
    raise insufficient_privilege using message = 'a month of team_activities stays until its last day is 24 months old (L-2)';
  end if;
end
$$;
comment on function hub_private.check_months() is 'Refuses a command that took a month of the trail away.';

-- GRANT and REVOKE do not say what they were about, so all rights are compared.
create function hub_private.rights() returns jsonb
  language sql stable set search_path = ''
begin atomic
  with space as (select n.oid, n.nspname, n.nspacl from pg_catalog.pg_namespace n where n.nspname in ('hub', 'hub_private'))
  select coalesce(jsonb_object_agg(r.name, r.acl), '{}') from (
    select s.nspname::text as name, s.nspacl::text as acl from space s
    union all
    select format('%I.%I', s.nspname, c.relname), concat_ws(' ', c.relacl::text, (select string_agg(a.attname || a.attacl::text, ' ' order by a.attnum)
      from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attacl is not null)) from pg_catalog.pg_class c join space s on s.oid = c.relnamespace
    union all
    select format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.proacl::text
    from pg_catalog.pg_proc p join space s on s.oid = p.pronamespace
    union all
    select format('%s.what %s makes (%s)', s.nspname, d.defaclrole::regrole, d.defaclobjtype), d.defaclacl::text
    from pg_catalog.pg_default_acl d join space s on s.oid = d.defaclnamespace
  ) r;
end;
comment on function hub_private.rights() is 'Everybody''s rights on everything of the Hub.';

-- No handler of errors: a change of the schema that cannot be recorded does not happen. Where the trail itself is what is broken, the
-- command that mends it can be recorded again; failing that, a superuser disables the event trigger, and the catalog check says so.
create function hub_private.record_ddl(command text, identity text) returns void
  language plpgsql volatile set search_path = ''
as $$
declare
  after jsonb := jsonb_build_object('command', command, 'object', identity);
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
  kind text := coalesce(hub_private.actor_kind(), 'system');
begin
  insert into hub.team_activities (actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, reason, after, salt, values_hash,
    request_id, route)
  values (coalesce(hub_private.actor_id(), 'sql:' || session_user), kind, coalesce(hub_private.staff_role(), kind), nullif(current_setting('hub.actor_name', true), ''),
    nullif(current_setting('hub.session_id', true), ''), current_setting('role'), 'ddl',
    coalesce(nullif(substring(identity from '(?:^| on )(?:hub|hub_private)\.?([^.( ]*)'), ''), identity), identity, hub_private.reason(), after, salt,
    hub_private.values_hash(salt, null, after), nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''));
end
$$;
comment on function hub_private.record_ddl(text, text) is 'Writes the row of a change of the schema.';

-- Definers, since whoever may alter a table need not be able to write the trail.
create function hub_private.before_ddl() returns event_trigger
  language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- It commits halfway, so that afterwards is too late. It runs in no block and no function, so its own words are the query.
  if tg_tag = 'ALTER TABLE' and current_query() ~* 'detach.*team_activities.*concurrently' then
    raise insufficient_privilege using message = 'a month of team_activities is not detached concurrently (L-2)';
  end if;
  -- What may take a month away; the rest need not wait for the trail's locks.
  perform set_config('hub.months_to_keep', case when tg_tag ~ '^(DROP|ALTER) ' then hub_private.months_to_keep()::text else '' end, true),
    set_config('hub.rights', case when tg_tag in ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES') then hub_private.rights()::text else '' end, true);
end
$$;
comment on function hub_private.before_ddl() is 'Notes what a command must leave as it is, and what it may change.';

create function hub_private.after_ddl() returns event_trigger
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  rights jsonb := nullif(current_setting('hub.rights', true), '')::jsonb;
  made record;
begin
  perform hub_private.check_months();
  for made in
    select distinct d.command_tag, d.object_type, d.objid, d.object_identity from pg_event_trigger_ddl_commands() d
    where d.object_identity ~ '(^| on )(hub|hub_private)(\.|$)' and d.command_tag <> 'COMMENT'
  loop
    if made.object_type = 'table' then
      insert into hub_private.tables_to_check (relation) values (made.objid);
    end if;
    perform hub_private.record_ddl(made.command_tag, made.object_identity);
  end loop;
  if rights is not null then
    perform hub_private.record_ddl(tg_tag, coalesce(b.key, n.key)) from jsonb_each_text(rights) b
      full join jsonb_each_text(hub_private.rights()) n on n.key = b.key where n.value is distinct from b.value;
  end if;
end
$$;
comment on function hub_private.after_ddl() is 'Keeps the months of the trail, has new tables checked, and records what was changed.';

create function hub_private.after_drop() returns event_trigger
  language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform hub_private.check_months();
  perform hub_private.record_ddl(tg_tag, d.object_identity) from pg_event_trigger_dropped_objects() d
    where d.original and d.address_names[1] in ('hub', 'hub_private');
end
$$;
comment on function hub_private.after_drop() is 'Keeps the months of the trail, and records what was dropped.';

-- PostgreSQL lets superusers alone make event triggers; Supabase's supautils lets its role postgres. So it is a function, which
-- somebody who may can call again.
create function hub_private.guard_schema() returns void
  language plpgsql volatile set search_path = ''
as $$
declare
  wanted record;
begin
  for wanted in select * from (values ('hub_before_ddl', 'ddl_command_start', 'before_ddl'), ('hub_after_ddl', 'ddl_command_end', 'after_ddl'),
    ('hub_after_drop', 'sql_drop', 'after_drop')) as w (name, event, called)
  loop
    if not exists (select from pg_catalog.pg_event_trigger e where e.evtname = wanted.name) then
      execute format('create event trigger %I on %s execute function hub_private.%I()', wanted.name, wanted.event, wanted.called);
    end if;
    if exists (select from pg_catalog.pg_event_trigger e where e.evtname = wanted.name and e.evtenabled <> 'A') then
      execute format('alter event trigger %I enable always', wanted.name);
    end if;
  end loop;
end
$$;
comment on function hub_private.guard_schema() is 'Makes the event triggers; a second call changes nothing.';

revoke execute on all functions in schema hub, hub_private from public;

do $$
begin
  perform hub_private.guard_schema();
exception when insufficient_privilege then
  raise notice 'event triggers cannot be made here: a superuser calls hub_private.guard_schema()';
end
$$;
