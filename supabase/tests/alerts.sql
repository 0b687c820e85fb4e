-- A-3, L-1, L-3: alerts to an operator: stale or failed checks, rejected rows, failed requests; and nothing else.
do $$
declare
  quarter constant timestamptz := date_trunc('hour', now()) + interval '20 minutes';
  hour constant timestamptz := date_trunc('hour', now()) + interval '5 minutes';
  who text;
  name text;
begin
  foreach who in array array['visitor', 'alice', 'admin', 'support', 'hub_nobody', 'anon', 'authenticated', 'service_role'] loop
    assert pg_temp.outcome(who, 'select hub.find_alerts(1)') = 'denied' and pg_temp.outcome(who, 'select hub_private.find_alerts(1)') = 'denied', who;
  end loop;
  -- A new Hub has no row of a check yet.
  assert hub_private.find_alerts(20, now()) = '[]', hub_private.find_alerts(20, now());
  assert jsonb_array_length(hub_private.find_alerts(20, hour + interval '30 hours')) = 4;
  foreach name in array array['catalog', 'drift', 'out_of_band', 'retention'] loop
    insert into hub.checks (name, passed, looked_at, took_ms, ran_at) values (name, true, 1, 1, quarter - interval '1 hour');
  end loop;
  assert hub_private.find_alerts(20, quarter) = '[]' and hub_private.find_alerts(20, quarter + interval '24 hours') = '[]';
  -- At once when it begins, then at the full hour.
  assert jsonb_array_length(hub_private.find_alerts(20, quarter + interval '25 hours 1 minute')) = 4;
  assert hub_private.find_alerts(20, quarter + interval '25 hours 20 minutes') = '[]';
  assert hub_private.find_alerts(20, hour + interval '27 hours') #>> '{0,alert}' = 'checks_stale';

  insert into hub.checks (name, passed, looked_at, took_ms, ran_at, findings) values ('drift', false, 1, 1, quarter - interval '5 minutes', '[{"entity_id": "secret"}]');
  assert hub_private.find_alerts(20, quarter) = '[{"alert": "checks_failed", "text": "the check drift found 1"}]', hub_private.find_alerts(20, quarter);
  -- A late cron or a rejected webhook loses nothing: the alert is repeated until the check passes.
  assert hub_private.find_alerts(20, quarter + interval '20 minutes') = '[]';
  for n in 1..23 loop
    assert hub_private.find_alerts(20, hour + make_interval(hours => n)) @> '[{"alert": "checks_failed", "text": "the check drift found 1"}]', n::text;
  end loop;
  insert into hub.checks (name, passed, looked_at, took_ms, ran_at) values ('drift', true, 1, 1, quarter - interval '4 minutes');
  assert hub_private.find_alerts(20, quarter) = '[]' and hub_private.find_alerts(20, hour + interval '1 hour') = '[]';

  insert into hub.request_log_rejected (id, content, code, message, received_at) values ('x', 'secret', '', '', quarter - interval '1 minute');
  assert hub_private.find_alerts(20, quarter) = '[{"alert": "rejected_requests", "text": "1 request rows are rejected"}]';
  assert hub_private.find_alerts(20, quarter + interval '20 minutes') = '[]' and hub_private.find_alerts(20, hour + interval '1 hour') <> '[]';
  delete from hub.request_log_rejected;

  -- An export interrupted by the client fails too, with the status that it began with; only statuses of 500 and above
  -- count.
  insert into hub.request_log (request_id, method, route, who, outcome, status, occurred_at)
    select '01ARZ3NDEKTSV4RRFFQ69G5' || lpad(n::text, 3, '0'), 'GET', '/x', 'nobody', case when n <= 42 then 'failed' else 'refused' end,
      case when n <= 11 then 500 when n <= 21 then 504 when n <= 42 then 200 else 499 end, quarter - interval '2 minutes' from generate_series(1, 60) n;
  assert hub_private.find_alerts(20, quarter) = '[{"alert": "server_errors", "text": "21 requests failed in 15 minutes"}]', hub_private.find_alerts(20, quarter);
  assert hub_private.find_alerts(21, quarter) = '[]' and hub_private.find_alerts(20, quarter + interval '14 minutes') = '[]';
  perform pg_temp.act('system');
  assert jsonb_typeof(hub.find_alerts(20)) = 'array';
  perform set_config('role', 'none', true);
end
$$;
