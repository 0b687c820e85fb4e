-- R-3, L-1, L-2: an erasure by an admin affects one user: no act of staff, no rows of others without their count.

-- The whole state except the request log, in which a rejection has its row.
create function pg_temp.everything() returns text language plpgsql as $$
declare
  entity regclass;
  state text := '';
  more text;
begin
  for entity in select c.oid::regclass from pg_class c where c.relnamespace = 'hub'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and c.relname <> 'request_log' order by 1
  loop
    execute format('select count(*) || md5(coalesce(string_agg(r::text, '','' order by r::text), '''')) from %s r', entity) into more;
    state := state || entity || more;
  end loop;
  return state;
end
$$;

create function pg_temp.erase(user_id text, identifiers text[], other_rows integer default 0, reason text default 'request 42') returns text language plpgsql as $$
declare
  hint text;
  found jsonb;
begin
  perform pg_temp.act('admin', 'POST', '{"name": "Ada Admin"}');
  found := hub.erase_user(user_id, identifiers, reason, other_rows);
  perform set_config('role', 'none', true);
  return found ->> 'pseudonym';
exception when others then
  get stacked diagnostics hint = pg_exception_hint;
  perform set_config('role', 'none', true);
  return concat_ws(' ', sqlstate, sqlerrm, hint);
end
$$;

do $$
declare
  alice constant text := 'user_2hubalice0000000000000001';
  carol constant text := 'user_2hubcarol0000000000000003';
  unknown constant text := 'user_2hubmadeup000000000000042';
  support constant text := 'user_2hubsupport000000000000007';
  ticket constant uuid := (select id from hub.contact_tickets where subject = 'Of Carol');
  state text;
  found text;
  identifier text;
  acts bigint;
begin
  perform pg_temp.act('admin', 'POST', '{"name": "Ada Admin"}');
  insert into hub.leads (name, email, message) select 'Lead ' || n, format('lead%s@example.com', n), 'please call' from generate_series(1, 30) n;
  perform pg_temp.act('support', 'POST', '{"name": "Sue Support"}');
  insert into hub.ticket_messages (ticket_id, body) values (ticket, 'please ask Alice Liddell'), (ticket, 'Dear Carol Danvers');
  perform pg_temp.act('carol');
  insert into hub.ticket_messages (ticket_id, body) values (ticket, 'this is Carol Danvers');
  perform pg_temp.act('alice');
  insert into hub.ticket_messages (ticket_id, body) select id, 'this is Alice Liddell' from hub.contact_tickets where subject = 'Of Acme';
  perform set_config('role', 'none', true);
  state := pg_temp.everything();

  -- Staff: by the id, by a name, by one's own name, in another case, and by one who has only read.
  foreach found in array array[pg_temp.erase(support, '{}'), pg_temp.erase(support, array['lead1@example.com'])] loop
    assert found like 'PT409 acts of staff are kept%', found;
  end loop;
  foreach identifier in array array['Ada Admin', 'ADA  ADMIN', 'Sue Support', 'ue Suppor'] loop
    found := pg_temp.erase(carol, array[identifier]);
    assert found like 'PT409 an identifier is in the name of a member of staff%', (identifier, found);
  end loop;
  assert pg_temp.outcome('system', format('select hub.erase_person(%L, %L)', support, '{}')) = 'PT409';

  -- Identifiers whose form identifies no user.
  foreach identifier in array array['please', '.com', 'example', '@example.com', 'lead1@', 'please.', 'a b', 'Al Li', '2026-11-26', '2026-11-26 10:00', 'Liddell', '-- --------', 'a.b.c.d.e.f', 'x please'] loop
    found := pg_temp.erase(alice, array[identifier]);
    assert found like 'PT400 %', (identifier, found);
  end loop;
  -- For an id without a row, a name only matches text that others wrote.
  foreach identifier in array array['Ada Admin', 'Alice Liddell', 'please call'] loop
    found := pg_temp.erase(unknown, array[identifier]);
    assert found like 'PT400 there is no row of this user id%', (identifier, found);
  end loop;

  -- Rows of others need a confirmed count: 30 leads with their rows of the audit log; no other number than the one
  -- found is accepted.
  found := pg_temp.erase(alice, array['please call']);
  assert found = 'PT409 60 rows of others hold an identifier leads 30, team_activities 30. If each of them means this person, send other_rows: 60.', found;
  found := pg_temp.erase(alice, array['Alice Liddell']);
  assert found = 'PT409 2 rows of others hold an identifier team_activities 1, ticket_messages 1. If each of them means this person, send other_rows: 2.', found;
  foreach acts in array array[-1, 0, 1, 3, 1000000] loop
    assert pg_temp.erase(alice, array['Alice Liddell'], acts::integer) like 'PT409 2 rows%', acts::text;
  end loop;
  assert pg_temp.erase(alice, '{}', 1) like 'PT409 0 rows of others%';
  assert state = pg_temp.everything(), 'a refusal changed something';

  -- A data subject without an account, by the address alone: their lead is removed and no other.
  begin
    found := pg_temp.erase(unknown, array['Lead1@example.com']);
    assert found like 'erased\_%', found;
    assert not exists (select from hub.leads where email = 'lead1@example.com') and (select count(*) from hub.leads where message = 'please call') = 29;
    assert exists (select from hub.team_activities where actor_name = 'Ada Admin' and action = 'insert' and entity = 'leads' and erased_at is not null), 'the act stays';
    raise sqlstate 'TT000';
  exception when sqlstate 'TT000' then null;
  end;
  -- A customer: their own rows, and those they wrote for an organization, without a count; rows of others with the
  -- right one. Names are of any script.
  begin
    found := pg_temp.erase(carol, array['carol@example.com', 'Carol Danvers', '+44 20 7946 0958', 'Élodie "Åsa" D.', '王小 明明明明']);
    assert found like 'erased\_%' and not exists (select from hub.contact_tickets where owner_id = carol), found;
    raise sqlstate 'TT000';
  exception when sqlstate 'TT000' then null;
  end;
  -- L-1, L-2: the actors, and the values of every act that concerns others, are unchanged.
  create temp table trail as select * from hub.team_activities;
  found := pg_temp.erase(alice, array['alice.liddell@example.com', 'Alice Liddell'], 2);
  assert found like 'erased\_%', found;
  assert (select body from hub.ticket_messages where ticket_id = ticket and body like 'please%') = 'please ask [erased]';
  select count(*) into acts from trail t left join hub.team_activities a using (id) where t.actor_kind = 'staff' and (a.actor_id, a.actor_name) is distinct from (t.actor_id, t.actor_name);
  assert acts = 0, 'an act of staff lost its name';
  select count(*) into acts from trail t join hub.team_activities a using (id)
    where t.owner_id is distinct from alice and t.actor_id <> alice and (a.before, a.after) is distinct from (t.before, t.after);
  assert acts = 1, format('%s rows of others lost their values', acts);
end
$$;
