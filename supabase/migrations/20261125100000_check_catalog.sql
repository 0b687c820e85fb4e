-- No gap by catalog (A-1, A-3, L-1): what a table, a view, a function, a role or a right must look like, as one question over
-- pg_catalog. The nightly job asks it, and `make db-check` takes the text between the dollar tags and asks it of any database.

create function hub_private.catalog_findings() returns table (object text, finding text)
  language sql stable set search_path = ''
as $catalog$
with space as (
  select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace n where n.nspname in ('hub', 'hub_private')
), house as (
  select s.nspowner as owner from space s where s.nspname = 'hub'
), api as (
  select r.oid, r.rolname from pg_roles r where r.rolname in ('hub_visitor', 'hub_customer', 'hub_staff', 'hub_system')
), relation as (
  select c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence, c.relispartition, c.reloptions,
    s.nspname, format('%I.%I', s.nspname, c.relname) as name
  from pg_class c join space s on s.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
), stored as (
  select * from relation where relkind in ('r', 'p')
), col as (
  select a.attrelid, a.attname, a.attidentity, a.attacl, pg_get_expr(d.adbin, d.adrelid) as filled_by, format_type(a.atttypid, null) as kind
  from pg_attribute a join relation r on r.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attnum > 0 and not a.attisdropped
), held as (
  -- Every right on a relation and on a column of one.
  select r.oid as relation, r.name, r.name as on_what, null as attname, r.relkind, a.grantee, a.privilege_type as verb, a.is_grantable
  from relation r, aclexplode(coalesce(r.relacl, acldefault(case r.relkind when 'S' then 's' else 'r' end::"char", r.relowner))) a where a.grantee <> r.relowner
  union all
  select r.oid, r.name, format('%s.%I', r.name, c.attname), c.attname, r.relkind, a.grantee, a.privilege_type, a.is_grantable
  from relation r join col c on c.attrelid = r.oid, aclexplode(c.attacl) a where a.grantee <> r.relowner
), outside as (
  -- Every right on the rest, and what would be granted on what is made later.
  select 'schema ' || s.nspname as name, a.grantee, a.privilege_type as verb from space s, aclexplode(s.nspacl) a where a.grantee <> s.nspowner
  union all
  select 'what is made in ' || coalesce(s.nspname, 'any schema'), a.grantee, a.privilege_type
  from pg_default_acl d left join space s on s.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
  where (s.oid is not null or (d.defaclnamespace = 0 and d.defaclrole = (select owner from house))) and a.grantee <> d.defaclrole
), routine as (
  select p.oid, p.proname, p.proowner, p.prosecdef, p.proconfig, p.proleakproof, p.prorettype, s.nspname, format('%I.%I(%s)', s.nspname, p.proname,
    pg_get_function_identity_arguments(p.oid)) as name, coalesce(p.proacl, acldefault('f', p.proowner)) as acl
  from pg_proc p join space s on s.oid = p.pronamespace
), policy as (
  select p.polname, p.polrelid, p.polpermissive, p.polroles, t.name as on_what, role.oid as role, coalesce(r.rolname, 'PUBLIC') as rolname,
    verb.name as verb, pg_get_expr(p.polqual, p.polrelid) as sees, pg_get_expr(p.polwithcheck, p.polrelid) as lets, format('%I on %s', p.polname, t.name) as name
  from pg_policy p join stored t on t.oid = p.polrelid, unnest(p.polroles) as role (oid) left join pg_roles r on r.oid = role.oid,
    (values ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) as verb (letter, name)
  where p.polcmd::text in (verb.letter, '*')
), fires as (
  select t.tgrelid, t.tgname, t.tgenabled, t.tgtype, t.tgqual is null and t.tgattr::text = '' as always, t.tgoldtable, p.proname, s.name as on_what
  from pg_trigger t join stored s on s.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid where not t.tgisinternal
), people as (
  -- What the people of the Hub may do with a table, its own jobs apart.
  select h.relation, array_agg(distinct h.verb) as verbs,
    coalesce(array_agg(distinct h.attname) filter (where h.verb = 'INSERT' and r.rolname = 'hub_customer'), '{}') as given,
    bool_or(h.verb = 'INSERT' and r.rolname = 'hub_customer') as customers_insert
  from held h join api r on r.oid = h.grantee where r.rolname <> 'hub_system' group by 1
), needs as (
  -- The triggers that a table must have: its name, the events as pg_trigger.tgtype has them (row 1, before 2, insert 4, delete 8,
  -- update 16, truncate 32), and why.
  select t.oid, 'refuse_truncate' as tgname, 2 + 32 as events, 'TRUNCATE fires no row trigger' as why from stored t
  union all
  select t.oid, 'record_activity', 1 + 4 + 8 + 16, 'people may change rows, and each change leaves its row' from stored t join people p on p.relation = t.oid
    where t.nspname = 'hub' and p.verbs && '{INSERT,UPDATE,DELETE}'
  union all
  select t.oid, limited.tgname, limited.events, 'people may change rows, and no more of them than they name' from stored t join people p on p.relation = t.oid,
    (values ('limit_update', 16), ('limit_delete', 8)) as limited (tgname, events) where t.nspname = 'hub' and p.verbs && '{UPDATE,DELETE}'
  union all
  select t.oid, 'refuse_change', 1 + 2 + 8 + 16, 'a numbered table is a log and only grows' from stored t where exists (
    select from col c where c.attidentity <> '' and c.attrelid = coalesce((select i.inhparent from pg_inherits i where i.inhrelid = t.oid), t.oid)
      and (t.nspname = 'hub' or t.relispartition))
  union all
  select t.oid, kept.tgname, kept.events, 'it has a version' from stored t join col c on c.attrelid = t.oid and c.attname = 'version',
    (values ('check_version', 1 + 2 + 8 + 16), ('touch', 1 + 2 + 16)) as kept (tgname, events)
  union all
  select t.oid, 'check_transition', 1 + 2 + 4 + 16, 'it has a version and a status' from stored t join col c on c.attrelid = t.oid and c.attname = 'version'
    join col s on s.attrelid = t.oid and s.attname = 'status' and s.kind = 'text'
  union all
  select t.oid, said.tgname, said.events, 'what clients say there belongs to a conversation' from stored t join people p on p.relation = t.oid and p.customers_insert
    join col c on c.attrelid = t.oid and c.attname = 'owner_id' and c.filled_by is null,
    (values ('adopt_owner', 1 + 2 + 4), ('check_conversation', 1 + 2 + 4 + 16)) as said (tgname, events)
  union all
  select t.oid, 'check_table', 1 + 4, 'tables without row-level security are refused by it' from stored t where t.name = 'hub_private.tables_to_check'
), findings as (
  -- The schemas and who owns what is in them.
  select 'schema ' || wanted.name as object, 'is not there' as finding from (values ('hub'), ('hub_private')) as wanted (name)
    where not exists (select from space s where s.nspname = wanted.name)
  union all
  select 'role ' || wanted.name, 'is not there' from (values ('hub_nobody'), ('hub_visitor'), ('hub_customer'), ('hub_staff'), ('hub_system')) as wanted (name)
    where to_regrole(wanted.name) is null
  union all
  select 'schema ' || s.nspname, 'is owned by ' || r.rolname || ', a role that requests come with' from space s join pg_roles r on r.oid = s.nspowner
    where r.rolname like 'hub\_%' or r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
  union all
  select made.name, 'is owned by ' || r.rolname || ', not by the owner of schema hub'
    from (select r.name, r.relowner as owner from relation r union all select f.name, f.proowner from routine f
      union all select 'schema ' || s.nspname, s.nspowner from space s) made join pg_roles r on r.oid = made.owner, house h where made.owner <> h.owner

  -- Tables, and what is none.
  union all
  select t.name, 'has row-level security not enabled' from stored t where not t.relrowsecurity
  union all
  select t.name, 'has row-level security not forced on its owner' from stored t where not t.relforcerowsecurity
  union all
  select r.name, 'is a view without security_invoker: it reads with its owner''s rights' from relation r
    where r.relkind = 'v' and not coalesce(r.reloptions, '{}') && '{security_invoker=true,security_invoker=on,security_invoker=1}'
  union all
  select r.name, case r.relkind when 'm' then 'is a materialized view' else 'is a foreign table' end || ': row-level security does not reach it'
    from relation r where r.relkind in ('m', 'f')
  union all
  select t.name, 'is not logged: a crash empties it' from stored t where t.relpersistence <> 'p'
  union all
  select t.name, 'has a rewriting rule: ' || w.rulename from stored t join pg_rewrite w on w.ev_class = t.oid
  union all
  select t.name, 'is published by ' || p.pubname || ': it is read past row-level security' from stored t, pg_publication p
    where p.puballtables or exists (select from pg_publication_rel l where l.prpubid = p.oid and l.prrelid = t.oid)
      or exists (select from pg_publication_namespace l join pg_class c on c.oid = t.oid where l.pnpubid = p.oid and l.pnnspid = c.relnamespace)
  union all
  select t.name, 'is being detached from its table' from stored t join pg_inherits i on i.inhrelid = t.oid where i.inhdetachpending

  -- Rights: for the four API roles, on columns, and for nobody else.
  union all
  select h.on_what, format('%s is granted to %s', h.verb, coalesce(r.rolname, 'PUBLIC')) from held h left join pg_roles r on r.oid = h.grantee
    where not exists (select from api a where a.oid = h.grantee)
  union all
  select h.on_what, format('%s is granted to %s', h.verb, a.rolname) from held h join api a on a.oid = h.grantee
    where h.verb not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or h.relkind = 'S'
  union all
  select h.on_what, format('%s on the whole table is granted to %s: name columns', h.verb, a.rolname) from held h join api a on a.oid = h.grantee
    where h.verb in ('SELECT', 'INSERT', 'UPDATE') and h.attname is null and h.relkind <> 'S'
  union all
  select h.on_what, format('%s may be granted on by %s', h.verb, a.rolname) from held h join api a on a.oid = h.grantee where h.is_grantable
  union all
  select h.on_what, format('%s is granted to %s, on what PostgREST does not show', h.verb, a.rolname) from held h join api a on a.oid = h.grantee
    join relation r on r.oid = h.relation where r.nspname <> 'hub' or r.relispartition
  union all
  select o.name, format('%s is granted to %s', o.verb, coalesce(r.rolname, 'PUBLIC')) from outside o left join pg_roles r on r.oid = o.grantee
    where not (o.name like 'schema %' and o.verb = 'USAGE' and exists (select from api a where a.oid = o.grantee))
  union all
  select 'what is made in any schema', 'EXECUTE would be granted to PUBLIC' from house h where not exists (
    select from pg_default_acl d where d.defaclrole = h.owner and d.defaclnamespace = 0 and d.defaclobjtype = 'f')

  -- Policies: one for each verb that a role is granted, each with its roles, each asking who it is, once.
  union all
  select distinct h.name, format('no policy for %s by %s, which is granted', h.verb, a.rolname) from held h join api a on a.oid = h.grantee
    where h.verb in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') and h.relkind in ('r', 'p') and not exists (
      select from policy p where p.polrelid = h.relation and p.role = h.grantee and p.verb = h.verb and p.polpermissive)
  union all
  select p.name, format('lets %s %s without a grant', p.rolname, p.verb) from policy p
    where p.role <> 0 and not exists (select from held h where h.relation = p.polrelid and h.grantee = p.role and h.verb = p.verb)
  union all
  select distinct p.name, 'is for PUBLIC: name its roles' from policy p where p.role = 0
  union all
  select distinct p.name, 'is true for every row' from policy p where p.sees = 'true' or p.lets = 'true'
  union all
  select distinct p.name, 'calls a function for each row: write (select hub_private.…())' from policy p
    where regexp_replace(concat_ws(' ', p.sees, p.lets), '\( SELECT hub_private\.\w+\(\) AS \w+\)', '', 'g') ~ 'hub_private\.|hub\.|current_setting\('
  union all
  select distinct p.name, 'does not hold a client to the own owner''s rows' from policy p, unnest(array[p.sees, p.lets]) as said (condition)
    where p.rolname = 'hub_customer' and p.polpermissive and said.condition is not null
      and said.condition !~ '^\(+owner_id = \( SELECT hub_private\.owner_id\(\) AS owner_id\)\)( AND |$)'
  union all
  select distinct p.name, 'does not ask for ' || asked.what from policy p, unnest(array[p.sees, p.lets]) as said (condition),
    (values ('hub_staff', 'staff_role'), ('hub_system', 'actor_kind')) as asked (role, what)
    where p.rolname = asked.role and p.polpermissive and said.condition is not null
      and strpos(said.condition, format('( SELECT hub_private.%s() AS %1$s)', asked.what)) = 0
  union all
  select t.name, format('%I: clients could name it', c.attname) from stored t join people p on p.relation = t.oid and p.customers_insert
    join col c on c.attrelid = t.oid and c.attname in ('owner_id', 'author_id', 'author_kind', 'internal') where c.attname = any (p.given)
  union all
  select t.name, format('%I: is not filled from the token', c.attname) from stored t join people p on p.relation = t.oid and p.customers_insert
    join col c on c.attrelid = t.oid
    where (c.attname = 'author_id' and c.filled_by is distinct from 'hub_private.actor_id()')
      or (c.attname = 'owner_id' and c.filled_by is not null and c.filled_by <> 'hub_private.owner_id()')

  -- Triggers: those that a table needs, and none that a setting silences.
  union all
  select t.name, format('has no trigger %s: %s', n.tgname, n.why) from needs n join stored t on t.oid = n.oid
    where not exists (select from fires f where f.tgrelid = n.oid and f.tgname = n.tgname and f.always and f.tgtype & 63 = n.events
      and f.proname = case n.tgname when 'limit_update' then 'limit_change' when 'limit_delete' then 'limit_change' when 'refuse_change' then f.proname else n.tgname end
      and (n.tgname <> 'refuse_change' or f.proname ~ '^refuse_([a-z]+_)?change$'))
  union all
  select format('%s on %s', f.tgname, f.on_what), case f.tgenabled when 'D' then 'is disabled' else 'is not ENABLE ALWAYS: session_replication_role silences it' end
    from fires f where f.tgenabled <> 'A'

  -- Functions.
  union all
  select f.name, 'runs with its owner''s rights in the exposed schema' from routine f where f.prosecdef and f.nspname = 'hub'
  union all
  select f.name, 'has no pinned search_path' from routine f where not coalesce(f.proconfig, '{}') @> '{"search_path=\"\""}'
  union all
  select f.name, 'is leakproof: it sees rows before the policies do' from routine f where f.proleakproof
  union all
  select f.name, format('EXECUTE is granted to %s', coalesce(r.rolname, 'PUBLIC')) from routine f cross join aclexplode(f.acl) a left join pg_roles r on r.oid = a.grantee
    where a.grantee <> f.proowner and (f.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) or not exists (select from api where api.oid = a.grantee))

  -- Roles.
  union all
  select 'role ' || r.rolname, 'may ' || too_much.what from pg_roles r cross join lateral (values (r.rolcanlogin, 'log in'), (r.rolsuper, 'do everything'),
      (r.rolbypassrls, 'bypass row-level security'), (r.rolinherit, 'inherit rights'), (r.rolcreaterole, 'make roles'), (r.rolcreatedb, 'make databases'),
      (r.rolreplication, 'replicate')) as too_much (so, what)
    where r.rolname like 'hub\_%' and too_much.so
  union all
  select 'role authenticator', 'may ' || too_much.what from pg_roles r cross join lateral (values (r.rolsuper, 'do everything'),
      (r.rolbypassrls, 'bypass row-level security'), (r.rolinherit, 'use the rights of every role at once')) as too_much (so, what)
    where r.rolname = 'authenticator' and too_much.so
  union all
  select 'role ' || m.rolname, 'is a member of ' || r.rolname from pg_auth_members g join pg_roles m on m.oid = g.member join pg_roles r on r.oid = g.roleid
    where m.rolname like 'hub\_%'
  union all
  select 'role ' || r.rolname, m.rolname || ' may become it' from pg_auth_members g join pg_roles m on m.oid = g.member join pg_roles r on r.oid = g.roleid
    where r.rolname like 'hub\_%' and m.rolname <> 'authenticator' and m.oid <> coalesce((select owner from house), 0) and not m.rolsuper
  union all
  select 'role ' || a.rolname, 'has no statement_timeout' from api a where not exists (
    select from pg_db_role_setting s, unnest(s.setconfig) as said (line) where s.setrole = a.oid and said.line like 'statement\_timeout=%')
  union all
  select 'role authenticator', 'its settings do not say ' || wanted.line from (values ('pgrst.db_schemas=hub'),
      ('pgrst.db_pre_request=hub_private.before_request'), ('pgrst.db_anon_role=hub_nobody')) as wanted (line)
    where not exists (select from pg_db_role_setting s, unnest(s.setconfig) as said (line) where s.setrole = to_regrole('authenticator') and said.line = wanted.line)
  union all
  select 'hub_private.before_request()', 'cannot be called by ' || a.rolname from api a where not exists (
    select from routine f, aclexplode(f.acl) g where f.name = 'hub_private.before_request()' and f.prosecdef and g.grantee = a.oid)

  -- Event triggers, and what they need.
  union all
  select 'hub_private.tables_to_check', 'is not there: tables without row-level security are not refused'
    where not exists (select from stored t where t.name = 'hub_private.tables_to_check')
  union all
  select 'event trigger ' || wanted.name, case when e.oid is null then 'is not there: a superuser calls hub_private.guard_schema()' else 'is not ENABLE ALWAYS' end
    from (values ('hub_before_ddl', 'ddl_command_start', 'before_ddl'), ('hub_after_ddl', 'ddl_command_end', 'after_ddl'),
      ('hub_after_drop', 'sql_drop', 'after_drop')) as wanted (name, event, called)
    left join pg_event_trigger e on e.evtname = wanted.name and e.evtevent = wanted.event and e.evttags is null
      and exists (select from routine f where f.oid = e.evtfoid and f.nspname = 'hub_private' and f.proname = wanted.called)
    where e.oid is null or e.evtenabled <> 'A'
)
select f.object, f.finding from findings f order by 1, 2
$catalog$;
comment on function hub_private.catalog_findings() is 'What in the catalog is not as the promises need it.';

alter table hub.checks drop constraint checks_name_known,
  add constraint checks_name_known check (name in ('catalog', 'drift', 'out_of_band', 'retention'));
comment on column hub.checks.name is 'catalog, drift, out_of_band, retention.';

create function hub_private.check_catalog() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  began timestamptz := clock_timestamp();
  looked_at bigint;
  findings jsonb;
begin
  select sum(n) into looked_at from (
    select count(*) as n from pg_catalog.pg_class c where c.relnamespace::regnamespace::text in ('hub', 'hub_private') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select count(*) from pg_catalog.pg_proc p where p.pronamespace::regnamespace::text in ('hub', 'hub_private')
    union all
    select count(*) from pg_catalog.pg_policy
    union all
    select count(*) from pg_catalog.pg_trigger t where not t.tgisinternal
  ) counted;
  select coalesce(jsonb_agg(to_jsonb(f)), '[]') into findings from (select * from hub_private.catalog_findings() limit 100) f;
  return hub_private.record_check('catalog', looked_at, findings, began);
end
$$;
comment on function hub_private.check_catalog() is 'Looks for gaps in the catalog and stores what it found.';

create or replace function hub_private.run_checks() returns jsonb
  language sql volatile security definer set search_path = ''
  return jsonb_build_array(hub_private.check_catalog(), hub_private.check_drift(), hub_private.check_out_of_band());

-- What the check found when it was new. The table of transitions could be emptied, and every status with it.
create trigger refuse_truncate before truncate on hub_private.transitions for each statement execute function hub_private.refuse_truncate();

-- Whoever may set session_replication_role could change rows with no version counted, no transition checked and no limit.
do $$
declare
  quiet record;
begin
  for quiet in
    select t.tgrelid::regclass as on_what, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace) and not t.tgisinternal and t.tgenabled = 'O'
  loop
    execute format('alter table %s enable always trigger %I', quiet.on_what, quiet.tgname);
  end loop;
end
$$;

revoke execute on all functions in schema hub, hub_private from public;
