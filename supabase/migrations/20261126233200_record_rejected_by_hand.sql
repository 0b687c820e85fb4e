-- A rejected row is what is left of a request (L-3): who changes or removes one by hand leaves a row of the audit log, as with a revocation. The
-- trigger asked for staff alone, so that a removal by SQL left nothing. What the Hub's own jobs store, erase and forget needs none.
drop trigger record_activity on hub.request_log_rejected;
create trigger record_activity after insert or update or delete on hub.request_log_rejected
  for each row when (hub_private.actor_kind() is distinct from 'system' or session_user <> 'authenticator') execute function hub_private.record_activity();
alter table hub.request_log_rejected enable always trigger record_activity;
