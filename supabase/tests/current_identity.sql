-- I-1, I-2: the functions of the pages: the current user, and the end of a session.

do $$
declare
  told jsonb;
begin
  perform pg_temp.act('alice');
  told := hub.who_am_i();
  assert told = '{"actor_id": "user_2hubalice0000000000000001", "kind": "customer", "role": null, "owner_id": "org_2hubacme00000000000000001"}', told;
  perform pg_temp.act('sales');
  told := hub.who_am_i();
  assert told = '{"actor_id": "user_2hubsales0000000000000006", "kind": "staff", "role": "sales", "owner_id": null}', told;
  perform pg_temp.act('system');
  assert hub.end_session('sess_2hubalice0000000000000001') = 1;
  perform set_config('role', 'none', true);
  assert pg_temp.outcome('alice', 'select 1') = 'PT401';
  assert pg_temp.outcome('bob', 'select 1') = '1';
  assert pg_temp.outcome('visitor', 'select hub.who_am_i()') = 'denied';
  assert pg_temp.outcome('bob', $q$select hub.end_session('sess_2hubcarol0000000000000003')$q$) = 'denied';
  assert pg_temp.outcome('admin', $q$select hub.end_session('sess_2hubcarol0000000000000003')$q$) = 'denied';
end
$$;
