-- An alert lasts until what it says is over (A-3, L-1, L-3). What a check had found was sent in one window of a quarter of an hour: a late cron
-- or a refused webhook lost it. And a client that breaks off an export is no failure of the Hub's.

-- As in 20261126110300_find_alerts.sql; each alert is sent when it begins and then once an hour, what a check found until it passes. Of requests
-- those count that were answered with 500 and above.
create or replace function hub_private.find_alerts(most_failed integer, at timestamptz default now()) returns jsonb
  language sql stable security definer set search_path = ''
as $$
  with alerts as (
    -- Each runs once a day; two hours for a late one. Before its first row, since the first row of the audit log.
    select 'checks_stale' as alert, format('no row of the check %s since %s', wanted.name, coalesce(last.ran_at::text, 'ever')) as text,
      coalesce(last.ran_at, (select min(a.occurred_at) from hub.team_activities a)) + interval '26 hours' as since
    from unnest(array['catalog', 'drift', 'out_of_band', 'retention']) as wanted (name)
      left join lateral (select c.ran_at from hub.checks c where c.name = wanted.name order by c.id desc limit 1) last on true
    union all
    select 'checks_failed', format('the check %s found %s', last.name, jsonb_array_length(last.findings)), last.ran_at
    from unnest(array['catalog', 'drift', 'out_of_band']) as wanted (name),
      lateral (select c.name, c.passed, c.findings, c.ran_at from hub.checks c where c.name = wanted.name order by c.id desc limit 1) last
    where not last.passed
    union all
    select 'rejected_requests', format('%s request rows are rejected', count(*)), max(r.received_at) from hub.request_log_rejected r having count(*) > 0
    union all
    select 'server_errors', format('%s requests failed in 15 minutes', count(*)), at
    from hub.request_log r where r.status >= 500 and r.occurred_at > at - interval '15 minutes' and r.occurred_at <= at having count(*) > most_failed
  )
  select coalesce(jsonb_agg(jsonb_build_object('alert', a.alert, 'text', a.text) order by a.alert, a.text), '[]')
  from alerts a where a.since <= at and (a.since > at - interval '15 minutes' or extract(minute from at) < 15)
$$;

revoke execute on all functions in schema hub, hub_private from public;
