// L-1, A-2: staff operations through supabase-js: versions, transitions, purposes; and the customer who sees the
// actions.

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { fetchAs, client, readRecords, recorded, sql, until } from './client.mjs';

const fresh = async (persona, subject) => {
  const { data, error } = await (
    await client(persona)
  )
    .rpc('open_ticket', { subject, body: 'What I wrote' })
    .select('id, version')
    .single();
  assert.equal(error, null);
  return data;
};

describe('changes', () => {
  test('of two changes of the same version one gets 412, and nothing is lost', async () => {
    const { id } = await fresh('alice', 'Two at once');
    const headers = { 'if-match': '"1"' };
    const both = await Promise.all(
      ['high', 'low'].map((priority) =>
        fetchAs('support', `contact_tickets?id=eq.${id}`, { method: 'PATCH', headers, body: { priority } }),
      ),
    );
    assert.deepEqual(both.map(({ status }) => status).sort(), [204, 412]);
    const stale = both.find(({ status }) => status === 412);
    assert.deepEqual([stale.json.code, stale.json.message], ['PT412', 'the row has version 2 by now']);
    assert.equal((await sql('select version from hub.contact_tickets where id = $1', [id]))[0].version, 2);
    assert.equal(
      (await sql("select 1 from hub.team_activities where entity_id = $1 and action = 'update'", [id])).length,
      1,
    );
  });

  test('with the version in a filter or a function, and not without one', async () => {
    const { id } = await fresh('alice', 'By version');
    const support = await client('support', { global: { headers: {} } });
    assert.equal(
      (await support.from('contact_tickets').update({ priority: 'high' }).eq('id', id)).error.code,
      'HUB326',
    );
    assert.equal(
      (await support.from('contact_tickets').update({ priority: 'high' }).eq('id', id).eq('version', 7)).error.code,
      'PT412',
    );
    assert.equal(
      (await support.from('contact_tickets').update({ priority: 'high' }).eq('id', id).eq('version', 1)).error,
      null,
    );
    assert.equal((await support.rpc('move_ticket', { ticket: id, status: 'pending', version: 1 })).error.code, 'PT412');
    assert.deepEqual((await support.rpc('move_ticket', { ticket: id, status: 'pending', version: 2 })).data, 3);
    assert.equal((await support.rpc('move_ticket', { ticket: id, status: 'closed', version: 3 })).error.code, 'PT422');
    assert.equal(
      (await support.rpc('move_ticket', { ticket: id, status: 'closed', version: 3, resolution: 'Cache cleared.' }))
        .data,
      4,
    );
    const reopened = await (
      await client('alice')
    )
      .from('contact_tickets')
      .update({ status: 'open' })
      .eq('id', id)
      .select('status, resolution, version')
      .single();
    assert.deepEqual(reopened.data, { status: 'open', resolution: null, version: 5 });
  });

  test('an invalid transition names the valid ones; one that requires a reason stores it', async () => {
    const made = await (
      await client('sales')
    )
      .from('leads')
      .insert({ name: 'Ida', email: 'ida@example.com' })
      .select('id')
      .single();
    const sales = await client('sales');
    const { error } = await sales.from('leads').update({ status: 'won' }).eq('id', made.data.id);
    assert.deepEqual(
      [error.code, error.message, error.hint],
      ['PT409', 'the status cannot go from new to won', 'From here it goes to: contacted, lost, qualified.'],
    );
    assert.equal((await sales.from('leads').update({ status: 'lost' }).eq('id', made.data.id)).error.code, 'PT422');
    const reasonText = 'Kein Budget für 2026';
    const lost = await sales
      .from('leads')
      .update({ status: 'lost' })
      .eq('id', made.data.id)
      .setHeader('x-hub-reason', encodeURIComponent(reasonText));
    assert.equal(lost.error, null);
    const [row] = await sql(
      "select reason, actor_name, out_of_band, route from hub.team_activities where entity_id = $1 and action = 'update'",
      [made.data.id],
    );
    assert.deepEqual(row, {
      reason: reasonText,
      actor_name: 'Sam Sales',
      out_of_band: false,
      route: 'PATCH /rest/v1/leads',
    });
  });

  test('a duplicate is merged, a chat message retracted', async () => {
    const [one, two] = [await fresh('carol', 'First'), await fresh('carol', 'First, again')];
    assert.equal(
      (await (await client('support')).rpc('merge_tickets', { ticket: two.id, target: one.id, version: 1 })).data,
      2,
    );
    const carol = await client('carol');
    assert.deepEqual(
      (await carol.from('contact_tickets').select('status, merged_into').eq('id', two.id).single()).data,
      { status: 'closed', merged_into: one.id },
    );
    const { error } = await carol.from('ticket_messages').insert({ ticket_id: two.id, body: 'And?' });
    assert.deepEqual([error.code, error.hint], ['PT409', `It goes on as ${one.id}.`]);
    const thread = (await carol.from('chat_threads').insert({ topic: 'Retract' }).select('id').single()).data.id;
    const message = (
      await carol.from('chat_messages').insert({ thread_id: thread, body: 'Oh no' }).select('id').single()
    ).data.id;
    assert.equal((await (await client('support')).rpc('retract_message', { message })).error.code, '42501');
    assert.equal((await carol.rpc('retract_message', { message })).error, null);
    assert.equal((await carol.from('chat_messages').select('body').eq('id', message).single()).data.body, null);
  });
});

describe('audited reads', () => {
  test('A-2: the content of a record requires a purpose and a name; both are in the audit log', async () => {
    const { id } = await fresh('alice', 'Look at me');
    const path = `ticket_messages?ticket_id=eq.${id}`;
    const none = { headers: { 'x-hub-purpose': undefined } };
    assert.equal((await fetchAs('support', path, none)).json.code, 'HUB328');
    assert.equal((await fetchAs('support', 'ticket_messages?select=body')).json.code, 'HUB329');
    assert.equal((await fetchAs('support', path, { headers: { 'x-hub-purpose': 'curiosity' } })).json.code, 'HUB327');
    const readResponse = await fetchAs('support', path, { headers: { 'x-hub-purpose': 'client_request' } });
    assert.equal(readResponse.json.length, 1);
    const some = (rows, ...names) => rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name]])));
    const rows = await readRecords(readResponse.headers['x-request-id']);
    assert.deepEqual(some(rows, 'action', 'entity', 'entity_id', 'owner_id', 'purpose', 'row_count', 'actor_role'), [
      {
        action: 'read',
        entity: 'contact_tickets',
        entity_id: id,
        owner_id: 'org_2hubacme00000000000000001',
        purpose: 'client_request',
        row_count: null,
        actor_role: 'support',
      },
    ]);
    // The read was recorded before there was anything to count.
    assert.equal((await recorded(readResponse.headers['x-request-id'])).row_count, 1);
    const list = await fetchAs('support', 'contact_tickets?select=id,subject&status=eq.open&limit=5', none);
    assert.deepEqual(
      some(await readRecords(list.headers['x-request-id']), 'action', 'entity', 'entity_id', 'filter', 'row_count'),
      [
        {
          action: 'list',
          entity: 'contact_tickets',
          entity_id: '',
          filter: 'select=id,subject&status=eq.open&limit=5',
          row_count: list.json.length,
        },
      ],
    );
  });

  test('L-1: the customer sees who read and changed which records, why, and nothing of others, within five seconds', async () => {
    const { id } = await fresh('alice', 'Watched');
    await fetchAs('support', `ticket_messages?ticket_id=eq.${id}`, { headers: { 'x-hub-purpose': 'support' } });
    await fetchAs('support', `contact_tickets?id=eq.${id}`, {
      method: 'PATCH',
      body: { priority: 'urgent', assigned_to: 'user_2hubsupport000000000000007' },
      headers: { 'x-hub-reason': 'The%20site%20is%20down' },
    });
    await fetchAs('support', 'ticket_messages', {
      method: 'POST',
      body: { ticket_id: id, body: 'between us', internal: true },
    });
    const began = Date.now();
    const mine = await until('the rows', async () => {
      const { data } = await (await client('bob')).rpc('my_activity', { most: 50 });
      const here = data.filter(({ entity_id }) => entity_id === id);
      // An audited read arrives by the queue, a second after a change of the same moment.
      return (
        here.length === 2 && here.sort((one, other) => Date.parse(other.occurred_at) - Date.parse(one.occurred_at))
      );
    });
    assert.ok(Date.now() - began < 5000);
    assert.deepEqual(
      mine.map(({ action, staff_name, staff_role, purpose, reason, before, after }) => ({
        action,
        staff_name,
        staff_role,
        purpose,
        reason,
        before,
        after,
      })),
      [
        {
          action: 'update',
          staff_name: 'Sue Support',
          staff_role: 'support',
          purpose: 'support',
          reason: 'The site is down',
          before: { priority: 'normal' },
          after: { priority: 'urgent' },
        },
        {
          action: 'read',
          staff_name: 'Sue Support',
          staff_role: 'support',
          purpose: 'support',
          reason: null,
          before: null,
          after: null,
        },
      ],
    );
    const { data: others } = await (await client('carol')).rpc('my_activity', { most: 500 });
    assert.equal(others.filter(({ entity_id }) => entity_id === id).length, 0);
    assert.equal(JSON.stringify((await (await client('alice')).rpc('my_activity')).data).includes('between us'), false);
    assert.equal((await (await client('support')).rpc('my_activity')).error.code, 'HUB202');
  });

  test('L-3: a row contains the database’s duration, the number of rows and the token’s id; a change is completed', async () => {
    const { id } = await fresh('alice', 'Rows');
    const read = await fetchAs('support', `contact_tickets?id=eq.${id}&select=id`);
    const row = await recorded(read.headers['x-request-id']);
    assert.ok(row.upstream_ms >= 0 && row.row_count === 1 && row.token_id.length > 0, JSON.stringify(row));
    const change = await fetchAs('support', `contact_tickets?id=eq.${id}`, {
      method: 'PATCH',
      body: { priority: 'low' },
    });
    const completed = await recorded(change.headers['x-request-id']);
    assert.deepEqual([completed.status, completed.outcome], [204, 'allowed']);
  });
});
