-- The trail: what staff did (L-1, L-2), what was asked (L-3), which sessions are over (I-2).

create table hub.team_activities (
  id bigint generated always as identity,
  occurred_at timestamptz not null default clock_timestamp(),
  actor_id text not null,
  actor_role text not null,
  session_id text,
  database_role text not null,
  action text not null constraint team_activities_action_known check (action in ('insert', 'update', 'delete')),
  entity text not null,
  entity_id text not null,
  owner_id text,
  before jsonb,
  after jsonb,
  salt bytea,
  values_hash bytea not null,
  request_id text,
  erased_at timestamptz,
  constraint team_activities_pkey primary key (id, occurred_at)
) partition by range (occurred_at);
comment on table hub.team_activities is 'One row for each row that staff or a job changed, written by a trigger in the same transaction (L-1).';
comment on column hub.team_activities.id is 'Key; with gaps where a transaction was rolled back.';
comment on column hub.team_activities.occurred_at is 'When.';
comment on column hub.team_activities.actor_id is 'Clerk user id, or system:<job>.';
comment on column hub.team_activities.actor_role is 'admin, sales, support or system.';
comment on column hub.team_activities.session_id is 'Clerk session id.';
comment on column hub.team_activities.database_role is 'The database role of the session; anything but hub_staff or hub_system came by another way than the Hub.';
comment on column hub.team_activities.action is 'insert, update, delete.';
comment on column hub.team_activities.entity is 'The table.';
comment on column hub.team_activities.entity_id is 'The row.';
comment on column hub.team_activities.owner_id is 'The client whose row it was.';
comment on column hub.team_activities.before is 'The changed columns before; null after an erasure.';
comment on column hub.team_activities.after is 'The changed columns after; null after an erasure.';
comment on column hub.team_activities.salt is '32 random bytes, so that a hash of erased values cannot be guessed; null after an erasure.';
comment on column hub.team_activities.values_hash is 'hub_private.values_hash(salt, before, after); never changes.';
comment on column hub.team_activities.request_id is 'x-request-id of the request.';
comment on column hub.team_activities.erased_at is 'When the values were erased.';
create index team_activities_entity on hub.team_activities (entity_id, occurred_at);
create index team_activities_actor on hub.team_activities (actor_id, occurred_at);
create index team_activities_owner on hub.team_activities (owner_id, occurred_at);
create index team_activities_request on hub.team_activities (request_id);
create index team_activities_occurred_at on hub.team_activities (occurred_at desc, id);

create table hub.request_log (
  id bigint generated always as identity constraint request_log_pkey primary key,
  occurred_at timestamptz not null default clock_timestamp(),
  request_id text not null constraint request_log_request_once unique constraint request_log_request_form check (request_id ~ '^[0-9A-HJKMNP-TV-Z]{26}$'),
  client_request_id text constraint request_log_client_request_form check (client_request_id ~ '^[A-Za-z0-9._-]{8,64}$'),
  method text not null,
  route text not null constraint request_log_route_length check (length(route) <= 200),
  who text not null,
  actor_id text,
  session_id text,
  owner_id text,
  impersonator_id text,
  outcome text not null constraint request_log_outcome_known check (outcome in ('allowed', 'refused', 'failed')),
  status integer,
  code text,
  duration_ms integer
);
comment on table hub.request_log is 'One row a request to the API (L-3).';
comment on column hub.request_log.id is 'Key.';
comment on column hub.request_log.occurred_at is 'When it came in.';
comment on column hub.request_log.request_id is 'x-request-id, made by the Hub.';
comment on column hub.request_log.client_request_id is 'The id the client gave it.';
comment on column hub.request_log.method is 'HTTP method.';
comment on column hub.request_log.route is 'Path, with the table or function if the Hub knows it.';
comment on column hub.request_log.who is 'Audience and role, or nobody.';
comment on column hub.request_log.actor_id is 'Clerk user id.';
comment on column hub.request_log.session_id is 'Clerk session id.';
comment on column hub.request_log.owner_id is 'The client whose rows the session reaches.';
comment on column hub.request_log.impersonator_id is 'Clerk user id of who acts in the user''s place.';
comment on column hub.request_log.outcome is 'allowed, refused, failed.';
comment on column hub.request_log.status is 'HTTP status; null for a change, whose row is written before its answer.';
comment on column hub.request_log.code is 'Error code of the answer.';
comment on column hub.request_log.duration_ms is 'Up to the answer''s head; null for a change.';
create index request_log_occurred_at on hub.request_log (occurred_at desc);
create index request_log_actor on hub.request_log (actor_id, occurred_at);

create table hub.revoked_sessions (
  subject text constraint revoked_sessions_pkey primary key constraint revoked_sessions_subject_form check (subject ~ '^(sess|user)_[A-Za-z0-9]{10,64}$'),
  reason text not null constraint revoked_sessions_reason_length check (length(reason) between 1 and 500),
  revoked_by text not null default coalesce(hub_private.actor_id(), session_user),
  revoked_at timestamptz not null default now(),
  expires_at timestamptz not null
);
comment on table hub.revoked_sessions is 'Sessions and users whose tokens are refused before they run out (I-2).';
comment on column hub.revoked_sessions.subject is 'sess_… or user_….';
comment on column hub.revoked_sessions.reason is 'Why.';
comment on column hub.revoked_sessions.revoked_by is 'Clerk user id, or system:<job>.';
comment on column hub.revoked_sessions.revoked_at is 'When.';
comment on column hub.revoked_sessions.expires_at is 'When no token of it can live any more.';
create index revoked_sessions_expires_at on hub.revoked_sessions (expires_at);

-- sha256 over: salt, the bytes of before's text, one zero byte, the bytes of after's text; a null counts as no bytes. The text
-- of a jsonb is canonical, and a zero byte cannot stand in it.
create function hub_private.values_hash(salt bytea, before jsonb, after jsonb) returns bytea
  language sql stable set search_path = ''
  return sha256(salt || convert_to(coalesce(before::text, ''), 'UTF8') || '\x00'::bytea || convert_to(coalesce(after::text, ''), 'UTF8'));
comment on function hub_private.values_hash(bytea, jsonb, jsonb) is 'The hash that proves erased values were these.';

-- Writes the row of a staff or system change (L-1). A definer, since nobody who acts may write here. A customer's own writes are
-- no staff activity, but a write by nobody is refused whatever its right.
create function hub_private.record_activity() returns trigger
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  actor text := hub_private.actor_id();
  kind text := hub_private.actor_kind();
  old_row jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  new_row jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  before jsonb := old_row;
  after jsonb := new_row;
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
begin
  if actor is null or kind is null then
    raise insufficient_privilege using message = 'no actor: a write to ' || tg_table_name || ' needs one';
  end if;
  if kind in ('customer', 'visitor') then
    return null;
  end if;
  if tg_op = 'UPDATE' then
    select jsonb_object_agg(key, old_row -> key), jsonb_object_agg(key, value) into before, after
      from jsonb_each(new_row) where key <> 'updated_at' and value is distinct from old_row -> key;
    if after is null then
      return null;
    end if;
  end if;
  insert into hub.team_activities
    (actor_id, actor_role, session_id, database_role, action, entity, entity_id, owner_id, before, after, salt, values_hash, request_id)
  values (actor, coalesce(hub_private.staff_role(), kind), nullif(current_setting('hub.session_id', true), ''), current_setting('role'),
    lower(tg_op), tg_table_name, coalesce(new_row, old_row) ->> 'id', coalesce(new_row, old_row) ->> 'owner_id', before, after, salt,
    hub_private.values_hash(salt, before, after), nullif(current_setting('hub.request_id', true), ''));
  return null;
end
$$;
comment on function hub_private.record_activity() is 'Writes the row of a staff change in its own transaction; refuses a write by nobody.';

-- The trail only grows. Values may be erased once, together with their salt, and nothing else of a row may change; rows leave
-- only with their whole month.
create function hub_private.refuse_change() returns trigger
  language plpgsql volatile set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and old.erased_at is null and new.erased_at is not null
    and new.before is null and new.after is null and new.salt is null
    and to_jsonb(new) - array['before', 'after', 'salt', 'erased_at'] = to_jsonb(old) - array['before', 'after', 'salt', 'erased_at']
  then
    return new;
  end if;
  raise insufficient_privilege using message = 'team_activities is append-only';
end
$$;
comment on function hub_private.refuse_change() is 'Lets an erasure through and nothing else.';

create function hub_private.refuse_truncate() returns trigger
  language plpgsql volatile set search_path = ''
as $$
begin
  raise insufficient_privilege using message = tg_table_name || ' is not truncated';
end
$$;
comment on function hub_private.refuse_truncate() is 'TRUNCATE fires no row trigger, so it is refused.';

-- ALWAYS: an ordinary trigger does not fire while session_replication_role is replica, which Supabase's dashboard role may set.
do $$
declare
  name text;
begin
  foreach name in array array['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages'] loop
    execute format('create trigger record_activity after insert or update or delete on hub.%I for each row execute function hub_private.record_activity()', name);
    execute format('alter table hub.%I enable always trigger record_activity', name);
  end loop;
  foreach name in array array['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages', 'team_activities', 'request_log', 'revoked_sessions'] loop
    execute format('create trigger refuse_truncate before truncate on hub.%I for each statement execute function hub_private.refuse_truncate()', name);
    execute format('alter table hub.%I enable always trigger refuse_truncate', name);
    execute format('alter table hub.%I enable row level security', name);
    execute format('alter table hub.%I force row level security', name);
  end loop;
end
$$;
create trigger refuse_change before update or delete on hub.team_activities for each row execute function hub_private.refuse_change();
alter table hub.team_activities enable always trigger refuse_change;

-- A month's partition stands in hub_private, where PostgREST does not look and no role has a right.
create function hub_private.make_partitions(months integer) returns integer
  language plpgsql volatile set search_path = ''
as $$
declare
  first date := date_trunc('month', now() at time zone 'utc');
  month date;
  name text;
  made integer := 0;
begin
  for step in 0..months loop
    month := first + make_interval(months => step);
    name := 'team_activities_' || to_char(month, 'YYYY_MM');
    continue when to_regclass('hub_private.' || name) is not null;
    execute format('create table hub_private.%I partition of hub.team_activities for values from (%L) to (%L)',
      name, month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
    execute format('alter table hub_private.%I enable row level security', name);
    execute format('alter table hub_private.%I force row level security', name);
    execute format('alter table hub_private.%I enable always trigger refuse_change', name);
    execute format('create trigger refuse_truncate before truncate on hub_private.%I for each statement execute function hub_private.refuse_truncate()', name);
    execute format('alter table hub_private.%I enable always trigger refuse_truncate', name);
    made := made + 1;
  end loop;
  return made;
end
$$;
comment on function hub_private.make_partitions(integer) is 'Makes the monthly partitions of team_activities from this month on; gives how many were new.';
select hub_private.make_partitions(24);
