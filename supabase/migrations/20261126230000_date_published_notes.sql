-- A note that is published is dated when the client first sees it (L-1). It kept the day on which it was written as a note: staff rewrote an old note,
-- and published it as if the client had been told so at the time.

-- As in 20261126210000_show_published_notes.sql, with that date; the 15 minutes in which its author changes it begin then.
create or replace function hub_private.check_conversation() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  parent record;
begin
  if hub_private.actor_kind() = 'system' then
    return new;
  end if;
  if tg_op = 'UPDATE' and tg_table_name = 'chat_messages' then
    if new.body is distinct from old.body then
      if old.retracted_at is not null then
        raise sqlstate 'PT409' using message = 'the message was taken back';
      elsif new.retracted_at is null and old.created_at < now() - interval '15 minutes' then
        raise sqlstate 'PT409' using message = 'a message is changed within 15 minutes', hint = 'Write a new one, or retract it.';
      end if;
    end if;
    return new;
  elsif tg_op = 'UPDATE' then
    if new.internal and not old.internal then
      raise sqlstate 'PT409' using message = 'a message to the client does not become a note', hint = 'The client may have read it. Write a new message.';
    elsif not new.internal and (old.internal or new.body is distinct from old.body) and old.author_id is distinct from hub_private.actor_id() then
      raise sqlstate 'PT409' using message = 'only its author changes or publishes a message', hint = 'The client reads it under the author''s name. Write a message of your own.';
    elsif not old.internal and new.body is distinct from old.body and old.created_at < now() - interval '15 minutes' then
      raise sqlstate 'PT409' using message = 'a message is changed within 15 minutes', hint = 'Write a new one.';
    elsif new.internal or not old.internal then
      return new;
    end if;
    new.created_at := now();
  end if;
  if tg_table_name = 'ticket_messages' then
    select t.status, t.merged_into into parent from hub.contact_tickets t where t.id = new.ticket_id;
    if parent.status = 'closed' and not new.internal then
      raise sqlstate 'PT409' using message = 'the ticket is closed',
        hint = case when parent.merged_into is null then 'Open it again first.' else 'It goes on as ' || parent.merged_into || '.' end;
    end if;
  else
    select t.status into parent from hub.chat_threads t where t.id = new.thread_id;
    if parent.status = 'closed' then
      raise sqlstate 'PT409' using message = 'the chat is closed', hint = 'Open it again first.';
    end if;
  end if;
  return new;
end
$$;

comment on column hub.ticket_messages.created_at is 'When it was written; of a note that was published, when that was.';

revoke execute on all functions in schema hub, hub_private from public;
