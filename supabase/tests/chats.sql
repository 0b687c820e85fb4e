-- A-1, A-2: chats and their messages. Acme's chat has a message of Alice, of Bob and of Support; Carol's has hers.
select pg_temp.grid(
  'select id from hub.chat_threads',
  $$insert into hub.chat_threads (topic) values ('New')$$,
  $$update hub.chat_threads set status = 'closed'$$,
  'delete from hub.chat_threads',
  array[
    'visitor       denied denied denied denied',
    'alice         1      1      1      denied',
    'carol         1      1      1      denied',
    'admin         2      denied denied denied',
    'sales         2      denied denied denied',
    'support       2      denied denied denied',
    'system        denied denied denied denied',
    'hub_nobody    denied denied denied denied',
    'service_role  denied denied denied denied']);
select pg_temp.grid(
  'select id from hub.chat_messages',
  $$insert into hub.chat_messages (thread_id, body) select id, 'more' from hub.chat_threads where topic = 'Of Acme'$$,
  $$update hub.chat_messages set body = 'other words'$$,
  'delete from hub.chat_messages',
  array[
    'visitor       denied denied denied denied',
    'alice         3      1      1      1',
    'bob           3      1      1      1',
    'carol         1      0      1      1',
    'admin         4      1      0      4',
    'sales         4      1      0      0',
    'support       4      1      1      0',
    'system        denied denied denied denied',
    'hub_nobody    denied denied denied denied',
    'service_role  denied denied denied denied']);
do $$
begin
  assert pg_temp.outcome('alice', $q$update hub.chat_messages set body = 'x' where body = 'by Bob'$q$) = '0', 'a colleague''s words';
  assert pg_temp.outcome('alice', $q$delete from hub.chat_messages where body = 'by Support'$q$) = '0';
end
$$;
