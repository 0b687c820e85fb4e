-- As in 20261126100000_record_reads_first.sql, and the actor is cut as in the request's own row (L-3): an id that is longer than an entry of
-- an index made its batch unwritable.
create or replace function hub_private.record_looks(requests jsonb) returns void
  language plpgsql volatile security definer set search_path = ''
as $$
declare
  request jsonb;
begin
  for request in select r.value from jsonb_array_elements(requests) as r where jsonb_typeof(r.value -> 'look') = 'object' loop
    perform hub_private.write_reads(request || jsonb_build_object('actor_id', left(request ->> 'actor_id', 200),
      'actor_role', substr(request ->> 'who', length('staff:') + 1), 'client_id', null), request -> 'look');
  end loop;
end
$$;

revoke execute on all functions in schema hub, hub_private from public;
