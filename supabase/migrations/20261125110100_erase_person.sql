-- Erasure (R-3) that keeps the trail (L-1, L-2): what a person wrote and was called goes out of every table, who did what and when stays
-- under a pseudonym, and rows that live on stay provable.

-- What is to be erased must name the person and nothing of the Hub's own: a word of a closed list or a column's name would take the trail
-- with it. No message repeats an identifier, since messages are logged.
create function hub_private.begin_erasure(person text, identifiers text[]) returns hub_private.erasure
  language plpgsql volatile set search_path = ''
as $$
declare
  e hub_private.erasure;
  own_words text := lower((select string_agg(w.word, ' ') from (
    select a.attname::text as word from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
      where c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace)
    union select c.relname::text from pg_catalog.pg_class c where c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace)
    union select p.proname::text from pg_catalog.pg_proc p where p.pronamespace in ('hub'::regnamespace, 'hub_private'::regnamespace)
    union select r.rolname::text from pg_catalog.pg_roles r
    union select m.found[1] from pg_catalog.pg_constraint k, regexp_matches(pg_get_constraintdef(k.oid), '''([^'']*)''', 'g') as m (found)
      where k.contype = 'c' and k.connamespace in ('hub'::regnamespace, 'hub_private'::regnamespace)
    union select unnest(array['admin', 'sales', 'support', 'staff:', 'system:', 'user_', 'sess_', 'org_', 'delete', 'patch', 'post', '/rest/v1/rpc/', 'unrouted', 'true', 'null'])
  ) w));
  word text;
  words text[] := '{}';
begin
  if coalesce(person, '') !~ '^user_[A-Za-z0-9]{10,64}$' then
    raise sqlstate 'PT400' using message = 'a person is user_ and letters and digits';
  elsif cardinality(identifiers) > 20 then
    raise sqlstate 'PT400' using message = 'at most 20 identifiers';
  end if;
  for place in 1..coalesce(cardinality(identifiers), 0) loop
    word := btrim(regexp_replace(coalesce(identifiers[place], ''), '[[:space:]]+', ' ', 'g'));
    if length(word) < 4 or (word !~ '[^0-9 ().+/-]' and length(regexp_replace(word, '[^0-9]', '', 'g')) < 7) then
      raise sqlstate 'PT400' using message = format('identifier %s is too short', place), hint = 'At least 4 characters, and 7 digits for a number.';
    elsif position(lower(word) in own_words) > 0 or lower(word) like '%erased%' then
      raise sqlstate 'PT400' using message = format('identifier %s is a word of the database''s own', place), hint = 'Send it with more of what it belongs to.';
    end if;
    -- A letter and its accent are one sign or two.
    words := words || array[normalize(word, nfc), normalize(word, nfd)];
  end loop;
  e.person := person;
  e.named := hub_private.any_spelling(person) || '(?![A-Za-z0-9])';
  e.words := coalesce((select string_agg(hub_private.any_spelling(d.w), '|' order by length(d.w) desc, d.w) from (select distinct unnest(words) as w) d), '(?!)');
  e.needles := (select array_agg(distinct (select part from regexp_split_to_table(lower(w collate "C"), '[^a-z0-9]+') part order by length(part) desc, part limit 1))
    from unnest(words || person) w);
  e.sessions := array(select r.session_id from hub.request_log r where r.actor_id = person and r.session_id is not null
    union select a.session_id from hub.team_activities a where a.actor_id = person and a.session_id is not null);
  loop
    e.pseudonym := 'erased_' || replace(gen_random_uuid()::text, '-', '');
    exit when not hub_private.mentions(e.pseudonym, e.needles, e.words, '{}');
  end loop;
  return e;
end
$$;
comment on function hub_private.begin_erasure(text, text[]) is 'Checks what is to be erased, and prepares how it is found.';

-- Rows that live on, of one audited table, whose proof goes: locked, so that no change comes between their state and its new proof, and
-- only those that are as their last change left them. What was changed past the trail gets no new proof, so that it is still found.
create function hub_private.rows_to_prove(entity regclass, called text, e hub_private.erasure, trail bigint[], out touched uuid[], out proven uuid[])
  language plpgsql volatile set search_path = '' set timezone = 'UTC'
as $$
begin
  execute format('select array_agg(l.id) from (select f.id from (%s) f union select a.entity_id::uuid from hub.team_activities a where a.id = any ($2) and a.entity = %L and a.action in (''insert'', ''update'', ''baseline'')) l',
    hub_private.scrubbing(entity, 'find'), called) into touched using e, trail;
  execute format('select from %s r where r.id = any ($1) order by r.id for update', entity) using touched;
  execute format($q$
    select array_agg(r.id) from %1$s r, lateral (
      select a.salt, a.row_hash from hub.team_activities a where a.entity = %2$L and a.entity_id = r.id::text
        and a.action in ('insert', 'update', 'delete', 'baseline') order by a.id desc limit 1) last
    where r.id = any ($1) and last.row_hash = hub_private.row_hash(last.salt, to_jsonb(r))$q$, entity, called) into proven using touched;
end
$$;
comment on function hub_private.rows_to_prove(regclass, text, hub_private.erasure, bigint[]) is 'Locks the rows whose proof an erasure takes; gives them, and those that hold now.';

-- The trail's rows that are the person's or name them: the values go, the act stays.
create function hub_private.erase_trail(e hub_private.erasure, trail bigint[]) returns bigint
  language plpgsql volatile set search_path = ''
as $$
declare
  ids constant text[] := e.person || e.sessions;
  erased bigint;
begin
  update hub.team_activities a set before = null, after = null, salt = null, row_hash = null, reason = null, filter = null, erased_at = coalesce(a.erased_at, now()),
    actor_id = case when a.actor_id = e.person then e.pseudonym else a.actor_id end,
    actor_name = case when a.actor_name is not null and (a.actor_id = e.person or hub_private.mentions(a.actor_name, e.needles, e.named || '|' || e.words, e.sessions))
      then e.pseudonym else a.actor_name end,
    session_id = case when a.session_id = any (e.sessions) then e.pseudonym else a.session_id end,
    owner_id = case when a.owner_id = e.person then e.pseudonym else a.owner_id end,
    entity_id = case when a.entity_id = any (ids) then e.pseudonym else a.entity_id end
  -- By their numbers, and what the erasure itself has just written about rows that are gone.
  where a.id = any (trail) or a.owner_id = e.person or a.entity_id = any (ids);
  get diagnostics erased = row_count;
  return erased;
end
$$;
comment on function hub_private.erase_trail(hub_private.erasure, bigint[]) is 'Takes the person out of rows of the trail; gives how many.';

create function hub_private.ids(list jsonb) returns uuid[]
  language sql immutable set search_path = ''
  return array(select i::uuid from jsonb_array_elements_text(case jsonb_typeof(list) when 'array' then list else '[]' end) i);
comment on function hub_private.ids(jsonb) is 'A list of keys.';

create function hub_private.erase_person(person text, identifiers text[]) returns jsonb
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  actor text := hub_private.actor_id();
  e hub_private.erasure;
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
  addresses text[];
  gone text[];
  trail bigint[];
  living jsonb := '{}';
  entity record;
  touched bigint;
  counts jsonb := '{}';
  total bigint;
begin
  if hub_private.actor_kind() is distinct from 'system' or actor is null or actor not like 'system:%' then
    raise insufficient_privilege using message = 'only a job of the Hub''s erases a person';
  end if;
  e := hub_private.begin_erasure(erase_person.person, erase_person.identifiers);
  -- I-2: while a token of theirs may be alive, the word against it stays.
  if exists (select from hub.revoked_sessions r where r.subject = any (e.person || e.sessions) and r.expires_at > now() and r.revoked_at > now() - interval '10 minutes') then
    raise sqlstate 'PT409' using message = 'sessions of the person were revoked just now', hint = 'Erase them in ten minutes.';
  end if;
  addresses := array(select lower(btrim(i)) from unnest(erase_person.identifiers) i);
  gone := e.person || e.sessions || array(select l.id::text from hub.leads l where lower(l.email) = any (addresses) for update);

  trail := array(select a.id from hub.team_activities a
    where a.owner_id = e.person or a.actor_id = e.person or a.entity_id = any (gone) or a.session_id = any (e.sessions)
      or hub_private.mentions(concat_ws(E'\n', a.before::text, a.after::text, a.reason, a.filter, a.actor_name), e.needles, e.named || '|' || e.words, e.sessions));
  for entity in select c.oid::regclass as name, c.relname::text as called from hub_private.audited_tables() t join pg_catalog.pg_class c on c.oid = t loop
    living := living || jsonb_build_object(entity.called, (select to_jsonb(p) from hub_private.rows_to_prove(entity.name, entity.called, e, trail) p));
  end loop;

  perform set_config('hub.erasing', 'on', true), set_config('hub.expected_version', '', true), set_config('hub.max_affected', '', true);
  -- What is the person's goes, messages before the conversations that they hang on; each row leaves its own of the trail.
  for entity in
    select c.oid::regclass as name, c.relname::text as called, exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = 'owner_id') as owned
    from hub_private.audited_tables() t join pg_catalog.pg_class c on c.oid = t
    order by (select count(*) from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) desc, c.oid
  loop
    if entity.owned then
      execute format('delete from %s where owner_id = $1', entity.name) using e.person;
      get diagnostics touched = row_count;
    elsif entity.name = 'hub.leads'::regclass then
      delete from hub.leads where id::text = any (gone);
      get diagnostics touched = row_count;
    else
      continue;
    end if;
    counts := counts || jsonb_build_object(entity.called || '_removed', touched);
  end loop;
  delete from hub.revoked_sessions r where r.subject = any (e.person || e.sessions);
  get diagnostics touched = row_count;
  counts := counts || jsonb_build_object('revoked_sessions_removed', touched);

  update hub.request_log r set token_id = null, address_hash = null, client_request_id = null,
    actor_id = case when r.actor_id = e.person then e.pseudonym else r.actor_id end,
    session_id = case when r.session_id = any (e.sessions) then e.pseudonym else r.session_id end,
    owner_id = case when r.owner_id = e.person then e.pseudonym else r.owner_id end,
    impersonator_id = case when r.impersonator_id = e.person then e.pseudonym else r.impersonator_id end
  where r.actor_id = e.person or r.owner_id = e.person or r.impersonator_id = e.person or r.session_id = any (e.sessions)
    or hub_private.mentions(concat_ws(E'\n', r.client_request_id, r.token_id), e.needles, e.named || '|' || e.words, e.sessions);
  get diagnostics touched = row_count;
  counts := counts || jsonb_build_object('request_log', touched);

  -- What stays is scrubbed, whatever table it stands in.
  for entity in
    select c.oid::regclass as name, c.relname::text as called from pg_catalog.pg_class c
    where c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace) and c.relkind = 'r' and not c.relispartition
      and c.oid <> 'hub.request_log'::regclass and hub_private.scrubbing(c.oid, 'scrub') is not null
    order by c.oid
  loop
    execute hub_private.scrubbing(entity.name, 'scrub', case when living ? entity.called then 'r.id = any ($2)' else 'true' end)
      using e, hub_private.ids(living -> entity.called -> 'touched');
    get diagnostics touched = row_count;
    counts := counts || jsonb_build_object(entity.called, touched);
  end loop;
  counts := counts || jsonb_build_object('team_activities', hub_private.erase_trail(e, trail));
  perform set_config('hub.erasing', '', true);

  for entity in select c.oid::regclass as name, c.relname::text as called from hub_private.audited_tables() t join pg_catalog.pg_class c on c.oid = t loop
    execute format($q$
      with kept as (
        select r.id::text as entity_id, to_jsonb(r) as state, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt from %1$s r
        where r.id = any ($1) and (select a.erased_at from hub.team_activities a where a.entity = %2$L and a.entity_id = r.id::text
          and a.action in ('insert', 'update', 'delete', 'baseline') order by a.id desc limit 1) is not null
      )
      insert into hub.team_activities (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, owner_id, salt, values_hash, row_hash, internal)
      select $2, 'system', 'system', current_setting('role'), 'baseline', %2$L, entity_id, state ->> 'owner_id', salt,
        hub_private.values_hash(salt, null, null), hub_private.row_hash(salt, state), coalesce((state ->> 'internal')::boolean, false)
      from kept$q$, entity.name, entity.called) using hub_private.ids(living -> entity.called -> 'proven'), actor;
  end loop;

  counts := (select coalesce(jsonb_object_agg(c.key, c.value), '{}') from jsonb_each(counts) c where c.value <> '0');
  total := (select coalesce(sum(c.value::bigint), 0) from jsonb_each_text(counts) c);
  -- A run that found nothing did nothing.
  if total > 0 then
    insert into hub.team_activities
      (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, after, salt, values_hash, row_count, request_id, route)
    values (actor, 'system', 'system', current_setting('role'), 'erase', 'person', e.pseudonym, counts, salt, hub_private.values_hash(salt, null, counts), total,
      nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''));
  end if;
  return jsonb_build_object('pseudonym', case when total > 0 then e.pseudonym end, 'rows', total, 'tables', counts);
end
$$;
comment on function hub_private.erase_person(text, text[]) is 'Takes a person out of every table and leaves the trail of acts; gives the pseudonym and how many rows were touched.';

-- Every row of every table is read: more than the eight seconds that a request has.
create function hub.erase_person(person text, identifiers text[]) returns jsonb
  language sql volatile set search_path = '' set statement_timeout = '300s'
  return hub_private.erase_person(person, identifiers);
comment on function hub.erase_person(text, text[]) is 'Erases a person by their Clerk user id and what else identifies them; gives the pseudonym and how many rows were touched.';
grant execute on function hub.erase_person(text, text[]), hub_private.erase_person(text, text[]) to hub_system;

-- An erasure puts a pseudonym or nothing, and never another's name. A request whose second word comes after it tells no more than before.
create or replace function hub_private.refuse_request_change() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  completed constant text[] := array['status', 'code', 'outcome', 'duration_ms', 'upstream_ms', 'row_count', 'colo', 'country', 'token_id', 'address_hash'];
  named constant text[] := array['actor_id', 'session_id', 'owner_id', 'impersonator_id', 'token_id', 'address_hash', 'client_request_id'];
begin
  if tg_op = 'DELETE' and old.occurred_at < now() - interval '12 months' then
    return old;
  elsif tg_op = 'UPDATE' and old.status is null and new.status is not null and to_jsonb(new) - completed = to_jsonb(old) - completed then
    if new.actor_id like 'erased\_%' then
      new.token_id := null;
      new.address_hash := null;
    end if;
    return new;
  elsif tg_op = 'UPDATE' and current_setting('hub.erasing', true) = 'on' and to_jsonb(new) - named = to_jsonb(old) - named
    and not exists (select from jsonb_each_text(to_jsonb(new)) as n (key, value) where key = any (named)
      and value is distinct from to_jsonb(old) ->> key and value is not null and value not like 'erased\_%')
  then
    return new;
  end if;
  raise insufficient_privilege using message = 'request_log is append-only';
end
$$;

-- Of what was found an erasure changes words alone, each to one that says so; numbers, times, verdicts and the number of findings stay.
create or replace function hub_private.refuse_any_change() returns trigger
  language plpgsql volatile set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and current_setting('hub.erasing', true) = 'on' and not exists (
    select from jsonb_each(to_jsonb(new)) as n join jsonb_each(to_jsonb(old)) as o using (key)
    where n.value <> o.value and (position('erased' in n.value::text) = 0
      or jsonb_typeof(n.value) <> jsonb_typeof(o.value) or jsonb_typeof(o.value) not in ('string', 'array', 'object')
      or (jsonb_typeof(o.value) = 'array' and jsonb_array_length(n.value) <> jsonb_array_length(o.value))))
  then
    return new;
  end if;
  raise insufficient_privilege using message = tg_table_name || ' is append-only';
end
$$;
comment on function hub_private.refuse_any_change() is 'Keeps what was found; lets an erasure through and nothing else.';

-- An erasure ends with a new proof of each row that lives on. A row whose last proof was erased and that got none was changed in the
-- shadow of one, by hand, or was not as its last proof said; it is found as well.
create or replace function hub_private.find_drift() returns table (entity text, entity_id text, finding text)
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
          when last.row_hash is null then 'a row without a proof'
          else 'a row changed past the trail' end
      from last full join %2$s r on r.id::text = last.entity_id
      where last.entity_id is null
        or (r.id is null and last.action <> 'delete')
        or (r.id is not null and last.action = 'delete')
        or (r.id is not null and (last.row_hash is null
          or last.row_hash is distinct from sha256(last.salt || convert_to(jsonb_strip_nulls(to_jsonb(r))::text, 'UTF8'))))$q$, called, audited);
  end loop;
end
$$;

revoke execute on all functions in schema hub, hub_private from public;
