-- Shared by the tests of the database: users, rows of two owners, and a grid of rights. All of it is in the session's
-- own pg_temp, and every test file is rolled back.

-- Acts as a persona, as PostgREST does: claims, headers, role, pre-request.
create function pg_temp.act(who text, method text default 'POST', more jsonb default '{}', says jsonb default '{}') returns void language plpgsql as $$
declare
  person text[] := case who
    when 'alice' then array['hub_customer', 'user_2hubalice0000000000000001', 'org_2hubacme00000000000000001']
    when 'bob' then array['hub_customer', 'user_2hubbob000000000000000002', 'org_2hubacme00000000000000001']
    when 'carol' then array['hub_customer', 'user_2hubcarol0000000000000003', 'user_2hubcarol0000000000000003']
    when 'frank' then array['hub_customer', 'user_2hubfrank0000000000000011', 'org_2hubnorthwind000000000010']
    when 'admin' then array['hub_staff', 'user_2hubadmin0000000000000005']
    when 'sales' then array['hub_staff', 'user_2hubsales0000000000000006']
    when 'support' then array['hub_staff', 'user_2hubsupport000000000000007']
    when 'system' then array['hub_system', 'system:test']
    when 'visitor' then array['hub_visitor'] end;
begin
  perform set_config('role', 'none', true);
  if person is null then
    -- A role that PostgREST may switch to and that is none of the Hub's: no pre-request runs for it here.
    perform set_config('hub.actor_id', '', true), set_config('hub.actor_kind', '', true), set_config('role', who, true);
    return;
  end if;
  perform set_config('request.method', method, true),
    set_config('request.headers', (jsonb_build_object('x-request-id', upper(substr(md5(random()::text), 1, 26))) || says)::text, true),
    set_config('request.jwt.claims', jsonb_strip_nulls(jsonb_build_object('role', person[1], 'sub', person[2], 'owner', person[3],
      'sid', case when person[2] like 'user%' then 'sess' || substr(person[2], 5) end,
      'sat', case when person[2] like 'user%' then floor(extract(epoch from now()))::bigint end, 'org', case when person[3] like 'org%' then person[3] end,
      'stacklumen_role', case when person[1] = 'hub_staff' then who end) || more)::text, true),
    set_config('role', person[1], true);
  perform hub_private.before_request();
end
$$;

-- Returns the outcome of a persona's statement: rows, `denied`, or an SQLSTATE. It leaves nothing behind.
create function pg_temp.outcome(who text, statement text) returns text language plpgsql as $$
declare
  touched bigint;
begin
  perform pg_temp.act(who);
  execute statement;
  get diagnostics touched = row_count;
  raise sqlstate 'TT000' using message = touched::text;
exception
  when sqlstate 'TT000' then return sqlerrm;
  when insufficient_privilege then return 'denied';
  when others then return sqlstate;
end
$$;

-- Compares a grid: each row of `expected` is a persona with the outcomes of select, insert, update and delete.
create function pg_temp.grid(selects text, inserts text, updates text, deletes text, expected text[], staff_inserts text default null) returns void language plpgsql as $$
declare
  line text;
  who text;
  found text;
begin
  foreach line in array expected loop
    who := split_part(regexp_replace(line, '\s+', ' ', 'g'), ' ', 1);
    found := concat_ws(' ', who, pg_temp.outcome(who, selects),
      pg_temp.outcome(who, case when who in ('admin', 'sales', 'support') then coalesce(staff_inserts, inserts) else inserts end),
      pg_temp.outcome(who, updates), pg_temp.outcome(who, deletes));
    if found <> regexp_replace(line, '\s+', ' ', 'g') then
      raise exception 'found "%", expected "%"', found, regexp_replace(line, '\s+', ' ', 'g');
    end if;
  end loop;
end
$$;

-- Rows of two owners. Staff wrote some of them, so the audit log has rows too.
do $$
begin
  perform pg_temp.act('admin');
  insert into hub.leads (name, email) values ('Ada', 'ada@example.com'), ('Bo', 'bo@example.com');
  perform pg_temp.act('alice');
  insert into hub.contact_tickets (subject) values ('Of Acme');
  insert into hub.ticket_messages (ticket_id, body) select id, 'by Alice' from hub.contact_tickets;
  insert into hub.chat_threads (topic) values ('Of Acme');
  insert into hub.chat_messages (thread_id, body) select id, 'by Alice' from hub.chat_threads;
  perform pg_temp.act('bob');
  insert into hub.chat_messages (thread_id, body) select id, 'by Bob' from hub.chat_threads;
  perform pg_temp.act('carol');
  insert into hub.contact_tickets (subject) values ('Of Carol');
  insert into hub.ticket_messages (ticket_id, body) select id, 'by Carol' from hub.contact_tickets;
  insert into hub.chat_threads (topic) values ('Of Carol');
  insert into hub.chat_messages (thread_id, body) select id, 'by Carol' from hub.chat_threads;
  perform pg_temp.act('support');
  insert into hub.ticket_messages (ticket_id, body) select id, 'by Support' from hub.contact_tickets where subject = 'Of Acme';
  insert into hub.ticket_messages (ticket_id, body, internal) select id, 'a note', true from hub.contact_tickets where subject = 'Of Acme';
  insert into hub.chat_messages (thread_id, body) select id, 'by Support' from hub.chat_threads where topic = 'Of Acme';
  perform pg_temp.act('system');
  perform set_config('role', 'none', true);
  insert into hub.revoked_sessions (subject, reason, expires_at) values ('sess_2hubgone000000000000001', 'test', now() + interval '1 hour');
end
$$;
