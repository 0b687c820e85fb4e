-- An erasure touches one person, and no act of staff (L-1, L-2, R-3). The user id of a member of staff gave all their acts a pseudonym; a name of
-- one, with an id made up, blanked an admin's own acts; and the identifier "please" changed every lead and 191 rows of the audit log.

-- As in 20261125110100_erase_person.sql, but never a member of staff: who acted is kept for 24 months (L-2).
create or replace function hub_private.begin_erasure(person text, identifiers text[]) returns hub_private.erasure
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
  elsif exists (select from hub.team_activities a where a.actor_id = person and a.actor_kind = 'staff') then
    raise sqlstate 'PT409' using message = 'acts of staff are kept for 24 months', hint = 'This user id has some. It can be erased when the last of them is older.';
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

-- What an admin sends to identify a person is of a form that identifies one, means no member of staff, and what of others' rows it finds besides,
-- the admin has seen as a number before anything changes. The user id is exact and needs none of this.
create function hub_private.check_identifiers(e hub_private.erasure, identifiers text[], other_rows integer) returns void
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  word text;
  names boolean := false;
  addresses constant text[] := array(select lower(btrim(i)) from unnest(identifiers) i);
  leads constant text[] := array(select l.id::text from hub.leads l where lower(l.email) = any (addresses));
  -- Found by the identifiers alone.
  f hub_private.erasure := e;
  entity record;
  found bigint;
  total bigint := 0;
  counts text[] := '{}';
  known boolean;
begin
  for place in 1..coalesce(cardinality(identifiers), 0) loop
    word := normalize(btrim(regexp_replace(identifiers[place], '[[:space:]]+', ' ', 'g')), nfc);
    if word ~ '^[^[:space:]@]+@[^[:space:]@]+[.][^[:space:]@.]{2,}$' or (word !~ '[^0-9 ().+/-]' and word !~ '^[0-9]{4}[^0-9][0-9]{1,2}[^0-9][0-9]{1,2}') then
      continue;
    end if;
    -- A word counts with two letters or more; letters are those of Unicode.
    if (select count(*) < 2 or coalesce(sum(p.letters), 0) < 6 from (
      select length(regexp_replace(part collate "und-x-icu", '[^[:alpha:]]', '', 'g')) as letters from regexp_split_to_table(word, ' ') part) p where p.letters >= 2)
    then
      raise sqlstate 'PT400' using message = format('identifier %s identifies no one', place),
        hint = 'An e-mail address, a telephone number of 7 digits or more, or a full name: two words or more of two letters or more, six letters in all.';
    end if;
    names := true;
  end loop;

  f.named := '(?!)';
  f.sessions := '{}';
  if names then
    known := exists (select from hub.team_activities a where e.person in (a.actor_id, a.owner_id)) or exists (select from hub.request_log r where e.person in (r.actor_id, r.owner_id));
    for entity in
      select a.attrelid::regclass as name, a.attname as column from pg_catalog.pg_attribute a
      where a.attrelid in (select hub_private.audited_tables()) and a.attname in ('owner_id', 'author_id')
    loop
      exit when known;
      execute format('select exists (select from %s r where r.%I = $1)', entity.name, entity.column) into known using e.person;
    end loop;
    if not known then
      raise sqlstate 'PT400' using message = 'there is no row of this user id', hint = 'Then only e-mail addresses and telephone numbers identify a person.';
    end if;
  end if;
  if exists (
    select from (select distinct a.actor_id, a.actor_name from hub.team_activities a where a.actor_kind = 'staff'
      union select hub_private.actor_id(), current_setting('hub.actor_name', true)) s
    where hub_private.mentions(concat_ws(E'\n', s.actor_id, s.actor_name), f.needles, f.named || '|' || f.words, f.sessions))
  then
    raise sqlstate 'PT409' using message = 'an identifier is in the name of a member of staff', hint = 'Acts of staff are kept for 24 months. Identify the person by an e-mail address or a telephone number.';
  end if;

  -- Every table that erase_person() scrubs, and the two logs.
  for entity in
    select c.relname::text as called, case c.oid
        when 'hub.team_activities'::regclass then 'select a.* from hub.team_activities a where hub_private.mentions(concat_ws(E''\n'', a.before::text, a.after::text, a.reason, a.filter, a.actor_name), $1.needles, $1.named || ''|'' || $1.words, $1.sessions)'
        when 'hub.request_log'::regclass then 'select r.* from hub.request_log r where hub_private.mentions(concat_ws(E''\n'', r.client_request_id, r.token_id), $1.needles, $1.named || ''|'' || $1.words, $1.sessions)'
        else hub_private.scrubbing(c.oid, 'find') end as statement
    from pg_catalog.pg_class c
    where c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname
  loop
    continue when entity.statement is null;
    execute format($q$
      select count(*) from (select to_jsonb(o) as row from (%s) o) o
      where not coalesce($2 in (o.row ->> 'owner_id', o.row ->> 'author_id', o.row ->> 'actor_id'), false)
        and not coalesce(o.row ->> 'id' = any ($3) or o.row ->> 'entity_id' = any ($3), false)$q$, entity.statement) into found using f, e.person, leads;
    if found > 0 then
      counts := counts || (entity.called || ' ' || found);
      total := total + found;
    end if;
  end loop;
  if total <> coalesce(other_rows, 0) then
    raise sqlstate 'PT409' using message = format('%s rows of others hold an identifier', total),
      hint = case when total = 0 then 'Send no other_rows.'
        else format('%s. If each of them means this person, send other_rows: %s.', array_to_string(counts, ', '), total) end;
  end if;
end
$$;
comment on function hub_private.check_identifiers(hub_private.erasure, text[], integer) is 'Refuses identifiers that mean more than one person, a member of staff, or rows of others that the admin has not seen the number of.';

drop function hub.erase_user(text, text[], text);
drop function hub_private.erase_user(text, text[], text);
-- As in 20261126110100_erase_user.sql, with that check.
create function hub_private.erase_user(user_id text, identifiers text[], reason text, other_rows integer) returns jsonb
  language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  admin constant text := hub_private.actor_id();
  called constant text := nullif(current_setting('hub.actor_name', true), '');
  session constant text := nullif(current_setting('hub.session_id', true), '');
  e hub_private.erasure;
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
  found jsonb;
begin
  if hub_private.actor_kind() is distinct from 'staff' or hub_private.staff_role() is distinct from 'admin' then
    raise insufficient_privilege using message = 'not for this role';
  elsif length(btrim(coalesce(erase_user.reason, ''))) not between 1 and 500 then
    raise sqlstate 'PT400' using message = 'a reason is needed', hint = 'At most 500 characters, and without the person''s name: it stays.';
  elsif erase_user.user_id = admin then
    raise sqlstate 'PT409' using message = 'no one erases themselves', hint = 'Another admin does.';
  end if;
  e := hub_private.begin_erasure(erase_user.user_id, erase_user.identifiers);
  if hub_private.mentions(erase_user.reason, e.needles, e.named || '|' || e.words, e.sessions) then
    raise sqlstate 'PT400' using message = 'the reason names the person', hint = 'It stays in the audit log: name the request or its number.';
  end if;
  perform hub_private.check_identifiers(e, erase_user.identifiers, erase_user.other_rows);
  perform set_config('hub.actor_id', 'system:erasure', true), set_config('hub.actor_kind', 'system', true), set_config('hub.actor_name', '', true),
    set_config('hub.session_id', '', true), set_config('hub.staff_role', '', true), set_config('hub.reason', '', true);
  found := hub_private.erase_person(erase_user.user_id, erase_user.identifiers);
  perform set_config('hub.actor_id', admin, true), set_config('hub.actor_kind', 'staff', true), set_config('hub.actor_name', coalesce(called, ''), true),
    set_config('hub.session_id', coalesce(session, ''), true), set_config('hub.staff_role', 'admin', true), set_config('hub.reason', erase_user.reason, true);
  -- Also of a run that found nothing: that it was asked for is an act.
  insert into hub.team_activities
    (actor_id, actor_kind, actor_role, actor_name, session_id, database_role, action, entity, entity_id, reason, purpose, after, salt, values_hash, row_count,
      request_id, route)
  values (admin, 'staff', 'admin', called, session, current_setting('role'), 'erase', 'person', coalesce(found ->> 'pseudonym', ''), erase_user.reason,
    nullif(current_setting('hub.purpose', true), ''), found -> 'tables', salt, hub_private.values_hash(salt, null, found -> 'tables'), (found ->> 'rows')::bigint,
    nullif(current_setting('hub.request_id', true), ''), nullif(current_setting('hub.route', true), ''));
  return found;
end
$$;

comment on function hub_private.erase_user(text, text[], text, integer) is 'Erases a person for an admin, and records who asked and why.';

-- Every row of every table is read, twice: more than the eight seconds that a request has, and less than the 100 that Cloudflare gives one.
create function hub.erase_user(user_id text, identifiers text[], reason text, other_rows integer default 0) returns jsonb
  language sql volatile set search_path = '' set statement_timeout = '80s'
  return hub_private.erase_user(user_id, identifiers, reason, other_rows);
comment on function hub.erase_user(text, text[], text, integer) is 'Erases a person by their Clerk user id and what else identifies them, together with so many rows of others; gives the pseudonym and how many rows were touched.';
grant execute on function hub.erase_user(text, text[], text, integer), hub_private.erase_user(text, text[], text, integer) to hub_staff;

revoke execute on all functions in schema hub, hub_private from public;
