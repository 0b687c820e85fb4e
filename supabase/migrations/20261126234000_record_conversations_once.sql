-- A conversation that is read through several of its messages is recorded once (L-1): 100 of them left 100 rows, and as many in the client's view.
-- The rest of the function is that of 20261126200000_record_reads_whole.sql.
do $$
declare
  written constant text := pg_get_functiondef('hub_private.write_reads(jsonb, jsonb)'::regprocedure);
  once constant text := replace(written, 'as materialized (select * from hub_private.records_of(', 'as materialized (select distinct * from hub_private.records_of(');
begin
  if once = written then
    raise exception 'the records of a read are not where they were';
  end if;
  execute once;
end
$$;
