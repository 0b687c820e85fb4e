-- As in 20261126110000_reject_requests.sql, and the session goes as well (R-3): one whose rows were all rejected is in no other log, by which an
-- erasure could know it as the person's.
create or replace function hub_private.reduce_rejected() returns trigger
  language plpgsql volatile set search_path = ''
as $$
declare
  content jsonb;
begin
  content := new.content::jsonb - array['token_id', 'address_hash', 'client_request_id'];
  if content ->> 'actor_id' like 'erased\_%' and content ? 'session_id' then
    content := content || jsonb_build_object('session_id', content -> 'actor_id');
  end if;
  new.content := content::text;
  return new;
exception when others then
  -- No JSON object: the words are changed already.
  return new;
end
$$;

revoke execute on all functions in schema hub, hub_private from public;
