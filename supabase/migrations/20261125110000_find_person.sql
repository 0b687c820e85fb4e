-- How a person is found in what others wrote, and what takes their place (R-3). Columns are found in the catalog, so that a new one is covered.

-- A regular expression for some words however they are written: in any case, with any white space, in a URL, inside the text of a jsonb.
-- Cases are those of Unicode; the database's own locale may know only ASCII's.
create function hub_private.any_spelling(words text) returns text
  language sql stable set search_path = ''
  return (
    select string_agg(case when letter = ' ' then '(?:[[:space:]]|[+]|%20)+' else '(?:' || (
      select string_agg(distinct regexp_replace(written, '([!-/:-@\[-`{-~])', '\\\1', 'g'), '|')
      from unnest(array[letter, lower(letter collate "und-x-icu"), upper(letter collate "und-x-icu")]) as cased (one),
        lateral unnest(array[one, case one when '"' then '\"' when '\' then '\\' end,
          case when one !~ '^[A-Za-z0-9]+$' then regexp_replace(encode(convert_to(one, 'UTF8'), 'hex'), '(..)', '%\1', 'g') end,
          case when one !~ '^[A-Za-z0-9]+$' then regexp_replace(upper(encode(convert_to(one, 'UTF8'), 'hex')), '(..)', '%\1', 'g') end]) as spelled (written)
      where written is not null) || ')' end, '' order by place)
    from regexp_split_to_table(regexp_replace(words, '[[:space:]]+', ' ', 'g'), '') with ordinality as letters (letter, place)
  );
comment on function hub_private.any_spelling(text) is 'A regular expression for words in any case, with any white space, in a URL or in a jsonb.';

-- What is looked for, and what takes its place. `needles` are the longest plain part of each: a cheap question that misses nothing and is
-- asked first, since an alternation of many words costs a regular expression forty times as much.
create type hub_private.erasure as (person text, named text, words text, needles text[], sessions text[], pseudonym text);
comment on type hub_private.erasure is 'One erasure: the person''s id, the expressions for it and for what else identifies them, their sessions, the pseudonym.';

create function hub_private.mentions(value text, needles text[], expression text, sessions text[]) returns boolean
  language plpgsql immutable set search_path = ''
as $$
declare
  plain text := lower(value collate "C");
  needle text;
begin
  foreach needle in array needles loop
    if position(needle in plain) > 0 then
      if value ~ expression then
        return true;
      end if;
      exit;
    end if;
  end loop;
  return position('sess_' in plain) > 0
    and exists (select from regexp_matches(value, 'sess_[A-Za-z0-9]{10,64}', 'g') as m (found) where m.found[1] = any (sessions));
end
$$;
comment on function hub_private.mentions(text, text[], text, text[]) is 'Whether a text holds what is to be erased.';

create function hub_private.scrub(value text, e hub_private.erasure) returns text
  language plpgsql stable set search_path = ''
as $$
declare
  session text;
begin
  for session in select distinct m.found[1] from regexp_matches(value, 'sess_[A-Za-z0-9]{10,64}', 'g') as m (found) where m.found[1] = any (e.sessions) loop
    value := replace(value, session, e.pseudonym);
  end loop;
  return regexp_replace(regexp_replace(value, e.named, e.pseudonym, 'g'), e.words, '[erased]', 'g');
end
$$;
comment on function hub_private.scrub(text, hub_private.erasure) is 'A text with the pseudonym for the person''s ids and [erased] for the rest.';

create function hub_private.scrub(value jsonb, e hub_private.erasure) returns jsonb
  language plpgsql stable set search_path = ''
as $$
begin
  return case jsonb_typeof(value)
    when 'string' then to_jsonb(hub_private.scrub(value #>> '{}', e))
    when 'array' then (select coalesce(jsonb_agg(hub_private.scrub(i.item, e) order by i.place), '[]') from jsonb_array_elements(value) with ordinality as i (item, place))
    when 'object' then (select coalesce(jsonb_object_agg(hub_private.scrub(f.key, e), hub_private.scrub(f.value, e)), '{}') from jsonb_each(value) as f)
    -- A telephone number may stand as a number.
    when 'number' then case when value #>> '{}' ~ e.words then '"[erased]"'::jsonb else value end
    else value end;
end
$$;
comment on function hub_private.scrub(jsonb, hub_private.erasure) is 'The same inside a jsonb: every string, key and number of it.';

-- The columns of a table that can hold words, each with how it is read as one text and what takes its place. Where a scrubbed text breaks
-- the column's own checks (it may be longer, or a form), the whole value becomes [erased], else the pseudonym, else null.
create function hub_private.columns_with_words(entity regclass) returns table (name text, as_text text, scrubbed text)
  language sql stable set search_path = ''
begin atomic
  select c.name, case c.kind when 'list' then format('array_to_string(r.%I, E''\n'')', c.name) else format('r.%I::text', c.name) end,
    case c.kind
      when 'json' then format('hub_private.scrub(r.%I::jsonb, $1)', c.name)
      when 'list' then format('array(select hub_private.scrub(u.item::text, $1) from unnest(r.%I) with ordinality as u (item, place) order by u.place)', c.name)
      else format('(select x.%1$I from (values (1, hub_private.scrub(r.%1$I::text, $1)), (2, ''[erased]''), (3, $1.pseudonym), (4, null)) as choice_ (place_, text_), '
        'lateral (select choice_.text_ as %1$I) as x where (%2$s) is not false and (%3$s or x.%1$I is not null) order by choice_.place_ limit 1)',
        c.name, coalesce(c.bounds, 'true'), (not c.required)::text) end
  from (
    select a.attname::text as name, a.attnotnull as required, a.attnum,
      case when t.typname in ('json', 'jsonb') then 'json' when t.typcategory = 'A' then 'list' else 'text' end as kind,
      (select string_agg('(' || pg_get_expr(k.conbin, k.conrelid) || ')', ' and ') from pg_catalog.pg_constraint k
        where k.conrelid = a.attrelid and k.contype = 'c' and k.conkey = array[a.attnum]) as bounds
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type item on item.oid = t.typelem
    where a.attrelid = entity and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      and (t.typcategory = 'S' or t.typname in ('json', 'jsonb') or (t.typcategory = 'A' and item.typcategory = 'S'))
  ) c order by c.attnum;
end;
comment on function hub_private.columns_with_words(regclass) is 'The columns that can hold words, and the expressions that read and scrub them.';

create function hub_private.scrubbing(entity regclass, what text, among text default 'true') returns text
  language sql stable set search_path = ''
  return (
    select case what when 'find' then format('select r.* from %s r where %s and %s', entity, among, found)
      else format('update %s r set %s where %s and %s', entity, changes, among, found) end
    from (
      select format('hub_private.mentions(concat_ws(E''\n'', %s), $1.needles, $1.named || ''|'' || $1.words, $1.sessions)', string_agg(c.as_text, ', ')) as found,
        string_agg(format('%1$I = case when hub_private.mentions(%2$s, $1.needles, $1.named || ''|'' || $1.words, $1.sessions) then %3$s else r.%1$I end',
          c.name, c.as_text, c.scrubbed), ', ') as changes
      from hub_private.columns_with_words(entity) c
    ) s where s.changes is not null
  );
comment on function hub_private.scrubbing(regclass, text, text) is 'The statement that finds a table''s rows that hold what is to be erased, or scrubs them; null for a table without words.';

revoke execute on all functions in schema hub, hub_private from public;
