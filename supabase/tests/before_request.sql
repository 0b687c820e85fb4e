-- A-3, I-2, L-3: before_request() rejects other roles and revoked sessions, and writes the request row of a change.

-- Claims and role must agree, and the claims of each kind must be complete.
create function pg_temp.entered(role text, claims jsonb) returns text language plpgsql as $$
begin
  perform set_config('role', 'none', true), set_config('request.method', 'GET', true), set_config('request.headers', '{}', true),
    set_config('request.jwt.claims', claims::text, true), set_config('role', entered.role, true);
  perform hub_private.before_request();
  raise sqlstate 'TT000';
exception
  when sqlstate 'TT000' then return 'entered';
  when insufficient_privilege then return 'denied';
  when others then return sqlstate;
end
$$;
do $$
declare
  person jsonb := '{"role": "hub_customer", "sub": "user_2hubalice0000000000000001", "sid": "sess_2hubalice0000000000000001", "owner": "org_2hubacme00000000000000001", "sat": 1800000000}';
  member jsonb := '{"role": "hub_staff", "sub": "user_2hubadmin0000000000000005", "sid": "sess_2hubadmin0000000000000005", "stacklumen_role": "admin", "sat": 1800000000}';
  name text;
begin
  assert pg_temp.entered('hub_customer', person) = 'entered';
  assert pg_temp.entered('hub_staff', member) = 'entered';
  assert pg_temp.entered('hub_system', '{"role": "hub_system", "sub": "system:x"}') = 'entered';
  foreach name in array array['sub', 'sid', 'sat', 'owner'] loop
    assert pg_temp.entered('hub_customer', person - name) = 'PT403', name;
  end loop;
  foreach name in array array['sub', 'sid', 'sat', 'stacklumen_role'] loop
    assert pg_temp.entered('hub_staff', member - name) = 'PT403', name;
  end loop;
  assert pg_temp.entered('hub_staff', member || '{"stacklumen_role": "root"}') = 'PT403';
  assert pg_temp.entered('hub_staff', person) = 'PT403', 'claims of another role';
  assert pg_temp.entered('hub_system', person || '{"role": "hub_system"}') = 'PT403', 'a person as a job';
  assert pg_temp.entered('hub_customer', '{}') = 'PT403';
  foreach name in array array['service_role', 'authenticated', 'anon', 'hub_nobody'] loop
    assert pg_temp.entered(name, person || jsonb_build_object('role', name)) = 'denied', name;
  end loop;
end
$$;

-- I-2: revocations are written by functions only, and read by admins and by the Hub.
select pg_temp.grid(
  'select subject from hub.revoked_sessions',
  $$insert into hub.revoked_sessions (subject, reason, expires_at) values ('sess_2hubother00000000000000', 'x', now())$$,
  $$update hub.revoked_sessions set reason = 'x'$$,
  'delete from hub.revoked_sessions',
  array[
    'visitor denied denied denied denied',
    'alice   denied denied denied denied',
    'admin   1      denied denied denied',
    'sales   0      denied denied denied',
    'system  1      denied denied denied',
    'service_role denied denied denied denied']);

-- L-3: a change has its request row in the same transaction; a read has none from here.
select pg_temp.grid(
  'select request_id from hub.request_log limit 1',
  $$insert into hub.request_log (occurred_at, request_id, method, route, who, outcome) values (now(), '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'GET', '/', 'nobody', 'refused')$$,
  $$update hub.request_log set who = 'x'$$,
  'delete from hub.request_log',
  array[
    'visitor denied denied denied denied',
    'alice   denied denied denied denied',
    'admin   1      denied denied denied',
    'sales   0      denied denied denied',
    'system  1      denied denied denied',
    'service_role denied denied denied denied']);
do $$
declare
  rows bigint := (select count(*) from hub.request_log);
  row hub.request_log;
begin
  perform pg_temp.act('alice', 'PATCH');
  perform set_config('role', 'none', true);
  select * into row from hub.request_log order by id desc limit 1;
  assert (row.method, row.who, row.actor_id, row.owner_id, row.outcome) = ('PATCH', 'customer', 'user_2hubalice0000000000000001', 'org_2hubacme00000000000000001', 'allowed'), row;
  assert (select count(*) from hub.request_log) = rows + 1;
  perform pg_temp.act('alice', 'GET');
  perform set_config('role', 'none', true);
  assert (select count(*) from hub.request_log) = rows + 1, 'a read';
end
$$;

-- A change affects no more rows than it names keys; rows removed by a cascade are not counted.
do $$
begin
  perform pg_temp.act('admin');
  perform set_config('hub.max_affected', 'leads=1', true);
  begin
    update hub.leads set notes = 'both';
    raise exception 'two rows changed under a limit of one';
  exception when sqlstate 'PT400' then
    null;
  end;
  begin
    delete from hub.leads;
    raise exception 'two rows removed under a limit of one';
  exception when sqlstate 'PT400' then
    null;
  end;
  update hub.leads set notes = 'one' where name = 'Ada';
  perform set_config('hub.max_affected', 'contact_tickets=1', true);
  delete from hub.contact_tickets where subject = 'Of Acme';
  perform set_config('role', 'none', true);
  assert not exists (select from hub.ticket_messages where body = 'by Alice'), 'the cascade';
end
$$;
