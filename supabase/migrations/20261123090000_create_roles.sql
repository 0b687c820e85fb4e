-- The Hub's own database roles (A-3). Supabase's anon, authenticated and service_role get nothing here: its sign-up can hand
-- out `authenticated` to anybody, and `service_role` is a key that no person and no program of ours should hold.

do $$
declare
  name text;
begin
  foreach name in array array['hub_nobody', 'hub_visitor', 'hub_customer', 'hub_staff', 'hub_system'] loop
    if to_regrole(name) is null then
      execute format('create role %I nologin noinherit nobypassrls', name);
    end if;
    execute format('grant %I to authenticator', name);
    execute format('alter role %I set statement_timeout = %L', name, '8s');
  end loop;
end
$$;

comment on role hub_nobody is 'A request without a token: holds no right at all.';
comment on role hub_visitor is 'The public forms.';
comment on role hub_customer is 'A signed-in client: rows of the own owner.';
comment on role hub_staff is 'A member of the studio: every change leaves a row in team_activities.';
comment on role hub_system is 'The Hub itself: request rows, revocations, jobs.';

create schema hub;
comment on schema hub is 'What PostgREST exposes.';
create schema hub_private;
comment on schema hub_private is 'Helpers and partitions; never exposed.';

revoke all on schema hub, hub_private from public;
grant usage on schema hub, hub_private to hub_visitor, hub_customer, hub_staff, hub_system;
alter default privileges in schema hub revoke all on tables from public;
alter default privileges revoke execute on functions from public;

-- Supabase grants its roles every right on new objects of some schemas; not of these.
do $$
declare
  name text;
begin
  foreach name in array array['anon', 'authenticated', 'service_role'] loop
    if to_regrole(name) is not null then
      execute format('revoke all on schema hub, hub_private from %I', name);
      execute format('alter default privileges in schema hub revoke all on tables from %I', name);
      execute format('alter default privileges in schema hub revoke all on functions from %I', name);
      execute format('alter default privileges in schema hub revoke all on sequences from %I', name);
    end if;
  end loop;
end
$$;
