-- A-3, L-1: a change without a row in the audit log is found and named, apart from changes that bypassed the Hub.
do $$
declare
  found jsonb;
  lead uuid := (select id from hub.leads where name = 'Ada');
  ticket uuid := (select id from hub.contact_tickets where subject = 'Of Acme');
  message uuid := (select id from hub.ticket_messages where body = 'by Carol');
  checks bigint;
begin
  perform hub_private.check_out_of_band();
  assert not exists (select from hub_private.find_drift()), (select jsonb_agg(to_jsonb(f)) from hub_private.find_drift() f);
  -- In every time zone.
  perform set_config('timezone', 'Asia/Kathmandu', true);
  assert not exists (select from hub_private.find_drift());
  perform set_config('timezone', 'UTC', true);

  -- Triggers disabled, as the owner of a table can do.
  alter table hub.leads disable trigger user;
  alter table hub.contact_tickets disable trigger user;
  alter table hub.ticket_messages disable trigger user;
  update hub.leads set notes = 'nobody saw this' where id = lead;
  insert into hub.leads (name, email) values ('Ghost', 'ghost@example.com');
  delete from hub.ticket_messages where id = message;
  update hub.contact_tickets set priority = 'low' where id = ticket;
  alter table hub.leads enable trigger user;
  alter table hub.contact_tickets enable trigger user;
  alter table hub.ticket_messages enable trigger user;
  alter table hub.leads enable always trigger record_activity;
  alter table hub.contact_tickets enable always trigger record_activity;
  alter table hub.ticket_messages enable always trigger record_activity;
  select jsonb_object_agg(f.entity_id, f.finding) into found from hub_private.find_drift() f;
  assert (select count(*) from jsonb_object_keys(found)) = 4, found;
  assert found ->> lead::text = 'a row changed past the trail' and found ->> ticket::text = 'a row changed past the trail'
    and found ->> message::text = 'a row that is gone without a trail', found;
  assert found ->> (select id::text from hub.leads where name = 'Ghost') = 'a row without a trail', found;

  -- Stored, readable by staff, and run by the job alone.
  perform pg_temp.act('system');
  perform hub.run_checks();
  perform set_config('role', 'none', true);
  assert (select not passed and jsonb_array_length(findings) = 4 from hub.checks where name = 'drift' order by id desc limit 1);
  assert pg_temp.outcome('admin', 'select id from hub.checks') <> 'denied' and pg_temp.outcome('support', 'select id from hub.checks') = '0';
  assert pg_temp.outcome('admin', 'select hub.run_checks()') = 'denied';
  assert pg_temp.outcome('system', 'delete from hub.checks') = 'denied';

  -- Direct SQL needs an actor as well, and is recorded with the login role, for any claimed kind.
  perform set_config('hub.actor_id', 'user_2hubalice0000000000000001', true), set_config('hub.actor_kind', 'customer', true);
  update hub.leads set notes = 'by hand' where id = lead;
  assert (select out_of_band and login_role = session_user and actor_kind = 'customer' from hub.team_activities order by id desc limit 1);
end
$$;
