-- Request rows that the request log refuses (L-3) are stored whole beside it, and written again by an admin once the cause is fixed.

-- Without a constraint that content could break: whatever text came from the queue is stored, JSON or not.
create table hub.request_log_rejected (
  id text constraint request_log_rejected_pkey primary key,
  received_at timestamptz not null default clock_timestamp(),
  tried_at timestamptz,
  content text not null,
  code text not null,
  message text not null,
  request_id text
);
comment on table hub.request_log_rejected is 'Request rows that the request log refused, each once and whole (L-3).';
comment on column hub.request_log_rejected.id is 'SHA-256 of the content as it came, in hex: a message that is delivered twice is stored once.';
comment on column hub.request_log_rejected.received_at is 'When it was refused first.';
comment on column hub.request_log_rejected.tried_at is 'When an admin had it written again, and it was refused again.';
comment on column hub.request_log_rejected.content is 'The row as it came from the queue, or the whole message if that is no array of rows; a zero byte as \u0000.';
comment on column hub.request_log_rejected.code is 'SQLSTATE, or a code of PostgREST''s or the Hub''s (no_rows).';
comment on column hub.request_log_rejected.message is 'What the database said.';
comment on column hub.request_log_rejected.request_id is 'x-request-id, where the content names one.';
create index request_log_rejected_received_at on hub.request_log_rejected (received_at);
alter table hub.request_log_rejected enable row level security;
alter table hub.request_log_rejected force row level security;
grant select (id, received_at, tried_at, content, code, message, request_id) on hub.request_log_rejected to hub_staff;
create policy request_log_rejected_staff_select on hub.request_log_rejected for select to hub_staff using ((select hub_private.staff_role()) = 'admin');
create trigger refuse_truncate before truncate on hub.request_log_rejected for each statement execute function hub_private.refuse_truncate();
alter table hub.request_log_rejected enable always trigger refuse_truncate;
-- L-1: what an admin has written again, or removes, leaves its row with the content.
create trigger record_activity after insert or update or delete on hub.request_log_rejected
  for each row when (hub_private.actor_kind() = 'staff') execute function hub_private.record_activity();
alter table hub.request_log_rejected enable always trigger record_activity;

-- An erasure changes the words that name a person (R-3); what else tells of one leaves the content with them, as in request_log.
create function hub_private.reduce_rejected() returns trigger
  language plpgsql volatile set search_path = ''
as $$
begin
  new.content := (new.content::jsonb - array['token_id', 'address_hash', 'client_request_id'])::text;
  return new;
exception when others then
  -- No JSON object: the words are changed already.
  return new;
end
$$;
comment on function hub_private.reduce_rejected() is 'Takes out of a rejected row what an erasure takes out of a request row.';
create trigger reduce_rejected before update on hub.request_log_rejected
  for each row when (current_setting('hub.erasing', true) = 'on') execute function hub_private.reduce_rejected();
alter table hub.request_log_rejected enable always trigger reduce_rejected;

create function hub_private.reject_requests(rows jsonb) returns integer
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  item record;
  request text;
  stored integer := 0;
begin
  for item in select q.content, q.code, q.message from jsonb_to_recordset(rows) as q (content text, code text, message text) order by q.content loop
    begin
      request := substring(item.content::jsonb ->> 'request_id' from '^[0-9A-HJKMNP-TV-Z]{26}$');
    exception when others then
      request := null;
    end;
    insert into hub.request_log_rejected (id, content, code, message, request_id)
    values (encode(sha256(convert_to(item.content, 'UTF8')), 'hex'), item.content, coalesce(item.code, ''), coalesce(item.message, ''), request)
    on conflict (id) do nothing;
    if found then
      stored := stored + 1;
    end if;
  end loop;
  return stored;
end
$$;
comment on function hub_private.reject_requests(jsonb) is 'Stores rows that the request log refuses, each once; gives how many were new.';
create function hub.reject_requests(rows jsonb) returns integer
  language sql volatile set search_path = ''
  return hub_private.reject_requests(rows);
comment on function hub.reject_requests(jsonb) is 'Stores request rows that the request log refuses, each once; gives how many were new.';
grant execute on function hub.reject_requests(jsonb), hub_private.reject_requests(jsonb) to hub_system;

-- By the same function as the queue's consumer, each row for itself; what is refused again goes to the end. At most 100 a call, so
-- that one ends in the time of a request.
create function hub_private.retry_rejected_requests(reason text, discard text[]) returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  item hub.request_log_rejected;
  told_code text;
  told text;
  written integer := 0;
  refused integer := 0;
  discarded integer := 0;
begin
  if hub_private.staff_role() is distinct from 'admin' then
    raise insufficient_privilege using message = 'not for this role';
  elsif length(btrim(coalesce(retry_rejected_requests.reason, ''))) not between 1 and 500 then
    raise sqlstate 'PT400' using message = 'a reason is needed', hint = 'At most 500 characters.';
  end if;
  -- Into the row that each change leaves (L-1).
  perform set_config('hub.reason', retry_rejected_requests.reason, true);
  delete from hub.request_log_rejected r where r.id = any (retry_rejected_requests.discard);
  get diagnostics discarded = row_count;
  for item in select r.* from hub.request_log_rejected r order by r.tried_at nulls first, r.received_at, r.id limit 100 for update skip locked loop
    begin
      perform hub_private.record_requests(jsonb_build_array(item.content::jsonb));
      delete from hub.request_log_rejected r where r.id = item.id;
      written := written + 1;
    exception when others then
      get stacked diagnostics told_code = returned_sqlstate, told = message_text;
      update hub.request_log_rejected r set tried_at = clock_timestamp(), code = told_code, message = told where r.id = item.id;
      refused := refused + 1;
    end;
  end loop;
  return jsonb_build_object('written', written, 'refused', refused, 'discarded', discarded, 'left', (select count(*) from hub.request_log_rejected));
end
$$;
comment on function hub_private.retry_rejected_requests(text, text[]) is 'Writes up to 100 rejected rows again and removes those named; gives how many were written, refused, removed and left.';
create function hub.retry_rejected_requests(reason text, discard text[] default '{}') returns jsonb
  language sql volatile set search_path = ''
  return hub_private.retry_rejected_requests(reason, discard);
comment on function hub.retry_rejected_requests(text, text[]) is 'Writes up to 100 rejected request rows again; those named in discard are removed without that, and stay in the audit log.';
grant execute on function hub.retry_rejected_requests(text, text[]), hub_private.retry_rejected_requests(text, text[]) to hub_staff;

-- As in 20261124140000_keep_retention.sql, and rejected rows as long as request rows.
create or replace function hub_private.keep_house() returns jsonb
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  made integer := hub_private.make_partitions(24);
  forgotten integer;
  messages integer;
  requests integer;
  rejected integer;
  retired jsonb := hub_private.retire_months();
begin
  -- A revocation that ran out still tells an overtaken message from a new one, so it is kept as long as the messages are.
  delete from hub.revoked_sessions where expires_at < now() - interval '30 days';
  get diagnostics forgotten = row_count;
  delete from hub.webhook_messages where received_at < now() - interval '30 days';
  get diagnostics messages = row_count;
  -- A day's worth at a time is what there is to remove; the bound keeps a first run after a long pause short.
  delete from hub.request_log where id in (select id from hub.request_log where occurred_at < now() - interval '12 months' order by occurred_at limit 200000);
  get diagnostics requests = row_count;
  delete from hub.request_log_rejected where received_at < now() - interval '12 months';
  get diagnostics rejected = row_count;
  return jsonb_build_object('partitions_made', made, 'revocations_forgotten', forgotten, 'messages_forgotten', messages, 'requests_forgotten', requests,
    'rejected_forgotten', rejected, 'retired', retired);
end
$$;
comment on function hub_private.keep_house() is 'Makes partitions ahead; retires months of the trail; forgets revocations and messages after 30 days, request rows and rejected ones after 12 months.';

revoke execute on all functions in schema hub, hub_private from public;
