-- The housekeeping waits for no row (L-2). Carrying over locked rows one after another, up to three seconds of them in one transaction, and
-- waited for each that somebody was changing; whoever then changed two rows, one of them locked here, was in a deadlock with it, and either
-- the night's step or the change of a member of staff was taken back. Now what is being changed is left to the next step: a batch ends before
-- the first such row, and a step that begins with one says that it is busy. Rows that ran out are left to the next night in the same way.

drop function hub_private.carry_over(regclass, regclass, bigint, integer);
-- As in 20261126225000_resume_house.sql, without waiting. A row that was changed since the statement began is passed over too, by its hash: it is
-- looked at again by the next batch, which sees that it has a younger one.
create function hub_private.carry_over(month regclass, audited regclass, after_id bigint, most integer, out last_id bigint, out carried bigint, out blocked boolean)
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  called text := (select c.relname from pg_catalog.pg_class c where c.oid = audited);
  missed bigint;
begin
  execute format('select max(s.id) from (select a.id from %s a where a.entity = %L and a.id > $1 order by a.id limit $2) s', month, called)
    into last_id using after_id, most;
  execute format($q$
    with wanted as materialized (
      select a.id, r.id as row_id, a.salt, a.row_hash
      from %1$s a join %2$s r on r.id = a.entity_id::uuid
      where a.entity = %3$L and a.id > $1 and a.id <= $2
        and a.action in ('insert', 'update', 'baseline') and a.row_hash = hub_private.row_hash(a.salt, to_jsonb(r))
        -- By the index on entity_id and no other: from the end of the ids, or by entity, each row would read the whole audit log.
        and a.id = (select max(l.id + 0) from hub.team_activities l where l.entity_id = a.entity_id and l.entity || '' = a.entity
          and l.action in ('insert', 'update', 'delete', 'baseline'))
    ), had as materialized (
      select w.id, r.id::text as entity_id, to_jsonb(r) as state, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt
      from wanted w join %2$s r on r.id = w.row_id where w.row_hash = hub_private.row_hash(w.salt, to_jsonb(r))
      for share of r skip locked
    ), gap as materialized (
      select min(w.id) as id from wanted w where not exists (select from had h where h.id = w.id)
    ), kept as (
      insert into hub.team_activities (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, owner_id, salt, values_hash, row_hash, internal)
      select 'system:retention', 'system', 'system', current_user, 'baseline', %3$L, h.entity_id, h.state ->> 'owner_id', h.salt,
        hub_private.values_hash(h.salt, null, null), hub_private.row_hash(h.salt, h.state), coalesce((h.state ->> 'internal')::boolean, false)
      from had h where not exists (select from gap g where g.id < h.id)
      returning 1
    )
    select (select g.id from gap g), (select count(*) from kept)$q$, month, audited, called) into missed, carried using after_id, last_id;
  blocked := missed is not null;
  last_id := coalesce(missed - 1, last_id);
end
$$;
comment on function hub_private.carry_over(regclass, regclass, bigint, integer) is 'Writes anew the last hashes of rows that outlive a month of the audit log, for so many rows of the month, up to the first that is being changed; gives the last one, how many, and whether there was such a row.';

-- As in 20261126225000_resume_house.sql; a step ends at a row that is being changed.
create or replace function hub_private.retire_months(at timestamptz default now(), budget interval default '3 seconds', most integer default 1000) returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began constant timestamptz := clock_timestamp();
  oldest record;
  audited record;
  progress hub_private.retention_progress;
  step record;
  looked_at bigint;
  before_id bigint;
  busy boolean := false;
  moved boolean := false;
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
        before_id := progress.after_id;
        select * into step from hub_private.carry_over(oldest.month, audited.id, progress.after_id, most);
        progress.done := step.last_id is null;
        progress.after_id := coalesce(step.last_id, progress.after_id);
        progress.carried := progress.carried + step.carried;
        busy := step.blocked;
        moved := moved or progress.after_id > before_id;
        exit when progress.done or busy or clock_timestamp() >= began + budget;
      end loop;
      update hub_private.retention_progress p set after_id = progress.after_id, carried = progress.carried, done = progress.done
        where p.month = oldest.name and p.entity = audited.name;
      exit when busy or clock_timestamp() >= began + budget;
    end loop;
    if found then
      -- Whoever changes that row is given time, unless there was something else to do.
      return jsonb_build_object('done', false, 'findings', '[]'::jsonb) || case when busy and not moved then '{"busy": true}' else '{}' end::jsonb;
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

-- As in 20261126225000_resume_house.sql; what somebody else changes is left to the next night.
create or replace function hub_private.forget_old(budget interval default '20 seconds', most integer default 10000) returns jsonb
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
      execute format('delete from hub.%1$I where ctid = any (array(select o.ctid from hub.%1$I o where o.%2$I < now() - $1 order by o.%2$I limit $2 for update skip locked))',
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

-- As in 20261126225000_resume_house.sql, with what a step of retention says of itself.
create or replace function hub_private.keep_house(task text) returns jsonb
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
    result := result || jsonb_build_object('retired', step - array['done', 'busy']) || case when step ? 'busy' then '{"busy": true}' else '{}' end::jsonb;
  end if;
  return result || jsonb_build_object('done', done);
end
$$;

revoke execute on all functions in schema hub, hub_private from public;
