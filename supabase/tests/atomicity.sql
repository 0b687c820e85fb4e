-- L-1: a change and its row are atomic: if the row cannot be written, for any cause, the change is rolled back.

-- A change of the schema that cannot be recorded is rejected as well, so the causes below need these triggers disabled.
alter event trigger hub_after_ddl disable;
alter event trigger hub_after_drop disable;
do $$
declare
  broken text;
  outcome text;
begin
  foreach broken in array array[
    -- A constraint that the row violates.
    $q$alter table hub.team_activities add constraint nothing_more check (actor_role <> 'sales') not valid$q$,
    -- No privilege to write it.
    $q$revoke insert on hub.team_activities from postgres$q$,
    -- The month has no partition.
    format($q$alter table hub.team_activities detach partition %s$q$, (select tableoid::regclass from hub.team_activities limit 1)),
    -- A column without a value.
    $q$alter table hub.team_activities add column extra text; alter table hub.team_activities add constraint extra_filled check (extra is not null) not valid$q$,
    -- The values to record cannot be evaluated.
    $q$create or replace function hub_private.is_activity(action text, actor_kind text, purpose text, actor_name text, reason text, filter text, salt bytea, row_hash bytea,
      erased_at timestamptz) returns boolean language plpgsql immutable as 'begin raise division_by_zero; end'$q$
  ] loop
    begin
      perform set_config('role', 'none', true);
      execute broken;
      outcome := pg_temp.outcome('sales', $q$update hub.leads set notes = 'must not stay'$q$);
      perform set_config('role', 'none', true);
      assert outcome !~ '^[0-9]{1,4}$' , format('"%s": the change went through (%s)', broken, outcome);
      assert not exists (select from hub.leads where notes = 'must not stay');
      raise sqlstate 'TT001';
    exception when sqlstate 'TT001' then
      null;
    end;
  end loop;
  assert pg_temp.outcome('sales', $q$update hub.leads set notes = 'mended'$q$) = '2', 'the tests above left something broken';
end
$$;
