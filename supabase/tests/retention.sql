-- L-2: five years of the audit log, day by day by the test's own clock: each month is dropped at 24 months, no earlier.
-- No month remains longer, the hashes that live rows need are carried over, and no other statement deletes.

-- The calendar of these tests, as that of the partitions.
set local timezone = 'UTC';

do $$
declare
  today date := (now() at time zone 'utc')::date;
  start date := date_trunc('month', today - interval '60 months');
  day date;
  clock timestamptz;
  lead uuid := (select id from hub.leads where name = 'Ada');
  told jsonb;
  removed jsonb;
  dropped integer := 0;
  item jsonb;
  month_end timestamptz;
  salt bytea := '\x00';
begin
  -- Partitions are the owner's, as the job creates them.
  perform set_config('role', 'postgres', true);
  perform hub_private.make_partitions(61, start);
  perform set_config('role', 'none', true);
  for day in select generate_series(start, today - 1, interval '1 day') loop
    insert into hub.team_activities (occurred_at, actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, salt, values_hash)
    values (day + time '12:00', 'system:test', 'system', 'system', 'test', 'export', 'leads', '', salt, hub_private.values_hash(salt, null, null));
  end loop;
  -- A row unchanged for five years: its only hash is in the first month.
  insert into hub.team_activities (occurred_at, actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, salt, values_hash, row_hash)
  select start + time '13:00', 'system:test', 'system', 'system', 'test', 'insert', 'contact_tickets', id::text, salt, '\x00', hub_private.row_hash(salt, to_jsonb(t))
  from hub.contact_tickets t where subject = 'Of Carol';

  for day in select generate_series(start + 700, today, interval '1 day') loop
    clock := least(day + time '03:17', now());
    removed := '[]';
    loop
      told := hub_private.retire_months(clock);
      removed := removed || (told -> 'findings');
      exit when (told ->> 'done')::boolean;
    end loop;
    for item in select * from jsonb_array_elements(removed) loop
      dropped := dropped + 1;
      month_end := to_timestamp(right(item ->> 'partition', 7) || ' +00', 'YYYY_MM TZH') + interval '1 month';
      assert month_end + interval '24 months' <= clock, item;
      assert month_end + interval '25 months' > clock, item;
    end loop;
  end loop;
  assert dropped = 36, dropped;
  assert (select min(occurred_at) from hub.team_activities) >= now() - interval '25 months', 'something older is left';
  assert (select count(*) from hub.team_activities where action = 'export') = (today - (select min(occurred_at) from hub.team_activities)::date), 'something younger is gone';
  assert to_regclass('hub_private.team_activities_' || to_char(now() + interval '24 months', 'YYYY_MM')) is not null, 'the months ahead stay';
  assert (select count(*) from hub.checks where name = 'retention' and jsonb_array_length(findings) > 0) = 36, 'what was dropped is recorded';
  begin
    perform hub_private.retire_months(now() + interval '1 minute');
    raise sqlstate 'TT001';
  exception when raise_exception then
    null;
  end;
end
$$;

-- A month with more to carry over than one call does: it takes several calls, a failed one is restarted at the end of
-- the last one, nothing is lost, nothing carried over twice, and concurrent changes are no drift.
do $$
declare
  old constant date := date_trunc('month', now() at time zone 'utc') - interval '26 months';
  month constant text := 'team_activities_' || to_char(old, 'YYYY_MM');
  salt constant bytea := '\x00';
  told jsonb;
  calls integer := 0;
  so_far bigint;
  reached bigint;
begin
  perform set_config('hub.actor_id', 'system:test', true), set_config('hub.actor_kind', 'system', true);
  perform set_config('role', 'postgres', true);
  perform hub_private.make_partitions(0, old + interval '12 hours');
  perform set_config('role', 'none', true);
  alter table hub.leads disable trigger user;
  insert into hub.leads (name, email) select 'Kept ' || n, n || '@example.com' from generate_series(1, 50) n;
  alter table hub.leads enable trigger user;
  alter table hub.leads enable always trigger record_activity;
  insert into hub.team_activities (occurred_at, actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, salt, values_hash, row_hash)
  select old + interval '13 hours', 'system:test', 'system', 'system', 'test', 'insert', 'leads', id::text, salt, '\x00', hub_private.row_hash(salt, to_jsonb(l))
  from hub.leads l where name like 'Kept %';
  assert not exists (select from hub_private.find_drift()), (select jsonb_agg(f) from hub_private.find_drift() f);

  told := hub_private.retire_months(now(), '0 seconds', 20);
  while (select coalesce(max(p.carried), 0) from hub_private.retention_progress p where p.entity = 'leads') < 40 loop
    assert told = '{"done": false, "findings": []}', told;
    told := hub_private.retire_months(now(), '0 seconds', 20);
    calls := calls + 1;
    assert calls < 50;
  end loop;
  select p.carried, p.after_id into so_far, reached from hub_private.retention_progress p where p.entity = 'leads';
  assert so_far = 40 and to_regclass('hub_private.' || month) is not null, 'two steps of three';
  assert (select count(*) from hub.team_activities where action = 'baseline' and entity = 'leads') = 40;
  -- A failed call is rolled back alone.
  begin
    perform hub_private.retire_months(now(), '1 minute', 5);
    assert (select p.carried from hub_private.retention_progress p where p.entity = 'leads') = 50;
    raise query_canceled;
  exception when query_canceled then
    null;
  end;
  assert (select (p.carried, p.after_id) = (so_far, reached) from hub_private.retention_progress p where p.entity = 'leads'), 'goes on from there';
  -- A row changed meanwhile has a newer hash.
  update hub.leads set notes = 'changed' where name in ('Kept 1', 'Kept 50');
  loop
    told := hub_private.retire_months(now(), '0 seconds', 20);
    exit when (told ->> 'done')::boolean;
    calls := calls + 1;
    assert calls < 100 and told = '{"done": false, "findings": []}', told;
  end loop;
  assert told #>> '{findings,0,partition}' = month and (told #>> '{findings,0,rows}')::integer = 50, told;
  so_far := (told #>> '{findings,0,carried_over}')::bigint;
  assert so_far between 48 and 50 and to_regclass('hub_private.' || month) is null, told;
  assert (select count(*) from hub.team_activities where action = 'baseline' and entity = 'leads') = so_far, 'carried twice';
  assert not exists (select from hub_private.retention_progress), 'progress of a month that is dropped';
  assert not exists (select from hub_private.find_drift()), (select jsonb_agg(f) from hub_private.find_drift() f);
end
$$;

-- A backlog of expired rows is deleted in bounded steps, and the job is not done while any remains.
do $$
declare
  told jsonb;
begin
  insert into hub.request_log (occurred_at, request_id, method, route, who, outcome)
    select now() - interval '13 months', '01ARZ3NDEKTSV4RRFFQ69H' || lpad(n::text, 4, '0'), 'GET', '/', 'nobody', 'allowed' from generate_series(1, 250) n;
  told := hub_private.forget_old('0 seconds', 100);
  assert (told ->> 'requests_forgotten', told ->> 'done') = ('100', 'false'), told;
  told := hub_private.forget_old('1 minute', 100);
  assert (told ->> 'requests_forgotten', told ->> 'done') = ('150', 'true'), told;
  assert not exists (select from hub.request_log where occurred_at < now() - interval '12 months');
  -- Each task alone, and no other one.
  perform pg_temp.act('system');
  assert hub.keep_house('partitions') = '{"done": true, "partitions_made": 0}';
  assert hub.keep_house('deletions') - array['done', 'revocations_forgotten', 'messages_forgotten', 'requests_forgotten', 'rejected_forgotten'] = '{}';
  assert hub.keep_house('retention') - 'retired' = '{"done": true}';
  assert pg_temp.outcome('system', 'select hub.keep_house(''everything'')') = 'PT400';
  perform set_config('role', 'none', true);
end
$$;

-- Request rows: retained for a year, never deleted earlier; no role deletes, and a second record completes a row once.
do $$
declare
  who text;
begin
  perform pg_temp.act('system');
  perform hub.record_requests('[{"occurred_at": "2020-01-01", "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FB1", "method": "GET", "route": "/", "who": "nobody", "outcome": "refused"},
    {"occurred_at": "2020-01-01", "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FB1", "method": "GET", "route": "/", "who": "nobody", "outcome": "refused"}]');
  assert hub.record_requests(jsonb_build_array(jsonb_build_object('occurred_at', now() - interval '364 days', 'request_id', '01ARZ3NDEKTSV4RRFFQ69G5FB2', 'method', 'GET', 'route', '/',
    'who', 'nobody', 'outcome', 'allowed'))) = 1;
  assert hub.record_requests('[{"occurred_at": "2026-01-01", "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FB2", "method": "GET", "route": "/", "who": "nobody", "outcome": "failed", "status": 503}]') = 1, 'completed';
  assert hub.record_requests('[{"occurred_at": "2026-01-01", "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FB2", "method": "GET", "route": "/", "who": "nobody", "outcome": "allowed", "status": 200}]') = 0, 'once';
  assert (hub.keep_house() ->> 'requests_forgotten')::integer = 1;
  perform set_config('role', 'none', true);
  assert (select (outcome, status) = ('failed', 503) from hub.request_log where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FB2');
  assert not exists (select from hub.request_log where request_id = '01ARZ3NDEKTSV4RRFFQ69G5FB1');
  foreach who in array array['visitor', 'alice', 'admin', 'support', 'system', 'hub_nobody', 'anon', 'authenticated', 'service_role'] loop
    assert pg_temp.outcome(who, 'delete from hub.request_log') = 'denied', who;
    assert pg_temp.outcome(who, 'delete from hub.team_activities') = 'denied', who;
    assert pg_temp.outcome(who, 'update hub.request_log set status = 200') = 'denied', who;
    assert pg_temp.outcome(who, 'drop table hub_private.team_activities_' || to_char(now(), 'YYYY_MM')) = 'denied', who;
    assert pg_temp.outcome(who, 'select hub_private.retire_months()') = 'denied', who;
  end loop;
  -- The superuser cannot delete either, row by row.
  foreach who in array array['delete from hub.request_log where request_id = ''01ARZ3NDEKTSV4RRFFQ69G5FB2''', 'update hub.request_log set who = ''x''', 'delete from hub.checks', 'update hub.checks set passed = true'] loop
    begin
      execute who;
      raise sqlstate 'TT001' using message = who;
    exception when insufficient_privilege then
      null;
    end;
  end loop;
end
$$;
