-- L-3, R-3: a row that the request log rejects is stored once and completely; an admin's retry leaves its own row.
do $$
declare
  good constant jsonb := '{"occurred_at": "2026-11-26T12:00:00Z", "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FC1", "method": "GET", "route": "/x", "who": "nobody", "outcome": "allowed", "status": 200}';
  odd constant text[] := array[good::text, (good || '{"request_id": "perhaps"}')::text, 'nonsense', '', '[]', '7', '"\ud800"', '{"request_id": 7}', repeat('x', 200000), '{"request_id": "' || repeat('9', 5000) || '"}'];
  rows jsonb := (select jsonb_agg(jsonb_build_object('content', o, 'code', '23514', 'message', 'refused')) from unnest(odd) o);
  admin constant text := 'user_2hubadmin0000000000000005';
  login constant text := session_user;
  who text;
  told jsonb;
begin
  foreach who in array array['visitor', 'alice', 'admin', 'sales', 'support', 'hub_nobody', 'anon', 'authenticated', 'service_role'] loop
    assert pg_temp.outcome(who, $q$select hub.reject_requests('[]')$q$) = 'denied', who;
    assert pg_temp.outcome(who, $q$select hub_private.reject_requests('[]')$q$) = 'denied', who;
  end loop;
  foreach who in array array['visitor', 'alice', 'sales', 'support', 'system', 'hub_nobody', 'anon', 'authenticated', 'service_role'] loop
    assert pg_temp.outcome(who, $q$select hub.retry_rejected_requests('x')$q$) = 'denied', who;
    if who <> 'sales' and who <> 'support' then
      assert pg_temp.outcome(who, 'select id from hub.request_log_rejected') = 'denied', who;
    end if;
  end loop;

  -- The Hub's login role; a change by every other one is direct.
  perform set_config('session_authorization', 'authenticator', true);
  perform pg_temp.act('system');
  assert hub.reject_requests(rows) = cardinality(odd);
  assert hub.reject_requests(rows || rows) = 0, 'a second delivery stores nothing';
  assert hub.reject_requests('[{"content": "without a code"}]') = 1;
  perform set_config('session_authorization', login, true), set_config('role', 'none', true);
  assert (select array_agg(content order by content) from hub.request_log_rejected where content <> 'without a code') = (select array_agg(o order by o) from unnest(odd) o), 'not whole';
  assert (select count(*) from hub.request_log_rejected where request_id = good ->> 'request_id') = 1;
  assert not exists (select from hub.team_activities where entity = 'request_log_rejected' and action <> 'ddl'), 'a job leaves no row for it';
  assert pg_temp.outcome('admin', 'select id, content from hub.request_log_rejected') = (cardinality(odd) + 1)::text;
  assert pg_temp.outcome('sales', 'select id from hub.request_log_rejected') = '0' and pg_temp.outcome('support', 'select id from hub.request_log_rejected') = '0';
  foreach who in array array['alice', 'admin', 'system'] loop
    assert pg_temp.outcome(who, 'delete from hub.request_log_rejected') = 'denied' and pg_temp.outcome(who, $q$update hub.request_log_rejected set content = ''$q$) = 'denied', who;
  end loop;
  foreach who in array array['null', '''''', '''  ''', format('%L', repeat('x', 501))] loop
    assert pg_temp.outcome('admin', 'select hub.retry_rejected_requests(' || who || ')') = 'PT400', who;
  end loop;

  -- The cause remains for all but one of them.
  perform pg_temp.act('admin');
  told := hub.retry_rejected_requests('the form is allowed now');
  perform set_config('role', 'none', true);
  assert (told - 'refused') = jsonb_build_object('written', 1, 'discarded', 0, 'left', cardinality(odd)), told;
  assert (select status from hub.request_log where request_id = good ->> 'request_id') = 200;
  assert (select count(*) from hub.request_log_rejected where tried_at is not null) = cardinality(odd), 'not tried';
  assert (select code from hub.request_log_rejected where content = 'nonsense') = '22P02', 'the last refusal is the one that is shown';
  assert (select (actor_id, actor_kind, reason, before ->> 'content') = (admin, 'staff', 'the form is allowed now', good::text)
    from hub.team_activities where entity = 'request_log_rejected' and action = 'delete');

  -- A row that can never be written is removed by its id; its row in the audit log retains it.
  perform pg_temp.act('admin');
  told := hub.retry_rejected_requests('no request of ours', (select array_agg(id) from hub.request_log_rejected where content in ('nonsense', '7')));
  perform set_config('role', 'none', true);
  assert told ->> 'discarded' = '2' and (told ->> 'left')::integer = cardinality(odd) - 2, told;
  assert (select count(*) from hub.team_activities where entity = 'request_log_rejected' and action = 'delete' and before ->> 'content' in ('nonsense', '7')) = 2;

  -- A year, like request rows.
  insert into hub.request_log_rejected (id, content, code, message, received_at) values ('old', 'old', '', '', now() - interval '366 days'), ('new', 'new', '', '', now() - interval '364 days');
  perform pg_temp.act('system');
  assert hub.keep_house() ->> 'rejected_forgotten' = '1';
  perform set_config('role', 'none', true);
  assert not exists (select from hub.request_log_rejected where id = 'old') and exists (select from hub.request_log_rejected where id = 'new');
end
$$;

-- A direct change leaves its row, for any claimed actor, and is rejected without an actor.
do $$
declare
  steps constant text[] := array[$q$insert into hub.request_log_rejected (id, content, code, message) values ('hand', 'secret', '', '')$q$,
    $q$update hub.request_log_rejected set content = 'another' where id = 'hand'$q$, $q$delete from hub.request_log_rejected where id = 'hand'$q$];
  kind text;
  step text;
begin
  foreach kind in array array['system', 'staff', 'customer'] loop
    perform set_config('hub.actor_id', kind || ':by hand', true), set_config('hub.actor_kind', kind, true);
    foreach step in array steps loop
      execute step;
    end loop;
    assert (select array_agg(a.action || ' ' || a.out_of_band order by a.id) from hub.team_activities a where a.entity = 'request_log_rejected' and a.actor_id = kind || ':by hand')
      = array['insert true', 'update true', 'delete true'], kind;
  end loop;
  assert exists (select from hub.team_activities a where a.actor_id = 'system:by hand' and a.action = 'delete' and a.before ->> 'content' = 'another'), 'what was removed is not known';
  execute steps[1];
  perform set_config('hub.actor_id', '', true), set_config('hub.actor_kind', '', true);
  foreach step in array replace(steps[1], '''hand''', '''other''') || steps[2:] loop
    begin
      execute step;
      assert false, step;
    exception when insufficient_privilege then null;
    end;
  end loop;
  perform set_config('hub.actor_id', 'system:test', true), set_config('hub.actor_kind', 'system', true);
end
$$;

-- Rows that are rejected first do not prevent the others from being tried.
do $$
begin
  delete from hub.request_log_rejected;
  insert into hub.request_log_rejected (id, content, code, message, received_at)
    select 'bad' || n, 'nonsense ' || n, '', '', now() - interval '2 days' from generate_series(1, 150) n;
  insert into hub.request_log_rejected (id, content, code, message)
    values ('good', '{"occurred_at": "2026-11-26T12:00:00Z", "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FC2", "method": "GET", "route": "/x", "who": "nobody", "outcome": "allowed", "status": 200}', '', '');
  perform pg_temp.act('admin');
  assert hub.retry_rejected_requests('x') = '{"written": 0, "refused": 100, "discarded": 0, "left": 151}';
  assert hub.retry_rejected_requests('x') = '{"written": 1, "refused": 99, "discarded": 0, "left": 150}';
  perform set_config('role', 'none', true);
end
$$;

-- R-3: an erasure includes rejected rows, by a job or by an admin, who is recorded with the reason.
do $$
declare
  alice constant text := 'user_2hubalice0000000000000001';
  row constant jsonb := jsonb_build_object('request_id', '01ARZ3NDEKTSV4RRFFQ69G5FC3', 'actor_id', alice, 'session_id', 'sess_2hubonlyrejected000001', 'token_id', 'jti_secret', 'address_hash', repeat('a', 32), 'client_request_id', 'mine-1234');
  admin constant text := 'user_2hubadmin0000000000000005';
  who text;
  told jsonb;
  asked hub.team_activities;
  done hub.team_activities;
  wrong text;
begin
  delete from hub.request_log_rejected;
  insert into hub.request_log_rejected (id, content, code, message) values ('a', row::text, '23514', 'Failing row contains (' || alice || ')'), ('b', 'broken ' || alice, 'no_rows', ''), ('c', '{"actor_id": "user_2hubbob000000000000000002", "session_id": "sess_2hubofbob000000000001", "token_id": "jti_of_bob"}', '', '');
  foreach who in array array['visitor', 'alice', 'sales', 'support', 'system', 'hub_nobody', 'anon', 'authenticated', 'service_role'] loop
    assert pg_temp.outcome(who, format($q$select hub.erase_user(%L, '{"Alice Liddell"}', 'asked for it')$q$, alice)) = 'denied', who;
    assert pg_temp.outcome(who, format($q$select hub_private.erase_user(%L, '{"Alice Liddell"}', 'asked for it', 0)$q$, alice)) = 'denied', who;
  end loop;
  foreach wrong in array array[format('%L, %L, null', alice, '{}'), format('%L, %L, %L', alice, '{}', ' '), format('%L, %L, %L', alice, '{}', repeat('x', 501)), format('%L, %L, %L', 'nobody', '{}', 'x'),
    format('%L, %L, %L', alice, '{"Alice Liddell"}', 'ALICE  liddell asked'), format('%L, %L, %L', alice, '{}', 'about ' || alice)] loop
    assert pg_temp.outcome('admin', 'select hub.erase_user(' || wrong || ')') = 'PT400', wrong;
  end loop;
  assert pg_temp.outcome('admin', format($q$select hub.erase_user(%L, '{}', 'x')$q$, admin)) = 'PT409', 'nobody erases themselves';

  perform pg_temp.act('admin');
  told := hub.erase_user(alice, '{"Alice Liddell"}', 'request 17 of the client');
  assert (hub_private.actor_id(), hub_private.actor_kind(), hub_private.staff_role(), current_setting('hub.reason'), current_setting('hub.erasing')) = (admin, 'staff', 'admin', 'request 17 of the client', ''), 'another acts on';
  perform set_config('role', 'none', true);
  assert told ->> 'pseudonym' ~ '^erased_[0-9a-f]{32}$', told;
  assert not exists (select from hub.request_log_rejected where position(alice in content || message) > 0);
  assert (select content::jsonb from hub.request_log_rejected where id = 'a') = jsonb_build_object('request_id', '01ARZ3NDEKTSV4RRFFQ69G5FC3', 'actor_id', told ->> 'pseudonym', 'session_id', told ->> 'pseudonym');
  assert (select content from hub.request_log_rejected where id = 'b') = 'broken ' || (told ->> 'pseudonym') and (select content from hub.request_log_rejected where id = 'c') = '{"actor_id": "user_2hubbob000000000000000002", "session_id": "sess_2hubofbob000000000001", "token_id": "jti_of_bob"}';
  select * into done from hub.team_activities where action = 'erase' and actor_kind = 'system' order by id desc limit 1;
  select * into asked from hub.team_activities where action = 'erase' and actor_kind = 'staff' order by id desc limit 1;
  assert (asked.actor_id, asked.actor_role, asked.reason, asked.entity, asked.entity_id, asked.request_id) = (admin, 'admin', 'request 17 of the client', 'person', told ->> 'pseudonym', done.request_id) and asked.request_id is not null, asked;
  assert (done.actor_id, done.entity_id, done.after) = ('system:erasure', told ->> 'pseudonym', told -> 'tables'), done;
  assert asked.values_hash = hub_private.values_hash(asked.salt, null, asked.after);
  -- The request for it is recorded, also if nothing remains to be erased.
  perform pg_temp.act('admin');
  assert hub.erase_user(alice, '{}', 'once more') = '{"pseudonym": null, "rows": 0, "tables": {}}';
  perform set_config('role', 'none', true);
  assert (select (reason, entity_id, row_count) = ('once more', '', 0) from hub.team_activities where action = 'erase' order by id desc limit 1);
  assert (select count(*) from hub_private.find_drift()) = 0;
end
$$;
