-- The job `house` in steps (L-2, I-2): as one statement it ended at the eight seconds of a request whenever a month had much to carry
-- over, and took partitions and deletions back with it, every night. Now each task is a call of its own, each call is bounded, and what
-- a call has done is committed before the next one begins.

create table hub_private.retention_progress (
  month text,
  entity text,
  after_id bigint not null default 0,
  carried bigint not null default 0,
  done boolean not null default false,
  constraint retention_progress_pkey primary key (month, entity)
);
comment on table hub_private.retention_progress is 'How far the months of the audit log that are over are carried over; empty when none is.';
comment on column hub_private.retention_progress.month is 'The partition.';
comment on column hub_private.retention_progress.entity is 'The table whose rows are carried over.';
comment on column hub_private.retention_progress.after_id is 'Up to which row of the month.';
comment on column hub_private.retention_progress.carried is 'How many were carried over so far.';
comment on column hub_private.retention_progress.done is 'Whether the month has no more of them.';
alter table hub_private.retention_progress enable row level security;
alter table hub_private.retention_progress force row level security;
create trigger refuse_truncate before truncate on hub_private.retention_progress for each statement execute function hub_private.refuse_truncate();
alter table hub_private.retention_progress enable always trigger refuse_truncate;

drop function hub_private.carry_over(regclass);
-- The rows of one table in one month, from an id on. A row that a transaction is changing is waited for: its old hash, written after its
-- new one, would be the last of it.
create function hub_private.carry_over(month regclass, audited regclass, after_id bigint, most integer, out last_id bigint, out carried bigint)
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  called text := (select c.relname from pg_catalog.pg_class c where c.oid = audited);
begin
  execute format('select max(s.id) from (select a.id from %s a where a.entity = %L and a.id > $1 order by a.id limit $2) s', month, called)
    into last_id using after_id, most;
  execute format($q$
    with kept as (
      select r.id::text as entity_id, to_jsonb(r) as state, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt
      from %1$s a join %2$s r on r.id = a.entity_id::uuid
      where a.entity = %3$L and a.id > $1 and a.id <= $2
        and a.action in ('insert', 'update', 'baseline') and a.row_hash = hub_private.row_hash(a.salt, to_jsonb(r))
        -- By the index on entity_id and no other: from the end of the ids, or by entity, each row would read the whole audit log.
        and a.id = (select max(l.id + 0) from hub.team_activities l where l.entity_id = a.entity_id and l.entity || '' = a.entity
          and l.action in ('insert', 'update', 'delete', 'baseline'))
      for share of r
    )
    insert into hub.team_activities (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, owner_id, salt, values_hash, row_hash, internal)
    select 'system:retention', 'system', 'system', current_user, 'baseline', %3$L, entity_id, state ->> 'owner_id', salt,
      hub_private.values_hash(salt, null, null), hub_private.row_hash(salt, state), coalesce((state ->> 'internal')::boolean, false)
    from kept$q$, month, audited, called) using after_id, last_id;
  get diagnostics carried = row_count;
end
$$;
comment on function hub_private.carry_over(regclass, regclass, bigint, integer) is 'Writes anew the last hashes of rows that outlive a month of the audit log, for so many rows of the month; gives the last one and how many.';

-- The months that are over by 24 months at a time, by their bounds: a name is no age.
create function hub_private.months_over(at timestamptz) returns table (month regclass, name text)
  language sql stable set search_path = '' set timezone = 'UTC'
as $$
  select c.oid::regclass, c.relname::text from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    cross join lateral (select (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz as ends) b
  where i.inhparent = 'hub.team_activities'::regclass and b.ends + interval '24 months' <= at
  order by b.ends
$$;
comment on function hub_private.months_over(timestamptz) is 'The months of the audit log that are over by 24 months, the oldest first.';

-- One step: carries over for as long as the budget, or drops the oldest month that has nothing left to carry over. A drop is a step of its
-- own, since no one writes to the audit log before it commits. `at` is for the tests; the event trigger that guards the partitions
-- asks the real clock.
drop function hub_private.retire_months(timestamptz);
create function hub_private.retire_months(at timestamptz default now(), budget interval default '3 seconds', most integer default 1000) returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began constant timestamptz := clock_timestamp();
  oldest record;
  audited record;
  progress hub_private.retention_progress;
  step record;
  looked_at bigint;
  dropped jsonb := '[]';
  rows_dropped bigint;
begin
  if at > now() then
    raise exception 'nothing is retired before its time';
  end if;
  select count(*) into looked_at from pg_catalog.pg_inherits i where i.inhparent = 'hub.team_activities'::regclass;
  select m.* into oldest from hub_private.months_over(at) m limit 1;
  if found then
    for audited in
      select t.id, c.relname::text as name from hub_private.audited_tables() as t (id) join pg_catalog.pg_class c on c.oid = t.id
      where not exists (select from hub_private.retention_progress p where p.month = oldest.name and p.entity = c.relname and p.done) order by c.relname
    loop
      insert into hub_private.retention_progress (month, entity) values (oldest.name, audited.name) on conflict do nothing;
      select p.* into progress from hub_private.retention_progress p where p.month = oldest.name and p.entity = audited.name;
      loop
        select * into step from hub_private.carry_over(oldest.month, audited.id, progress.after_id, most);
        progress.done := step.last_id is null;
        progress.after_id := coalesce(step.last_id, progress.after_id);
        progress.carried := progress.carried + step.carried;
        exit when progress.done or clock_timestamp() >= began + budget;
      end loop;
      update hub_private.retention_progress p set after_id = progress.after_id, carried = progress.carried, done = progress.done
        where p.month = oldest.name and p.entity = audited.name;
      exit when clock_timestamp() >= began + budget;
    end loop;
    if found then
      return jsonb_build_object('done', false, 'findings', '[]'::jsonb);
    end if;
    execute format('select count(*) from %s', oldest.month) into rows_dropped;
    execute format('drop table %s', oldest.month);
    dropped := jsonb_build_array(jsonb_build_object('partition', oldest.name, 'rows', rows_dropped,
      'carried_over', (select coalesce(sum(p.carried), 0) from hub_private.retention_progress p where p.month = oldest.name)));
    delete from hub_private.retention_progress p where p.month = oldest.name;
  end if;
  return hub_private.record_check('retention', looked_at, dropped, began) || jsonb_build_object('done', not exists (select from hub_private.months_over(at)));
end
$$;
comment on function hub_private.retire_months(timestamptz, interval, integer) is 'One step of dropping the months of the audit log that are over by 24 months; records what it dropped, and says whether that was the last step.';

-- What ran out, so many rows at a time, for as long as the budget.
create function hub_private.forget_old(budget interval default '20 seconds', most integer default 10000) returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began constant timestamptz := clock_timestamp();
  old record;
  removed bigint;
  total bigint;
  done boolean := true;
  result jsonb := '{}';
begin
  for old in
    -- A revocation that ran out still tells an overtaken message from a new one, so it is kept as long as the messages are.
    select * from (values ('revocations_forgotten', 'revoked_sessions', 'expires_at', interval '30 days'),
      ('messages_forgotten', 'webhook_messages', 'received_at', interval '30 days'),
      ('requests_forgotten', 'request_log', 'occurred_at', interval '12 months'),
      ('rejected_forgotten', 'request_log_rejected', 'received_at', interval '12 months')) as o (name, relation, since, kept)
  loop
    total := 0;
    loop
      execute format('delete from hub.%1$I where ctid = any (array(select o.ctid from hub.%1$I o where o.%2$I < now() - $1 order by o.%2$I limit $2))',
        old.relation, old.since) using old.kept, most;
      get diagnostics removed = row_count;
      total := total + removed;
      exit when removed < most;
      if clock_timestamp() >= began + budget then
        done := false;
        exit;
      end if;
    end loop;
    result := result || jsonb_build_object(old.name, total);
  end loop;
  return result || jsonb_build_object('done', done);
end
$$;
comment on function hub_private.forget_old(interval, integer) is 'Removes revocations and messages after 30 days, request rows and rejected ones after 12 months; says whether any are left.';

drop function hub.keep_house();
drop function hub_private.keep_house();
create function hub_private.keep_house(task text) returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  result jsonb := '{}';
  step jsonb;
  done boolean := true;
begin
  if task not in ('partitions', 'deletions', 'retention') then
    raise sqlstate 'PT400' using message = 'no such task', hint = 'partitions, deletions, retention.';
  end if;
  -- Another step at this moment does the same work.
  if not pg_try_advisory_xact_lock(hashtextextended('hub_private.keep_house', 0)) then
    return jsonb_build_object('done', false, 'busy', true);
  end if;
  if coalesce(task, 'partitions') = 'partitions' then
    result := result || jsonb_build_object('partitions_made', hub_private.make_partitions(24));
  end if;
  if coalesce(task, 'deletions') = 'deletions' then
    step := hub_private.forget_old();
    done := done and (step ->> 'done')::boolean;
    result := result || (step - 'done');
  end if;
  if coalesce(task, 'retention') = 'retention' then
    step := hub_private.retire_months();
    done := done and (step ->> 'done')::boolean;
    result := result || jsonb_build_object('retired', step - 'done');
  end if;
  return result || jsonb_build_object('done', done);
end
$$;
comment on function hub_private.keep_house(text) is 'One step of a task, or of each: makes partitions ahead; forgets what ran out; retires months of the audit log. Says whether it is done.';
-- A request waits eight seconds; behind a lock that is waited for here, it waits as well.
create function hub.keep_house(task text default null) returns jsonb
  language sql volatile set search_path = '' set statement_timeout = '60s' set lock_timeout = '4s'
  return hub_private.keep_house(task);
comment on function hub.keep_house(text) is 'One step, of some 20 seconds at most, of partitions, deletions or retention, or of each; says whether it is done.';
grant execute on function hub.keep_house(text), hub_private.keep_house(text) to hub_system;

revoke execute on all functions in schema hub, hub_private from public;
