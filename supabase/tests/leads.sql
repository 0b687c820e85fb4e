-- A-1, A-2: leads. They have no owner: visitors insert them, customers cannot read them.
select pg_temp.grid(
  'select id from hub.leads',
  $$insert into hub.leads (name, email) values ('Cy', 'cy@example.com')$$,
  $$update hub.leads set status = 'contacted'$$,
  'delete from hub.leads',
  array[
    'visitor       denied 1      denied denied',
    'alice         denied denied denied denied',
    'admin         2      1      2      2',
    'sales         2      1      2      0',
    'support       2      denied 0      0',
    'system        denied denied denied denied',
    'hub_nobody    denied denied denied denied',
    'anon          denied denied denied denied',
    'authenticated denied denied denied denied',
    'service_role  denied denied denied denied']);

-- Columns: a visitor sets no status, sales change no name.
do $$
begin
  assert pg_temp.outcome('visitor', $q$insert into hub.leads (name, email, status) values ('a', 'a@b.c', 'won')$q$) = 'denied';
  assert pg_temp.outcome('admin', $q$insert into hub.leads (name, email, status) values ('a', 'a@b.c', 'won')$q$) = 'denied';
  assert pg_temp.outcome('sales', $q$update hub.leads set assigned_to = 'somebody'$q$) = '23514';
  assert pg_temp.outcome('admin', $q$update hub.leads set message = 'other words'$q$) = 'denied', 'what was asked is not rewritten';
  assert pg_temp.outcome('admin', $q$update hub.leads set id = gen_random_uuid()$q$) = 'denied';
  assert pg_temp.outcome('sales', $q$update hub.leads set status = 'nonsense'$q$) = 'PT409';
end
$$;
