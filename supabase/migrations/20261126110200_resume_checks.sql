-- The nightly checks in steps (A-3, L-1): one request of up to 300 seconds ended at a proxy's 100, and its answer with it. A step ends
-- after some 20 seconds, the next one goes on where it stopped, and what was found is stored when a check has seen everything.

create table hub_private.check_progress (
  only_one boolean not null default true constraint check_progress_pkey primary key constraint check_progress_only_one check (only_one),
  started_at timestamptz not null default clock_timestamp(),
  name text not null default 'catalog',
  check_started_at timestamptz not null default clock_timestamp(),
  part integer not null default 0,
  since timestamptz,
  examined bigint not null default 0,
  findings jsonb not null default '[]',
  results jsonb not null default '[]'
);
comment on table hub_private.check_progress is 'The run of the nightly checks that is under way; empty between two runs.';
comment on column hub_private.check_progress.only_one is 'One run at a time.';
comment on column hub_private.check_progress.started_at is 'When the run began.';
comment on column hub_private.check_progress.name is 'The check that is under way.';
comment on column hub_private.check_progress.check_started_at is 'When it began.';
comment on column hub_private.check_progress.part is 'How many parts of it are done.';
comment on column hub_private.check_progress.since is 'From which time on out_of_band looks.';
comment on column hub_private.check_progress.examined is 'How many things were looked at so far.';
comment on column hub_private.check_progress.findings is 'What was found so far.';
comment on column hub_private.check_progress.results is 'What the checks of this run stored that are done.';
alter table hub_private.check_progress enable row level security;
alter table hub_private.check_progress force row level security;
create trigger refuse_truncate before truncate on hub_private.check_progress for each statement execute function hub_private.refuse_truncate();
alter table hub_private.check_progress enable always trigger refuse_truncate;

-- As find_drift() in 20261125110100_erase_person.sql, for the rows of one table whose key lies between two texts; null is no bound. Both
-- sides are compared as texts in one collation, so that each key belongs to one part whatever the collation is.
create function hub_private.find_drift_between(audited regclass, low text, high text) returns table (entity text, entity_id text, finding text)
  language plpgsql stable security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  called text := (select c.relname from pg_catalog.pg_class c where c.oid = audited);
begin
  return query execute format($q$
    with last as (
      select distinct on (a.entity_id) a.entity_id, a.action, a.salt, a.row_hash, a.erased_at
      from hub.team_activities a where a.entity = %1$L and a.action in ('insert', 'update', 'delete', 'baseline')
        and ($1 is null or a.entity_id >= $1) and ($2 is null or a.entity_id < $2)
      order by a.entity_id, a.id desc
    ), row as (
      select r.id::text as id, to_jsonb(r) as state from %2$s r where ($1 is null or r.id::text >= $1) and ($2 is null or r.id::text < $2)
    )
    select %1$L::text, coalesce(r.id, last.entity_id), case
        when last.entity_id is null then 'a row without a trail'
        when r.id is null then 'a row that is gone without a trail'
        when last.action = 'delete' then 'a removed row that is back'
        when last.row_hash is null then 'a row without a proof'
        else 'a row changed past the trail' end
    from last full join row r on r.id = last.entity_id
    where last.entity_id is null
      or (r.id is null and last.action <> 'delete')
      or (r.id is not null and last.action = 'delete')
      or (r.id is not null and (last.row_hash is null
        or last.row_hash is distinct from sha256(last.salt || convert_to(jsonb_strip_nulls(r.state)::text, 'UTF8'))))$q$, called, audited) using low, high;
end
$$;
comment on function hub_private.find_drift_between(regclass, text, text) is 'Rows of one table, between two keys, that are not as their last change left them.';

create or replace function hub_private.find_drift() returns table (entity text, entity_id text, finding text)
  language plpgsql stable security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  audited regclass;
begin
  for audited in select * from hub_private.audited_tables() loop
    return query select * from hub_private.find_drift_between(audited, null, null);
  end loop;
end
$$;

-- One part of 16 of one table: keys by their first digit; the first and the last part have no bound to the outside.
create function hub_private.check_drift_part(part integer, out examined bigint, out findings jsonb, out more boolean)
  language plpgsql stable security definer set search_path = ''
as $$
declare
  digits constant text := '0123456789abcdef';
  tables constant regclass[] := array(select * from hub_private.audited_tables());
  audited constant regclass := tables[part / 16 + 1];
  low constant text := case when part % 16 > 0 then substr(digits, part % 16 + 1, 1) end;
  high constant text := case when part % 16 < 15 then substr(digits, part % 16 + 2, 1) end;
begin
  more := part + 1 < 16 * cardinality(tables);
  execute format('select count(*) from %s r where ($1 is null or r.id::text >= $1) and ($2 is null or r.id::text < $2)', audited) into examined using low, high;
  select coalesce(jsonb_agg(to_jsonb(f)), '[]') into findings from (select * from hub_private.find_drift_between(audited, low, high) limit 100) f;
end
$$;
comment on function hub_private.check_drift_part(integer) is 'Looks for drift in one part of one table; says whether there is another part.';

-- One day, the last one without an end. What other parts found of the same kind is counted together with it.
create function hub_private.check_out_of_band_part(since timestamptz, part integer, until timestamptz, earlier jsonb, out examined bigint, out findings jsonb, out more boolean)
  language plpgsql stable security definer set search_path = ''
as $$
declare
  low constant timestamptz := since + make_interval(days => part);
  high constant timestamptz := case when low + interval '1 day' < until then low + interval '1 day' else 'infinity' end;
begin
  more := high <> 'infinity';
  select count(*) into examined from hub.team_activities a where a.occurred_at >= low and a.occurred_at < high;
  select coalesce(jsonb_agg(to_jsonb(f)), '[]') into findings from (
    select b.finding, b.login_role, b.actor_id, b.entity, b.action, sum(b.rows)::bigint as rows, min(b.first) as first, max(b.last) as last
    from (
      select 'another way than the Hub' as finding, a.login_role, a.actor_id, a.entity, a.action, 1 as rows, a.occurred_at as first, a.occurred_at as last
      from hub.team_activities a where a.out_of_band and a.occurred_at >= low and a.occurred_at < high and a.action <> 'baseline'
      union all
      -- The Hub has an hour to tell how a request ended.
      select g.finding, g.login_role, g.actor_id, g.entity, g.action, 1, g.occurred_at, g.occurred_at
      from hub_private.find_forged(low, least(high, until - interval '1 hour')) g
      union all
      select e.finding, e.login_role, e.actor_id, e.entity, e.action, e.rows, e.first, e.last
      from jsonb_to_recordset(earlier) as e (finding text, login_role text, actor_id text, entity text, action text, rows bigint, first timestamptz, last timestamptz)
    ) b
    group by 1, 2, 3, 4, 5 order by 8 desc limit 100) f;
end
$$;
comment on function hub_private.check_out_of_band_part(timestamptz, integer, timestamptz, jsonb) is 'Lists what was changed by another way than the Hub on one day, together with what was found before; says whether there is another day.';

-- Where out_of_band begins: a day before the last look, or with the first row.
create function hub_private.out_of_band_since() returns timestamptz
  language sql stable set search_path = ''
as $$
  select coalesce((select max(c.ran_at) from hub.checks c where c.name = 'out_of_band') - interval '1 day',
    (select min(a.occurred_at) from hub.team_activities a), clock_timestamp())
$$;
comment on function hub_private.out_of_band_since() is 'From which time on out_of_band looks.';

create or replace function hub_private.check_out_of_band() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began constant timestamptz := clock_timestamp();
  since constant timestamptz := hub_private.out_of_band_since();
  seen record;
  found jsonb := '[]';
  total bigint := 0;
begin
  for part in 0..100000 loop
    select * into seen from hub_private.check_out_of_band_part(since, part, began, found);
    found := seen.findings;
    total := total + seen.examined;
    exit when not seen.more;
  end loop;
  return hub_private.record_check('out_of_band', total, found, began);
end
$$;

-- A run that stopped half a day ago is begun anew: what it saw then says nothing of now.
drop function hub.run_checks();
drop function hub_private.run_checks();
create function hub_private.run_checks(unless_within integer, budget interval default '20 seconds') returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  called_at constant timestamptz := clock_timestamp();
  run hub_private.check_progress;
  seen record;
  result jsonb;
begin
  -- Another step at this moment does the same work.
  if not pg_try_advisory_xact_lock(hashtextextended('hub_private.run_checks', 0)) then
    return jsonb_build_object('done', false, 'busy', true, 'checks', '[]'::jsonb);
  end if;
  delete from hub_private.check_progress p where p.started_at < now() - interval '12 hours';
  select * into run from hub_private.check_progress;
  if not found then
    if unless_within > 0 and exists (select from hub.checks c where c.name = 'out_of_band' and c.ran_at > now() - make_interval(mins => unless_within)) then
      return jsonb_build_object('done', true, 'checks', '[]'::jsonb);
    end if;
    insert into hub_private.check_progress default values returning * into run;
  end if;
  loop
    result := null;
    case run.name
      when 'catalog' then
        result := hub_private.check_catalog();
      when 'drift' then
        select * into seen from hub_private.check_drift_part(run.part);
        run.examined := run.examined + seen.examined;
        run.findings := jsonb_path_query_array(run.findings || seen.findings, '$[0 to 99]');
        if not seen.more then
          result := hub_private.record_check('drift', run.examined, run.findings, run.check_started_at);
        end if;
      else
        run.since := coalesce(run.since, hub_private.out_of_band_since());
        select * into seen from hub_private.check_out_of_band_part(run.since, run.part, run.check_started_at, run.findings);
        run.examined := run.examined + seen.examined;
        run.findings := seen.findings;
        if not seen.more then
          result := hub_private.record_check('out_of_band', run.examined, run.findings, run.check_started_at);
        end if;
    end case;
    run.part := run.part + 1;
    if result is not null then
      run.results := run.results || jsonb_build_array(result);
      if run.name = 'out_of_band' then
        delete from hub_private.check_progress;
        return jsonb_build_object('done', true, 'checks', run.results);
      end if;
      run.name := case run.name when 'catalog' then 'drift' else 'out_of_band' end;
      run.check_started_at := clock_timestamp();
      run.part := 0;
      run.examined := 0;
      run.findings := '[]';
    end if;
    exit when clock_timestamp() >= called_at + budget;
  end loop;
  update hub_private.check_progress p set name = run.name, check_started_at = run.check_started_at, part = run.part, since = run.since,
    examined = run.examined, findings = run.findings, results = run.results;
  return jsonb_build_object('done', false, 'checks', run.results);
end
$$;
comment on function hub_private.run_checks(integer, interval) is 'Runs the nightly checks for as long as the budget, from where the last step stopped; says whether they are done.';
create function hub.run_checks(unless_within integer default 0) returns jsonb
  language sql volatile set search_path = '' set statement_timeout = '60s'
  return hub_private.run_checks(unless_within);
comment on function hub.run_checks(integer) is 'One step of the nightly checks, of some 20 seconds; says whether they are done. Nothing when they were done within so many minutes.';
grant execute on function hub.run_checks(integer), hub_private.run_checks(integer, interval) to hub_system;

-- Of no further use: a check in one piece.
drop function hub_private.check_drift();

revoke execute on all functions in schema hub, hub_private from public;
