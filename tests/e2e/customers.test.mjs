// Use of unmodified supabase-js by customers: their own rows, all of them, and no others.

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { ACME, ALICE, CAROL, client, sql, upstream } from './client.mjs';

/** Returns the data of a response that must not be an error. */
function dataOf({ data, error, status }) {
  assert.equal(error, null, `${status} ${JSON.stringify(error)}`);
  return data;
}

describe('two members of one organization and a lone customer', () => {
  test('A-1: each reads exactly the rows of their own owner', async () => {
    for (const [persona, owner] of [
      ['alice', ACME],
      ['bob', ACME],
      ['carol', CAROL],
    ]) {
      const rows = dataOf(await (await client(persona)).from('contact_tickets').select('id, owner_id').limit(1000));
      const [{ count }] = await sql('select count(*)::int from hub.contact_tickets where owner_id = $1', [owner]);
      assert.equal(rows.length, count, persona);
      assert.ok(count > 0);
      assert.deepEqual([...new Set(rows.map((row) => row.owner_id))], [owner]);
    }
  });

  test('a customer without rows gets an empty list', async () => {
    assert.deepEqual(dataOf(await (await client('dave')).from('contact_tickets').select()), []);
  });

  test("A-1: another owner's row is not found by its id, changed by it or deleted by it", async () => {
    const [{ id, subject }] = await sql('select id, subject from hub.contact_tickets where owner_id = $1 limit 1', [
      ACME,
    ]);
    const carol = await client('carol');
    assert.deepEqual(dataOf(await carol.from('contact_tickets').select().eq('id', id)), []);
    assert.equal(dataOf(await carol.from('contact_tickets').select().eq('id', id).maybeSingle()), null);
    assert.deepEqual(dataOf(await carol.from('contact_tickets').update({ subject: 'mine' }).eq('id', id).select()), []);
    const [message] = await sql('select id from hub.chat_messages where owner_id = $1 limit 1', [ACME]);
    assert.deepEqual(dataOf(await carol.from('chat_messages').delete().eq('id', message.id).select()), []);
    assert.equal((await sql('select subject from hub.contact_tickets where id = $1', [id]))[0].subject, subject);
    assert.equal((await sql('select 1 from hub.chat_messages where id = $1', [message.id])).length, 1);
  });

  test("A-1: a message cannot be put into another owner's ticket", async () => {
    const [{ id }] = await sql('select id from hub.contact_tickets where owner_id = $1 limit 1', [ACME]);
    const { error } = await (await client('carol')).from('ticket_messages').insert({ ticket_id: id, body: 'hello' });
    assert.ok(error);
    assert.equal(
      (await sql('select 1 from hub.ticket_messages where ticket_id = $1 and body = $2', [id, 'hello'])).length,
      0,
    );
  });

  test('insert sets the owner and the author from the token, and select returns the row', async () => {
    const alice = await client('alice');
    const row = dataOf(
      await alice.from('contact_tickets').insert({ subject: 'Fonts look odd', kind: 'support' }).select().single(),
    );
    assert.deepEqual([row.owner_id, row.author_id, row.status], [ACME, ALICE, 'open']);
    assert.ok(!('assigned_to' in row), 'a staff column');
    const bob = dataOf(await (await client('bob')).from('contact_tickets').select('subject').eq('id', row.id).single());
    assert.equal(bob.subject, 'Fonts look odd');
    assert.equal(
      (await sql("select 1 from hub.team_activities where actor_kind = 'staff' and entity_id = $1", [row.id])).length,
      0,
      'no staff action',
    );
  });

  test('bulk insert accepts an array and rejects one that is too long', async () => {
    const carol = await client('carol');
    const [thread] = dataOf(await carol.from('chat_threads').insert({ topic: 'Launch' }).select());
    const messages = Array.from({ length: 50 }, (_, n) => ({ thread_id: thread.id, body: `line ${n}` }));
    assert.equal(dataOf(await carol.from('chat_messages').insert(messages).select('id')).length, 50);
    const many = Array.from({ length: 101 }, (_, n) => ({ thread_id: thread.id, body: `line ${n}` }));
    const { error, status } = await carol.from('chat_messages').insert(many);
    assert.match(error.code, /^HUB3/);
    assert.ok(status >= 400);
  });

  test('update and delete by key change one row and report it', async () => {
    const carol = await client('carol');
    const thread = dataOf(await carol.from('chat_threads').insert({ topic: 'Colours' }).select().single());
    const message = dataOf(
      await carol.from('chat_messages').insert({ thread_id: thread.id, body: 'Blue?' }).select().single(),
    );
    assert.equal(
      dataOf(await carol.from('chat_messages').update({ body: 'Green?' }).eq('id', message.id).select().single()).body,
      'Green?',
    );
    const deleted = await carol.from('chat_messages').delete().eq('id', message.id);
    assert.deepEqual([deleted.error, deleted.status], [null, 204]);
    assert.equal((await sql('select 1 from hub.chat_messages where id = $1', [message.id])).length, 0);
  });

  test('filters, order, or, in, embed and pagination have the same results as without the Hub', async () => {
    const alice = await client('alice');
    const open = dataOf(
      await alice
        .from('contact_tickets')
        .select('id, status')
        .in('status', ['open', 'pending'])
        .order('created_at', { ascending: false }),
    );
    assert.ok(open.length > 0 && open.every((row) => ['open', 'pending'].includes(row.status)));
    const either = dataOf(
      await alice.from('contact_tickets').select('status, priority').or('status.eq.closed,priority.eq.high'),
    );
    assert.ok(either.every((row) => row.status === 'closed' || row.priority === 'high'));
    const like = dataOf(await alice.from('contact_tickets').select('subject').ilike('subject', '%e%').limit(5));
    assert.ok(like.length > 0 && like.every((row) => /e/i.test(row.subject)));
    const [with_messages] = dataOf(
      await alice.from('contact_tickets').select('id, messages:ticket_messages!inner(id, body, author_kind)').limit(1),
    );
    assert.ok(with_messages.messages.length > 0);
    const ids = new Set();
    for (let from = 0; ; from += 7) {
      const page = dataOf(
        await alice
          .from('contact_tickets')
          .select('id')
          .order('id')
          .range(from, from + 6),
      );
      page.forEach((row) => ids.add(row.id));
      if (page.length < 7) break;
    }
    const [{ count }] = await sql('select count(*)::int from hub.contact_tickets where owner_id = $1', [ACME]);
    assert.equal(ids.size, count);
  });

  test('count, head, single and maybeSingle', async () => {
    const alice = await client('alice');
    const [{ count: real }] = await sql('select count(*)::int from hub.contact_tickets where owner_id = $1', [ACME]);
    const counted = await alice.from('contact_tickets').select('id', { count: 'exact', head: true });
    assert.deepEqual([counted.error, counted.count], [null, real]);
    for (const count of ['planned', 'estimated']) {
      assert.equal((await alice.from('contact_tickets').select('id', { count, head: true })).count, real, count);
    }
    const none = '00000000-0000-4000-8000-000000000000';
    assert.equal((await alice.from('contact_tickets').select().eq('id', none).single()).error.code, 'PGRST116');
    assert.equal(dataOf(await alice.from('contact_tickets').select().eq('id', none).maybeSingle()), null);
  });

  // PostgreSQL estimates with statistics of all rows, also of those that row-level security hides, as soon as the
  // operator is leakproof (statistic_proc_security_check, src/backend/utils/adt/selfuncs.c): `count=planned` showed
  // every customer how many rows of others match, and a binary search their texts.
  test("A-1: no count depends on another owner's rows", async () => {
    const [dave, carol] = [await client('dave'), await client('carol')];
    const thread = dataOf(await carol.from('chat_threads').insert({ topic: 'Only mine' }).select('id').single());
    dataOf(await carol.from('chat_messages').insert({ thread_id: thread.id, body: 'Only for the studio' }));
    const [ticket] = await sql('select id from hub.contact_tickets where owner_id = $1 limit 1', [CAROL]);
    await sql(
      "insert into hub.ticket_messages (ticket_id, owner_id, author_id, author_kind, body, internal) values ($1, $2, 'user_x', 'staff', 'Not to be read by clients', true)",
      [ticket.id, CAROL],
    );
    const leaks = [];
    let compared = 0;
    for (const [table, columns] of Object.entries({
      contact_tickets: ['id', 'owner_id', 'author_id', 'kind', 'subject', 'status', 'created_at'],
      ticket_messages: ['id', 'ticket_id', 'owner_id', 'author_kind', 'body', 'created_at'],
      chat_threads: ['id', 'owner_id', 'topic', 'status', 'created_at'],
      chat_messages: ['id', 'thread_id', 'owner_id', 'author_kind', 'body', 'created_at'],
    })) {
      await sql(`analyze hub.${table}`);
      const order = table === 'ticket_messages' ? 'order by internal desc' : '';
      const [row] = await sql(`select * from hub.${table} where owner_id = $1 ${order} limit 1`, [CAROL]);
      for (const column of columns) {
        const value = row[column] instanceof Date ? row[column].toISOString() : row[column];
        // An owner is named by a complete id (HUB340).
        const text = ['author_id', 'kind', 'subject', 'status', 'author_kind', 'body', 'topic'].includes(column);
        for (const operator of ['eq', 'neq', 'gte', 'lt', 'in', 'not.is', ...(text ? ['like', 'ilike'] : [])]) {
          const operand =
            { in: `("${value}")`, like: `${value.slice(0, 3)}%`, ilike: `${value.slice(0, 3)}%`, 'not.is': 'null' }[
              operator
            ] ?? value;
          for (const count of ['exact', 'planned', 'estimated']) {
            const response = await dave
              .from(table)
              .select('id', { count, head: true })
              .filter(column, operator, operand);
            compared += 1;
            if (response.count !== 0)
              leaks.push(`${table} ${column} ${operator} ${count}: ${response.status} ${response.count}`);
          }
        }
      }
    }
    assert.deepEqual(leaks, []);
    assert.ok(compared > 400);
    for (const count of ['exact', 'planned', 'estimated']) {
      const { data, count: found } = await dave.rpc('search_tickets', { words: 'e' }, { count });
      assert.deepEqual([data, found], [[], 0], count);
    }
  });

  test('functions: a ticket with its first message, and a search restricted to the owner', async () => {
    const carol = await client('carol');
    const opened = dataOf(await carol.rpc('open_ticket', { subject: 'A 100% odd_case', body: 'It shows zeppelins.' }));
    const ticket = Array.isArray(opened) ? opened[0] : opened;
    assert.equal(ticket.owner_id, CAROL);
    assert.equal((await sql('select 1 from hub.ticket_messages where ticket_id = $1', [ticket.id])).length, 1);
    const found = dataOf(await carol.rpc('search_tickets', { words: 'zeppelins' }));
    assert.deepEqual(
      found.map((row) => row.id),
      [ticket.id],
    );
    assert.deepEqual(dataOf(await (await client('alice')).rpc('search_tickets', { words: 'zeppelins' })), []);
  });

  test("staff's internal notes and columns stay hidden", async () => {
    const [note] = await sql('select id, ticket_id from hub.ticket_messages where internal and owner_id = $1 limit 1', [
      ACME,
    ]);
    const alice = await client('alice');
    assert.deepEqual(dataOf(await alice.from('ticket_messages').select().eq('id', note.id)), []);
    const [ticket] = dataOf(await alice.from('contact_tickets').select('ticket_messages(id)').eq('id', note.ticket_id));
    assert.ok(!ticket.ticket_messages.some((message) => message.id === note.id));
    assert.match((await alice.from('contact_tickets').select('assigned_to')).error.code, /^HUB3/);
  });
});

describe('requests to the database', () => {
  test('A-3: have a token of the Hub that names the user, and no header of the client', async () => {
    await upstream();
    await (await client('alice')).from('contact_tickets').select('id').limit(1);
    const [request] = await upstream();
    const { role, sub, owner, sid, exp, iat } = request.claims;
    assert.deepEqual([role, sub, owner, exp - iat], ['hub_customer', ALICE, ACME, 30]);
    assert.match(sid, /^sess_/);
    assert.match(request.headers['user-agent'], /^stacklumen-hub\//);
    assert.equal(request.headers['accept-profile'], 'hub');
    for (const name of ['x-client-info', 'cookie', 'x-forwarded-host'])
      assert.equal(request.headers[name], undefined, name);
  });
});
