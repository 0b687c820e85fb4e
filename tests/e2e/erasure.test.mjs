// an admin erases a user through the API, with a fresh second factor and a reason; no database access is
// needed for it.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { fetchAs, client, sql } from './client.mjs';

test('R-3: an admin erases a user and is recorded as actor; other roles and stale factors are rejected', async () => {
  const wanda = {
    user_id: 'user_2hubwanda0000000000000042',
    identifiers: ['wanda.wade@example.com'],
    reason: 'request 42',
  };
  const { data: lead } = await (
    await client('sales')
  )
    .from('leads')
    .insert({ name: 'Wanda Wade', email: 'wanda.wade@example.com' })
    .select('id')
    .single();
  const call = async (persona, more = {}) => (await client(persona)).rpc('erase_user', { ...wanda, ...more });
  assert.equal((await call('alice')).error.code, 'HUB202');
  assert.equal((await call('support')).error.code, 'HUB202');
  assert.equal((await call('stale')).error.code, 'HUB203');
  assert.equal((await call('admin', { reason: 'wanda.wade@example.com asked' })).error.code, 'PT400');
  // Rejected: an account of staff, words that identify no account, and rows of others without their confirmed count.
  assert.match((await call('admin', { user_id: 'user_2hubsupport000000000000007' })).error.message, /acts of staff/);
  assert.match(
    (await call('admin', { user_id: 'user_2hubalice0000000000000001', identifiers: ['Ada Admin'] })).error.message,
    /member of staff/,
  );
  assert.equal((await call('admin', { identifiers: ['please'] })).error.code, 'PT400');
  assert.equal((await call('admin', { identifiers: ['Wanda Wade'] })).error.code, 'PT400');
  assert.match((await call('admin', { other_rows: 1 })).error.message, /0 rows of others/);
  assert.equal((await sql('select 1 from hub.leads where id = $1', [lead.id])).length, 1);

  const { data, error } = await call('admin');
  assert.equal(error, null);
  assert.match(data.pseudonym, /^erased_[0-9a-f]{32}$/);
  assert.equal((await sql('select 1 from hub.leads where id = $1', [lead.id])).length, 0);
  const rows = await sql(
    "select a.actor_id, a.actor_name, a.reason, r.who, r.status from hub.team_activities a join hub.request_log r using (request_id) where a.action = 'erase' and a.entity_id = $1 order by a.id",
    [data.pseudonym],
  );
  assert.deepEqual(
    rows.map(({ actor_id, reason, who }) => [actor_id, reason, who]),
    [
      ['system:erasure', null, 'staff:admin'],
      ['user_2hubadmin0000000000000005', 'request 42', 'staff:admin'],
    ],
  );
  // The admin's own request leaves no data of the erased user.
  const left =
    JSON.stringify(
      await sql(
        "select to_jsonb(a) as row from hub.team_activities a where a.occurred_at > now() - interval '1 minute'",
      ),
    ) +
    JSON.stringify(
      await sql("select to_jsonb(r) as row from hub.request_log r where r.occurred_at > now() - interval '1 minute'"),
    );
  assert.doesNotMatch(left, /wanda/i);
  assert.equal((await fetchAs('admin', 'rpc/erase_user')).status, 405, 'by POST alone');
});
