-- By which way a change came (A-3, L-1): whoever is connected as `authenticator` and is not PostgREST shows at once or at the next
-- nightly look.

-- PostgREST says method and path in each transaction, and the Hub an id with each request of a person; a job of the Hub has none.
-- These can be said by hand too, by somebody who knows the Hub well: then the request is not in the request log, or the
-- Hub never told how it ended, and the nightly look finds it.
alter table hub.team_activities alter column out_of_band set default session_user <> 'authenticator'
  or coalesce(current_setting('request.method', true), '') = '' or coalesce(current_setting('request.path', true), '') = ''
  or (coalesce(current_setting('hub.actor_kind', true), '') <> 'system' and coalesce(current_setting('hub.request_id', true), '') = '');
comment on column hub.team_activities.out_of_band is 'Whether it came by another way than the Hub: by another login, or by none of its requests.';
comment on column hub.team_activities.login_role is 'Who was connected to the database (session_user); authenticator is the Hub''s way.';

-- What says that it came by the Hub, and of what the Hub does not know. A request's row is written in the change's own transaction,
-- and completed by the Hub once it has answered.
create function hub_private.find_forged(since timestamptz, until timestamptz)
  returns table (id bigint, occurred_at timestamptz, login_role text, actor_id text, entity text, action text, finding text)
  language sql stable security definer set search_path = ''
begin atomic
  select a.id, a.occurred_at, a.login_role, a.actor_id, a.entity, a.action,
    case when r.request_id is null then 'a request that the Hub does not know'
      when r.actor_id is distinct from a.actor_id then 'the request of somebody else'
      when r.occurred_at not between a.occurred_at - interval '5 minutes' and a.occurred_at + interval '5 minutes' then 'a request of another time'
      when r.method in ('GET', 'HEAD') then 'a request that only read'
      else 'a request that the Hub never answered' end
  from hub.team_activities a left join hub.request_log r on r.request_id = a.request_id
  where a.occurred_at >= since and a.occurred_at < until and not a.out_of_band and a.erased_at is null
    and a.actor_kind in ('staff', 'customer') and a.action in ('insert', 'update', 'delete')
    and (r.request_id is null or r.actor_id is distinct from a.actor_id or r.status is null or r.method in ('GET', 'HEAD')
      or r.occurred_at not between a.occurred_at - interval '5 minutes' and a.occurred_at + interval '5 minutes')
  order by a.id;
end;
comment on function hub_private.find_forged(timestamptz, timestamptz) is 'Changes that say they came by a request which the Hub does not know or did not end.';

-- A change is dated when it is made and seen when it is committed, so each look reaches back a day behind the last one: what a
-- transaction held open until after that look is still found. The Hub has an hour to tell how a request ended.
create or replace function hub_private.check_out_of_band() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began timestamptz := clock_timestamp();
  since timestamptz := coalesce((select max(c.ran_at) from hub.checks c where c.name = 'out_of_band') - interval '1 day', '-infinity');
  findings jsonb;
  looked_at bigint;
begin
  select count(*) into looked_at from hub.team_activities a where a.occurred_at >= since;
  select coalesce(jsonb_agg(to_jsonb(f)), '[]') into findings from (
    select b.finding, b.login_role, b.actor_id, b.entity, b.action, count(*) as rows, min(b.occurred_at) as first, max(b.occurred_at) as last
    from (
      select a.occurred_at, a.login_role, a.actor_id, a.entity, a.action, 'another way than the Hub' as finding
      from hub.team_activities a where a.out_of_band and a.occurred_at >= since and a.action <> 'baseline'
      union all
      select g.occurred_at, g.login_role, g.actor_id, g.entity, g.action, g.finding
      from hub_private.find_forged(since, began - interval '1 hour') g
    ) b
    group by 1, 2, 3, 4, 5 order by 8 desc limit 100) f;
  return hub_private.record_check('out_of_band', looked_at, findings, began);
end
$$;
comment on function hub_private.check_out_of_band() is 'Lists what was changed by another way than the Hub since a day before the last look, and stores it.';

revoke execute on all functions in schema hub, hub_private from public;
