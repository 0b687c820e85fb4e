-- What an operator must hear of (A-3, L-1, L-3): asked every quarter of an hour by a job, which sends it on.

-- An alert that lasts is told when it begins and then once an hour; what the checks found is told once.
create function hub_private.find_alerts(most_failed integer, at timestamptz default now()) returns jsonb
  language sql stable security definer set search_path = ''
as $$
  with alerts as (
    -- Each runs once a day; two hours for a late one. Before its first row, since the first row of the audit log.
    select 'checks_stale' as alert, format('no row of the check %s since %s', wanted.name, coalesce(last.ran_at::text, 'ever')) as text,
      coalesce(last.ran_at, (select min(a.occurred_at) from hub.team_activities a)) + interval '26 hours' as since, true as lasts
    from unnest(array['catalog', 'drift', 'out_of_band', 'retention']) as wanted (name)
      left join lateral (select c.ran_at from hub.checks c where c.name = wanted.name order by c.id desc limit 1) last on true
    union all
    select 'checks_failed', format('the check %s found %s', last.name, jsonb_array_length(last.findings)), last.ran_at, false
    from unnest(array['catalog', 'drift', 'out_of_band']) as wanted (name),
      lateral (select c.name, c.passed, c.findings, c.ran_at from hub.checks c where c.name = wanted.name order by c.id desc limit 1) last
    where not last.passed
    union all
    select 'rejected_requests', format('%s request rows are rejected', count(*)), max(r.received_at), true from hub.request_log_rejected r having count(*) > 0
    union all
    select 'server_errors', format('%s requests failed in 15 minutes', count(*)), at, true
    from hub.request_log r where r.outcome = 'failed' and r.occurred_at > at - interval '15 minutes' and r.occurred_at <= at having count(*) > most_failed
  )
  select coalesce(jsonb_agg(jsonb_build_object('alert', a.alert, 'text', a.text) order by a.alert, a.text), '[]')
  from alerts a where a.since <= at and (a.since > at - interval '15 minutes' or (a.lasts and extract(minute from at) < 15))
$$;
comment on function hub_private.find_alerts(integer, timestamptz) is 'What an operator must hear of at this moment: names and numbers, no one''s data.';
create function hub.find_alerts(most_failed integer) returns jsonb
  language sql stable set search_path = ''
  return hub_private.find_alerts(most_failed);
comment on function hub.find_alerts(integer) is 'What an operator must hear of at this moment; more failed requests than so many in 15 minutes are one of them.';
grant execute on function hub.find_alerts(integer), hub_private.find_alerts(integer, timestamptz) to hub_system;

revoke execute on all functions in schema hub, hub_private from public;
