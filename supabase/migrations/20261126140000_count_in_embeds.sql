-- An embedded table may be counted (`select=id,ticket_messages(count)`). PostgREST allows aggregates all or none; the Hub writes this
-- one alone, and no key but the Hub's opens PostgREST (A-3).
do $$
begin
  alter role authenticator set pgrst.db_aggregates_enabled = 'true';
  notify pgrst, 'reload config';
exception when insufficient_privilege then
  raise notice 'authenticator cannot be altered here: set db-aggregates-enabled in PostgREST itself';
end
$$;
