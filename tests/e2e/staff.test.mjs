// The operations of staff, by role, and the rows that each leaves (A-2, A-3, L-1, L-3).

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { ACME, fetchAs, client, recorded, sql, upstream } from './client.mjs';

const STAFF = {
  admin: 'user_2hubadmin0000000000000005',
  sales: 'user_2hubsales0000000000000006',
  support: 'user_2hubsupport000000000000007',
};

const activities = (id) =>
  sql(
    "select * from hub.team_activities where entity_id = $1 and actor_kind = 'staff' and action in ('insert', 'update', 'delete') order by id",
    [id],
  );
const one = async (table) => (await sql(`select * from hub.${table} limit 1`))[0];

describe('a staff change', () => {
  test('L-1: leaves its row: actor, action, before, after, time, and a hash that can be recomputed', async () => {
    const [lead] = await sql("select * from hub.leads where status = 'new' limit 1");
    const sales = await client('sales');
    const { error, data } = await sales
      .from('leads')
      .update({ status: 'contacted' })
      .eq('id', lead.id)
      .select('status')
      .single();
    assert.deepEqual([error, data?.status], [null, 'contacted']);
    const rows = await activities(lead.id);
    assert.equal(rows.length, 1);
    const [row] = rows;
    assert.deepEqual(
      [row.actor_id, row.actor_role, row.action, row.entity, row.before, row.after],
      [STAFF.sales, 'sales', 'update', 'leads', { status: 'new' }, { status: 'contacted' }],
    );
    assert.ok(Math.abs(Date.now() - row.occurred_at.getTime()) < 60_000);
    assert.equal(row.values_hash.length, 32);
    assert.ok(row.salt.length >= 16);
    const [{ hash }] = await sql(
      'select hub_private.values_hash(salt, before, after) as hash from hub.team_activities where id = $1',
      [row.id],
    );
    assert.deepEqual(hash, row.values_hash);
  });

  test('L-3: leaves its request row in the same transaction, under the same request id', async () => {
    const lead = await one('leads');
    const response = await fetchAs('admin', `leads?id=eq.${lead.id}`, {
      method: 'PATCH',
      body: { notes: `called ${Date.now()}` },
    });
    assert.equal(response.status, 204);
    const id = response.headers['x-request-id'];
    const [request] = await sql('select *, xmin::text as transaction from hub.request_log where request_id = $1', [id]);
    const [activity] = await sql('select *, xmin::text as transaction from hub.team_activities where request_id = $1', [
      id,
    ]);
    assert.equal(request.transaction, activity.transaction);
    assert.deepEqual(
      [request.actor_id, request.who, request.outcome, request.route],
      [STAFF.admin, 'staff:admin', 'allowed', '/rest/v1/leads'],
    );
  });

  test('needs one round trip', async () => {
    const lead = await one('leads');
    await upstream();
    await fetchAs('admin', `leads?id=eq.${lead.id}`, { method: 'PATCH', body: { notes: `one trip ${Date.now()}` } });
    assert.equal((await upstream()).length, 1);
  });

  test('L-1: without a changed value leaves no row', async () => {
    const lead = await one('leads');
    const before = (await activities(lead.id)).length;
    assert.equal(
      (await fetchAs('admin', `leads?id=eq.${lead.id}`, { method: 'PATCH', body: { status: lead.status } })).status,
      204,
    );
    assert.equal((await activities(lead.id)).length, before);
  });

  test('L-1: on each of the named tables, insert, update and delete', async () => {
    const admin = await client('admin');
    const [ticket] = await sql("select id from hub.contact_tickets where status = 'open' limit 1");
    const [thread] = await sql("select id from hub.chat_threads where status = 'open' limit 1");
    for (const [table, row, change] of [
      ['leads', { name: 'Ada', email: 'ada@example.com', message: 'Hello', source: 'event' }, { status: 'qualified' }],
      ['contact_tickets', { owner_id: ACME, subject: 'From a call', kind: 'other' }, { priority: 'urgent' }],
      ['ticket_messages', { ticket_id: ticket.id, body: 'We look into it' }, { body: 'We look into it today' }],
      ['chat_messages', { thread_id: thread.id, body: 'Hello' }, { body: 'Hello!' }],
    ]) {
      const made = await admin.from(table).insert(row).select('id').single();
      assert.equal(made.error, null, `${table}: ${JSON.stringify(made.error)}`);
      const { id } = made.data;
      assert.equal((await admin.from(table).update(change).eq('id', id)).error, null, table);
      assert.equal((await admin.from(table).delete().eq('id', id)).error, null, table);
      const rows = await activities(id);
      assert.deepEqual(
        rows.map((row) => row.action),
        ['insert', 'update', 'delete'],
        table,
      );
      assert.ok(rows.every((row) => row.actor_id === STAFF.admin));
      assert.deepEqual([rows[0].before, rows[2].after], [null, null]);
      assert.deepEqual(Object.keys(rows[1].after).sort(), Object.keys(change).sort());
    }
  });

  test('L-1: is rolled back when its row cannot be written', async () => {
    const lead = await one('leads');
    await sql("alter table hub.team_activities add constraint nothing_more check (actor_role <> 'support') not valid");
    try {
      const [ticket] = await sql("select * from hub.contact_tickets where status = 'open' limit 1");
      const response = await fetchAs('support', `contact_tickets?id=eq.${ticket.id}`, {
        method: 'PATCH',
        body: { status: 'solved' },
      });
      assert.ok(response.status >= 400, `${response.status}`);
      assert.equal(
        (await sql('select status from hub.contact_tickets where id = $1', [ticket.id]))[0].status,
        ticket.status,
      );
      assert.equal(
        (await sql('select 1 from hub.team_activities where request_id = $1', [response.headers['x-request-id']]))
          .length,
        0,
      );
      assert.equal(
        (await fetchAs('admin', `leads?id=eq.${lead.id}`, { method: 'PATCH', body: { notes: `x${Date.now()}` } }))
          .status,
        204,
      );
    } finally {
      await sql('alter table hub.team_activities drop constraint nothing_more');
    }
  });
});

const KEYS = { revoked_sessions: 'subject', webhook_messages: 'message_id' };

describe('A-2: roles', () => {
  const allowed = {
    admin: [
      'leads',
      'contact_tickets',
      'ticket_messages',
      'chat_threads',
      'chat_messages',
      'team_activities',
      'request_log',
      'request_log_rejected',
      'revoked_sessions',
      'webhook_messages',
      'checks',
    ],
    sales: ['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages'],
    support: ['leads', 'contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages'],
  };
  for (const [role, tables] of Object.entries(allowed)) {
    test(`${role} reads ${tables.length} tables and no other`, async () => {
      const staff = await client(role);
      for (const table of allowed.admin) {
        const { error, data } = await staff
          .from(table)
          .select(KEYS[table] ?? 'id')
          .limit(3);
        if (tables.includes(table)) assert.deepEqual([error, Array.isArray(data)], [null, true], table);
        else assert.equal(error.code, 'HUB202', table);
      }
    });
  }

  test('staff see the rows of every owner', async () => {
    const { data } = await (await client('support')).from('contact_tickets').select('owner_id').limit(1000);
    const [{ owners }] = await sql('select count(distinct owner_id)::int as owners from hub.contact_tickets');
    assert.equal(new Set(data.map((row) => row.owner_id)).size, owners);
  });

  test('support may not change a lead, sales may not change a ticket', async () => {
    const [lead, ticket] = [await one('leads'), await one('contact_tickets')];
    const refused = async (role, table, id, change) =>
      (await (await client(role)).from(table).update(change).eq('id', id)).error?.code;
    assert.equal(await refused('support', 'leads', lead.id, { status: 'lost' }), 'HUB201');
    assert.equal(await refused('sales', 'contact_tickets', ticket.id, { status: 'closed' }), 'HUB201');
    assert.match(await refused('sales', 'leads', lead.id, { name: 'Other' }), /^HUB3/);
  });

  test('only an administrator deletes, and only with a fresh second factor', async () => {
    const { data: lead, error } = await (
      await client('admin')
    )
      .from('leads')
      .insert({ name: 'Temp', email: 't@example.com' })
      .select('id')
      .single();
    assert.equal(error, null);
    assert.equal((await (await client('sales')).from('leads').delete().eq('id', lead.id)).error.code, 'HUB201');
    assert.equal((await (await client('stale')).from('leads').delete().eq('id', lead.id)).error.code, 'HUB203');
    assert.equal((await (await client('stale')).from('leads').update({ notes: 'seen' }).eq('id', lead.id)).error, null);
    assert.equal((await (await client('admin')).from('leads').delete().eq('id', lead.id)).error, null);
  });

  test('an unknown role has no access, not even to a customer’s own rows', async () => {
    const unrecognized = await client('nobody');
    for (const table of ['contact_tickets', 'leads', 'team_activities']) {
      assert.equal((await unrecognized.from(table).select()).error.code, 'HUB201', table);
    }
  });

  test('the audit log itself is read-only for every role', async () => {
    const admin = await client('admin');
    const row = await one('team_activities');
    for (const change of [
      admin.from('team_activities').update({ actor_id: 'x' }).eq('id', row.id),
      admin.from('team_activities').delete().eq('id', row.id),
      admin.from('team_activities').insert({ actor_id: 'x' }),
    ]) {
      assert.equal((await change).error.code, 'HUB201');
    }
  });
});

describe('L-3: request rows', () => {
  test('a staff read', async () => {
    const response = await fetchAs('support', 'contact_tickets?select=id&limit=1');
    assert.equal(response.status, 200);
    const row = await recorded(response.headers['x-request-id']);
    assert.deepEqual(
      [row.actor_id, row.who, row.outcome, row.status, row.method],
      [STAFF.support, 'staff:support', 'allowed', 200, 'GET'],
    );
  });

  test('a rejection with a session', async () => {
    const response = await fetchAs('alice', 'leads', { headers: { 'x-request-id': 'my-own-id-1' } });
    assert.equal(response.status, 404);
    const row = await recorded(response.headers['x-request-id']);
    assert.deepEqual(
      [row.who, row.outcome, row.code, row.client_request_id],
      ['customer', 'refused', 'HUB202', 'my-own-id-1'],
    );
  });

  test('a customer’s read, and a rejection without a session', async () => {
    for (const [persona, path, outcome] of [
      ['alice', 'contact_tickets?select=id&limit=1', 'allowed'],
      [null, 'contact_tickets', 'refused'],
    ]) {
      const id = (await fetchAs(persona, path)).headers['x-request-id'];
      assert.equal((await recorded(id)).outcome, outcome);
    }
  });

  test('a client that repeats its own id hides no request', async () => {
    const headers = { 'x-request-id': 'repeated-id-0001' };
    const ids = [];
    for (let n = 0; n < 3; n += 1)
      ids.push((await fetchAs('support', 'leads?select=id&limit=1', { headers })).headers['x-request-id']);
    assert.equal(new Set(ids).size, 3);
    for (const id of ids) assert.equal((await recorded(id)).client_request_id, headers['x-request-id']);
  });

  test('every committed change of a customer has its row too', async () => {
    const response = await fetchAs('carol', 'chat_threads', { method: 'POST', body: { topic: 'Row?' } });
    assert.equal(response.status, 201);
    assert.equal(
      (await sql('select 1 from hub.request_log where request_id = $1', [response.headers['x-request-id']])).length,
      1,
    );
  });

  test('ten thousand rows are readable page by page', async () => {
    const admin = await client('admin');
    const { data, error } = await admin.from('request_log').select('id').order('id', { ascending: false }).limit(1000);
    assert.deepEqual([error, Array.isArray(data)], [null, true]);
    assert.match((await admin.from('request_log').select('id').limit(10_000)).error?.code ?? 'clamped', /HUB3|clamped/);
  });
});
