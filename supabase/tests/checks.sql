-- A-3, L-1: the nightly checks in steps have the findings of one run, for any steps; an abandoned run is restarted.
do $$
declare
  whole jsonb;
  told jsonb;
  steps integer := 0;
  before bigint;
  who text;
begin
  -- One of every kind of finding, in keys of all ranges; written directly, so that out_of_band has some too, of
  -- different days.
  perform set_config('hub.actor_id', 'system:by hand', true), set_config('hub.actor_kind', 'system', true);
  insert into hub.leads (name, email) select 'Lead ' || n, n || '@example.com' from generate_series(1, 400) n;
  alter table hub.leads disable trigger user;
  update hub.leads set notes = 'past the trail' where name like '%7';
  delete from hub.leads where name like '%13';
  insert into hub.leads (name, email) select 'Ghost ' || n, n || '@example.com' from generate_series(1, 40) n;
  alter table hub.leads enable trigger user;
  alter table hub.leads enable always trigger record_activity;
  assert (select count(*) from hub_private.find_drift()) between 70 and 100, (select count(*) from hub_private.find_drift());
  -- The parts together are the whole.
  assert (select jsonb_agg(to_jsonb(f) order by f.entity_id) from hub_private.find_drift() f) =
    (select jsonb_agg(f.value order by f.value ->> 'entity_id') from generate_series(0, 16 * (select count(*)::integer from hub_private.audited_tables()) - 1) p, hub_private.check_drift_part(p) c, jsonb_array_elements(c.findings) f);
  assert (select array_agg(c.more order by p) from generate_series(0, 16 * (select count(*)::integer from hub_private.audited_tables()) - 1) p, hub_private.check_drift_part(p) c)
    = array_fill(true, array[16 * (select count(*)::integer from hub_private.audited_tables()) - 1]) || false;

  perform pg_temp.act('system');
  whole := hub.run_checks();
  assert whole ->> 'done' = 'true' and jsonb_array_length(whole -> 'checks') = 3, whole;
  perform set_config('role', 'none', true);
  assert not exists (select from hub_private.check_progress), 'a run that is done is left';
  assert (whole #>> '{checks,1,looked_at}')::bigint = (select count(*) from hub.leads) + (select count(*) from hub.contact_tickets)
    + (select count(*) from hub.ticket_messages) + (select count(*) from hub.chat_threads) + (select count(*) from hub.chat_messages), whole #> '{checks,1}';

  -- With no time at all, each call runs one part.
  select count(*) into before from hub.checks;
  loop
    told := hub_private.run_checks(0, '0 seconds');
    steps := steps + 1;
    exit when (told ->> 'done')::boolean;
    assert steps < 200 and exists (select from hub_private.check_progress), told;
  end loop;
  assert steps >= 16 * (select count(*) from hub_private.audited_tables()) + 2, steps;
  assert (select count(*) from hub.checks) = before + 3;
  assert (select jsonb_agg(c.value - 'took_ms' - 'findings' order by c.ordinality) from jsonb_array_elements(told -> 'checks') with ordinality c where c.value ->> 'name' <> 'out_of_band')
    = (select jsonb_agg(c.value - 'took_ms' - 'findings' order by c.ordinality) from jsonb_array_elements(whole -> 'checks') with ordinality c where c.value ->> 'name' <> 'out_of_band'), told;
  assert (select jsonb_agg(f order by f ->> 'entity_id') from jsonb_array_elements(told #> '{checks,1,findings}') f) = (select jsonb_agg(f order by f ->> 'entity_id') from jsonb_array_elements(whole #> '{checks,1,findings}') f);

  -- By day or in one run, out_of_band counts the same; the oldest of more than a hundred kinds, which are the
  -- migrations', are omitted.
  assert (select sum((f ->> 'rows')::integer) from jsonb_array_elements(told #> '{checks,2,findings}') f where f ->> 'finding' = 'another way than the Hub' and f ->> 'action' <> 'ddl')
    = (select count(*) from hub.team_activities a where a.out_of_band and a.action not in ('baseline', 'ddl')), told #> '{checks,2}';

  -- A finished run is not repeated in the same night. One abandoned half a day ago is restarted.
  perform pg_temp.act('system');
  assert hub.run_checks(720) = '{"done": true, "checks": []}';
  perform set_config('role', 'none', true);
  told := hub_private.run_checks(0, '0 seconds');
  assert told ->> 'done' = 'false' and (select name from hub_private.check_progress) = 'drift';
  update hub_private.check_progress set started_at = now() - interval '13 hours', part = 70;
  told := hub_private.run_checks(0, '0 seconds');
  assert (select (name, part) = ('drift', 0) from hub_private.check_progress), 'an old run goes on';
  perform pg_temp.act('system');
  assert (hub.run_checks(720) ->> 'done')::boolean, 'what is under way goes on whatever was done before';
  perform set_config('role', 'none', true);
  foreach who in array array['visitor', 'alice', 'admin', 'hub_nobody', 'anon', 'authenticated', 'service_role'] loop
    assert pg_temp.outcome(who, 'select hub.run_checks()') = 'denied' and pg_temp.outcome(who, 'select hub_private.run_checks(0)') = 'denied', who;
  end loop;
end
$$;

-- Rows of different days and of one kind are one finding.
do $$
declare
  since constant timestamptz := now() - interval '5 days';
  found jsonb := '[]';
  seen record;
  total bigint := 0;
begin
  insert into hub.team_activities (occurred_at, actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, salt, values_hash, out_of_band)
  select now() - make_interval(hours => 13 * n), 'system:days', 'system', 'system', 'test', 'delete', 'leads', n::text, '\x00', '\x00', true from generate_series(0, 8) n
  where now() - make_interval(hours => 13 * n) >= date_trunc('month', now(), 'UTC');
  for part in 0..10 loop
    select * into seen from hub_private.check_out_of_band_part(since, part, now(), found);
    found := seen.findings;
    total := total + seen.examined;
    exit when not seen.more;
  end loop;
  assert total = (select count(*) from hub.team_activities where occurred_at >= since);
  assert (select array_agg((f ->> 'rows')::integer) from jsonb_array_elements(found) f where f ->> 'actor_id' = 'system:days') = array[(select count(*)::integer from hub.team_activities where actor_id = 'system:days')], found;
end
$$;

-- A day is 24 hours in any time zone of the database, so that no hour is checked twice where daylight saving time ends.
do $$
begin
  perform set_config('timezone', 'America/New_York', true);
  assert (select array_agg(c.more order by p) from generate_series(0, 10) p, hub_private.check_out_of_band_part('2026-03-01T00:00:00Z', p, '2026-03-12T00:00:00Z', '[]') c)
    = array_fill(true, array[10]) || false;
  perform set_config('timezone', 'UTC', true);
end
$$;
