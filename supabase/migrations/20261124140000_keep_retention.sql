-- Retention (L-2): a month of the trail goes when its last row is 24 months old, and no later than a month after; what a live row
-- still needs for its proof is carried on. Request rows are kept for a year.

create table hub.checks (
  id bigint generated always as identity constraint checks_pkey primary key,
  ran_at timestamptz not null default clock_timestamp(),
  name text not null constraint checks_name_known check (name in ('drift', 'out_of_band', 'retention')),
  passed boolean not null,
  looked_at bigint not null,
  findings jsonb not null default '[]',
  took_ms integer not null
);
comment on table hub.checks is 'What the nightly checks found, and what retention removed.';
comment on column hub.checks.id is 'Key.';
comment on column hub.checks.ran_at is 'When it ended.';
comment on column hub.checks.name is 'drift, out_of_band, retention.';
comment on column hub.checks.passed is 'Whether nothing was found.';
comment on column hub.checks.looked_at is 'How many things were looked at: objects, rows, partitions.';
comment on column hub.checks.findings is 'What was found, at most 100; for retention what was dropped.';
comment on column hub.checks.took_ms is 'How long it took.';
create index checks_name on hub.checks (name, id desc);
alter table hub.checks enable row level security;
alter table hub.checks force row level security;
grant select (id, ran_at, name, passed, looked_at, findings, took_ms) on hub.checks to hub_staff;
create policy checks_staff_select on hub.checks for select to hub_staff using ((select hub_private.staff_role()) = 'admin');
create trigger refuse_truncate before truncate on hub.checks for each statement execute function hub_private.refuse_truncate();
alter table hub.checks enable always trigger refuse_truncate;

create function hub_private.refuse_any_change() returns trigger
  language plpgsql volatile set search_path = ''
as $$
begin
  if current_setting('hub.erasing', true) = 'on' and tg_op = 'UPDATE' then
    return new;
  end if;
  raise insufficient_privilege using message = tg_table_name || ' is append-only';
end
$$;
comment on function hub_private.refuse_any_change() is 'Keeps what was found.';
create trigger refuse_change before update or delete on hub.checks for each row execute function hub_private.refuse_any_change();
alter table hub.checks enable always trigger refuse_change;

create function hub_private.record_check(name text, looked_at bigint, findings jsonb, began timestamptz) returns jsonb
  language sql volatile set search_path = ''
begin atomic
  insert into hub.checks (name, passed, looked_at, findings, took_ms)
  values (record_check.name, record_check.name = 'retention' or record_check.findings = '[]', record_check.looked_at, record_check.findings,
    extract(epoch from clock_timestamp() - began) * 1000)
  returning jsonb_build_object('name', name, 'passed', passed, 'looked_at', looked_at, 'findings', findings, 'took_ms', took_ms);
end;
comment on function hub_private.record_check(text, bigint, jsonb, timestamptz) is 'Stores what a check found.';

-- The tables whose rows carry a proof: every one whose changes are recorded, whoever makes them.
create function hub_private.audited_tables() returns setof regclass
  language sql stable set search_path = ''
begin atomic
  select t.tgrelid::regclass from pg_catalog.pg_trigger t
  where t.tgfoid = 'hub_private.record_activity()'::regprocedure and t.tgqual is null and t.tgparentid = 0
  order by t.tgrelid::regclass::text;
end;
comment on function hub_private.audited_tables() is 'The tables whose every change is recorded.';

-- A row that nobody changed for two years has its last hash in the month that goes: it is written anew, if it still holds.
create function hub_private.carry_over(month regclass) returns bigint
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  entity regclass;
  carried bigint := 0;
  more bigint;
begin
  for entity in select * from hub_private.audited_tables() loop
    execute format($q$
      with kept as (
        select r.id::text as entity_id, to_jsonb(r) as state, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt
        from %1$s a join %2$s r on r.id = a.entity_id::uuid
        where a.entity = %3$L and a.action in ('insert', 'update', 'baseline') and a.row_hash = hub_private.row_hash(a.salt, to_jsonb(r))
          and a.id = (select max(l.id) from hub.team_activities l where l.entity_id = a.entity_id and l.entity = a.entity
            and l.action in ('insert', 'update', 'delete', 'baseline'))
      )
      insert into hub.team_activities (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, owner_id, salt, values_hash, row_hash, internal)
      select 'system:retention', 'system', 'system', current_user, 'baseline', %3$L, entity_id, state ->> 'owner_id', salt,
        hub_private.values_hash(salt, null, null), hub_private.row_hash(salt, state), coalesce((state ->> 'internal')::boolean, false)
      from kept$q$, month, entity, (select c.relname from pg_catalog.pg_class c where c.oid = entity));
    get diagnostics more = row_count;
    carried := carried + more;
  end loop;
  return carried;
end
$$;
comment on function hub_private.carry_over(regclass) is 'Writes anew the last hashes of rows that outlive a month of the trail.';

-- Drops the months whose last row is 24 months old at a time that is not to come. `at` is for the tests; the event trigger that
-- guards the partitions asks the real clock.
create function hub_private.retire_months(at timestamptz default now()) returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began timestamptz := clock_timestamp();
  month record;
  dropped jsonb := '[]';
  rows_dropped bigint;
  carried bigint;
  looked_at bigint := 0;
begin
  if at > now() then
    raise exception 'nothing is retired before its time';
  end if;
  for month in
    select c.oid::regclass as name, c.relname, to_timestamp(right(c.relname, 7) || ' +00', 'YYYY_MM TZH') + interval '1 month' as ends
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'hub.team_activities'::regclass order by c.relname
  loop
    looked_at := looked_at + 1;
    continue when month.ends + interval '24 months' > at;
    carried := hub_private.carry_over(month.name);
    execute format('select count(*) from %s', month.name) into rows_dropped;
    execute format('drop table %s', month.name);
    dropped := dropped || jsonb_build_object('partition', month.relname, 'rows', rows_dropped, 'carried_over', carried);
  end loop;
  return hub_private.record_check('retention', looked_at, dropped, began);
end
$$;
comment on function hub_private.retire_months(timestamptz) is 'Drops the months of the trail that are over by 24 months, and records it.';

drop function hub_private.make_partitions(integer);
create function hub_private.make_partitions(months integer, at timestamptz default now()) returns integer
  language plpgsql volatile set search_path = ''
as $$
declare
  first date := date_trunc('month', at at time zone 'utc');
  month date;
  name text;
  made integer := 0;
begin
  for step in 0..months loop
    month := first + make_interval(months => step);
    name := 'team_activities_' || to_char(month, 'YYYY_MM');
    continue when to_regclass('hub_private.' || name) is not null;
    execute format('create table hub_private.%I partition of hub.team_activities for values from (%L) to (%L)',
      name, month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
    execute format('alter table hub_private.%I enable row level security', name);
    execute format('alter table hub_private.%I force row level security', name);
    execute format('alter table hub_private.%I enable always trigger refuse_change', name);
    execute format('create trigger refuse_truncate before truncate on hub_private.%I for each statement execute function hub_private.refuse_truncate()', name);
    execute format('alter table hub_private.%I enable always trigger refuse_truncate', name);
    made := made + 1;
  end loop;
  return made;
end
$$;
comment on function hub_private.make_partitions(integer, timestamptz) is 'Makes the monthly partitions of team_activities from a month on; gives how many were new.';

create or replace function hub_private.keep_house() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  made integer := hub_private.make_partitions(24);
  forgotten integer;
  messages integer;
  requests integer;
  retired jsonb := hub_private.retire_months();
begin
  -- A revocation that ran out still tells an overtaken message from a new one, so it is kept as long as the messages are.
  delete from hub.revoked_sessions where expires_at < now() - interval '30 days';
  get diagnostics forgotten = row_count;
  delete from hub.webhook_messages where received_at < now() - interval '30 days';
  get diagnostics messages = row_count;
  -- A day's worth at a time is what there is to remove; the bound keeps a first run after a long pause short.
  delete from hub.request_log where id in (select id from hub.request_log where occurred_at < now() - interval '12 months' order by occurred_at limit 200000);
  get diagnostics requests = row_count;
  return jsonb_build_object('partitions_made', made, 'revocations_forgotten', forgotten, 'messages_forgotten', messages, 'requests_forgotten', requests,
    'retired', retired);
end
$$;
comment on function hub_private.keep_house() is 'Makes partitions ahead; retires months of the trail; forgets revocations and messages after 30 days, requests after 12 months.';

revoke execute on all functions in schema hub, hub_private from public;
