-- Drift (A-3, L-1): a row whose hash is not the one that its last change left behind was changed past the trail: with triggers off,
-- by a restore, by whoever owns the table. And what came by another way than the Hub is told apart.

create function hub_private.find_drift() returns table (entity text, entity_id text, finding text)
  language plpgsql stable security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  audited regclass;
  called text;
begin
  for audited in select * from hub_private.audited_tables() loop
    select c.relname into called from pg_catalog.pg_class c where c.oid = audited;
    return query execute format($q$
      with last as (
        select distinct on (a.entity_id) a.entity_id, a.action, a.salt, a.row_hash, a.erased_at
        from hub.team_activities a where a.entity = %1$L and a.action in ('insert', 'update', 'delete', 'baseline')
        order by a.entity_id, a.id desc
      )
      select %1$L::text, coalesce(r.id::text, last.entity_id), case
          when last.entity_id is null then 'a row without a trail'
          when r.id is null then 'a row that is gone without a trail'
          when last.action = 'delete' then 'a removed row that is back'
          else 'a row changed past the trail' end
      from last full join %2$s r on r.id::text = last.entity_id
      where last.entity_id is null
        or (r.id is null and last.action <> 'delete')
        or (r.id is not null and last.action = 'delete')
        or (r.id is not null and last.action <> 'delete' and last.erased_at is null
          and last.row_hash is distinct from sha256(last.salt || convert_to(jsonb_strip_nulls(to_jsonb(r))::text, 'UTF8')))$q$, called, audited);
  end loop;
end
$$;
comment on function hub_private.find_drift() is 'Rows that are not as their last change left them.';

create function hub_private.check_drift() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began timestamptz := clock_timestamp();
  audited regclass;
  looked_at bigint := 0;
  more bigint;
  findings jsonb;
begin
  for audited in select * from hub_private.audited_tables() loop
    execute format('select count(*) from %s', audited) into more;
    looked_at := looked_at + more;
  end loop;
  select coalesce(jsonb_agg(to_jsonb(f)), '[]') into findings from (select * from hub_private.find_drift() limit 100) f;
  return hub_private.record_check('drift', looked_at, findings, began);
end
$$;
comment on function hub_private.check_drift() is 'Looks for drift and stores what it found.';

-- Since the last look, by the row's number: what was written by somebody who was not connected as the Hub is.
create function hub_private.check_out_of_band() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began timestamptz := clock_timestamp();
  since timestamptz := (select max(c.ran_at) from hub.checks c where c.name = 'out_of_band');
  findings jsonb;
  looked_at bigint;
begin
  select count(*) into looked_at from hub.team_activities a where since is null or a.occurred_at > since;
  select coalesce(jsonb_agg(to_jsonb(f)), '[]') into findings from (
    select a.login_role, a.actor_id, a.entity, a.action, count(*) as rows, min(a.occurred_at) as first, max(a.occurred_at) as last
    from hub.team_activities a where a.out_of_band and (since is null or a.occurred_at > since) and a.action <> 'baseline'
    group by 1, 2, 3, 4 order by 7 desc limit 100) f;
  return hub_private.record_check('out_of_band', looked_at, findings, began);
end
$$;
comment on function hub_private.check_out_of_band() is 'Lists what was changed by another way than the Hub since the last look, and stores it.';

create function hub_private.run_checks() returns jsonb
  language sql volatile security definer set search_path = ''
  return jsonb_build_array(hub_private.check_drift(), hub_private.check_out_of_band());
comment on function hub_private.run_checks() is 'Runs every nightly check.';
-- Every row is read: more than the eight seconds that a request has (PostgREST hoists this setting to the transaction).
create function hub.run_checks() returns jsonb
  language sql volatile set search_path = '' set statement_timeout = '300s'
  return hub_private.run_checks();
comment on function hub.run_checks() is 'Runs every nightly check and stores what they found.';
grant execute on function hub.run_checks(), hub_private.run_checks() to hub_system;

revoke execute on all functions in schema hub, hub_private from public;
