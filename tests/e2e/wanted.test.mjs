// Calls that users of supabase-js expect to work, through unmodified supabase-js; and those that are rejected, with a
// reason.

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { ACME, CAROL, fetchAs, client, recorded, sql } from './client.mjs';

/** Returns the data of a response that must not be an error. */
function dataOf({ data, error, status }) {
  assert.equal(error, null, `${status} ${JSON.stringify(error)}`);
  return data;
}

describe('calls of supabase-js users', () => {
  test('a count of an embedded table, of the rows that the caller may read', async () => {
    const alice = await client('alice');
    const rows = dataOf(await alice.from('contact_tickets').select('id, ticket_messages(count)').order('id').limit(20));
    const real = await sql(
      'select ticket_id as id, count(*)::int from hub.ticket_messages where owner_id = $1 and not internal group by 1',
      [ACME],
    );
    const counts = new Map(real.map(({ id, count }) => [id, count]));
    assert.ok(rows.length === 20);
    for (const { id, ticket_messages } of rows) assert.deepEqual(ticket_messages, [{ count: counts.get(id) ?? 0 }]);
    const staffs = dataOf(
      await alice
        .from('contact_tickets')
        .select('id, replies:ticket_messages(count)')
        .eq('replies.author_kind', 'staff')
        .limit(5),
    );
    assert.ok(staffs.every(({ replies }) => replies.length === 1 && Number.isInteger(replies[0].count)));
    const support = await client('support');
    const [ticket] = dataOf(
      await support.from('contact_tickets').select('id, ticket_messages(count)').order('id').limit(1),
    );
    const [{ count }] = await sql('select count(*)::int from hub.ticket_messages where ticket_id = $1', [ticket.id]);
    assert.deepEqual(ticket.ticket_messages, [{ count }], 'staff see notes, so they count them');
  });

  test('patterns of any and all, and a distinction from a value', async () => {
    const alice = await client('alice');
    const tickets = await sql('select subject, priority from hub.contact_tickets where owner_id = $1', [ACME]);
    const subjects = (rows) => rows.map(({ subject }) => subject).sort();
    const all = async (filtered) => subjects(dataOf(await filtered.limit(1000)));
    const from = () => alice.from('contact_tickets').select('subject');
    const where = (fits) => subjects(tickets.filter(fits));
    assert.deepEqual(
      await all(from().likeAnyOf('subject', ['%menu%', 'Invoice%'])),
      where(({ subject }) => /menu|^Invoice/.test(subject)),
    );
    assert.deepEqual(
      await all(from().ilikeAnyOf('subject', ['%MENU%', 'invoice%'])),
      where(({ subject }) => /menu|^invoice/i.test(subject)),
    );
    assert.deepEqual(
      await all(from().likeAllOf('subject', ['%a%', '%e%'])),
      where(({ subject }) => /a/.test(subject) && /e/.test(subject)),
    );
    assert.deepEqual(
      await all(from().ilikeAllOf('subject', ['%A%', '%E%'])),
      where(({ subject }) => /a/i.test(subject) && /e/i.test(subject)),
    );
    assert.deepEqual(
      await all(from().isDistinct('priority', 'high')),
      where(({ priority }) => priority !== 'high'),
    );
    assert.ok((await all(from().likeAnyOf('subject', ['%e%']))).length > 0);
  });

  test('two embeds of one table, each with its own name, filter and limit', async () => {
    const alice = await client('alice');
    const rows = dataOf(
      await alice
        .from('contact_tickets')
        .select('id, latest:ticket_messages(id, created_at), replies:ticket_messages(id, author_kind)')
        .order('created_at', { referencedTable: 'latest', ascending: false })
        .limit(1, { referencedTable: 'latest' })
        .eq('replies.author_kind', 'staff'),
    );
    assert.ok(rows.some(({ replies }) => replies.length > 0));
    for (const { latest, replies } of rows) {
      assert.equal(latest.length, replies.length > 0 ? 1 : latest.length);
      assert.ok(latest.length <= 1);
      assert.ok(replies.every((message) => message.author_kind === 'staff'));
    }
    const { error } = await alice.from('contact_tickets').select('id, status:ticket_messages(id)').is('status', null);
    assert.deepEqual([error.code, error.details], ['HUB332', 'status']);
    assert.match(error.hint, /name/);
  });

  test('a new or changed row with its parent', async () => {
    const carol = await client('carol');
    const thread = dataOf(await carol.from('chat_threads').insert({ topic: 'Fonts' }).select('id').single());
    const message = dataOf(
      await carol
        .from('chat_messages')
        .insert({ thread_id: thread.id, body: 'Which?' })
        .select('id, body, chat_threads(topic, owner_id)')
        .single(),
    );
    assert.deepEqual(message.chat_threads, { topic: 'Fonts', owner_id: CAROL });
    const changed = dataOf(
      await carol
        .from('chat_messages')
        .update({ body: 'Which one?' })
        .eq('id', message.id)
        .select('body, thread:chat_threads(topic)')
        .single(),
    );
    assert.deepEqual(changed, { body: 'Which one?', thread: { topic: 'Fonts' } });
    const many = dataOf(
      await carol
        .from('chat_messages')
        .insert([
          { thread_id: thread.id, body: 'a' },
          { thread_id: thread.id, body: 'b' },
        ])
        .select('chat_threads(topic)'),
    );
    assert.deepEqual(many, [{ chat_threads: { topic: 'Fonts' } }, { chat_threads: { topic: 'Fonts' } }]);
    const { error } = await carol
      .from('chat_threads')
      .update({ topic: 'Type' })
      .eq('id', thread.id)
      .select('id, chat_messages(id)');
    assert.equal(error.code, 'HUB312');
  });

  test("a customer's own rows as CSV: all of them, no others, and no formula for a spreadsheet", async () => {
    const carol = await client('carol');
    dataOf(await carol.rpc('open_ticket', { subject: '=HYPERLINK("http://evil.example","x")', body: '-1+1' }));
    const file = dataOf(await carol.from('contact_tickets').select('id,subject,version').csv());
    const [header, ...lines] = file.trimEnd().split('\n');
    const [{ count }] = await sql('select count(*)::int from hub.contact_tickets where owner_id = $1', [CAROL]);
    assert.deepEqual([header, lines.length], ['id,subject,version', count]);
    assert.match(file, /"'=HYPERLINK\(""http:\/\/evil\.example"",""x""\)",1/);
    const ids = lines.map((line) => line.split(',')[0]);
    const theirs = await sql('select id from hub.contact_tickets where owner_id <> $1 and id = any ($2)', [CAROL, ids]);
    assert.equal(theirs.length, 0);
    assert.deepEqual(ids, [...ids].sort().reverse());
    for (const table of ['ticket_messages', 'chat_threads', 'chat_messages']) {
      const response = await fetchAs('alice', table, { headers: { accept: 'text/csv' } });
      assert.deepEqual(
        [response.status, response.headers['content-disposition']],
        [200, `attachment; filename="${table}.csv"`],
        response.text.slice(0, 200),
      );
      const hidden = table === 'ticket_messages' ? 'and not internal' : '';
      const [{ count: wanted }] = await sql(`select count(*)::int from hub.${table} where owner_id = $1 ${hidden}`, [
        ACME,
      ]);
      const { row_count, outcome, owner_id } = await recorded(response.headers['x-request-id']);
      assert.deepEqual([row_count, outcome, owner_id], [wanted, 'allowed', ACME], table);
      assert.ok(!response.text.includes('deploy notes'), 'no internal note');
    }
    assert.equal(
      dataOf(await (await client('dave')).from('contact_tickets').select('id,subject').csv()),
      'id,subject\n',
    );
    const { error } = await carol.from('contact_tickets').select('id').order('created_at').csv();
    assert.equal(error.code, 'HUB331');
  });

  test('a search whose words begin with the name of an operator, by GET, by HEAD and by POST', async () => {
    const carol = await client('carol');
    dataOf(await carol.rpc('open_ticket', { subject: 'eq.x is.null in.(a)', body: 'like.x' }));
    for (const words of ['eq.x', 'is.null', 'in.(a)', 'like.x']) {
      for (const options of [{}, { get: true }]) {
        const found = dataOf(await carol.rpc('search_tickets', { words }, options).select('subject'));
        assert.deepEqual(found, [{ subject: 'eq.x is.null in.(a)' }], words);
      }
      const counted = await carol.rpc('search_tickets', { words }, { head: true, count: 'exact' });
      assert.deepEqual([counted.error, counted.count, counted.data], [null, 1, null], words);
    }
    const response = await fetchAs('carol', 'rpc/search_tickets?words=eq.x');
    assert.equal(response.status, 200);
    const row = await recorded(response.headers['x-request-id']);
    assert.deepEqual([row.method, row.status], ['GET', 200], 'one row, by the method of the client');
    assert.equal(
      (
        await sql('select count(*)::int from hub.request_log where request_id = $1', [response.headers['x-request-id']])
      )[0].count,
      1,
    );
  });
});

describe('calls that would fail in the database are rejected with a reason', () => {
  test('a column that is not selected, an upsert, a tree on an update', async () => {
    const alice = await client('alice');
    const [{ id }] = await sql("select id from hub.contact_tickets where owner_id = $1 and status = 'open' limit 1", [
      ACME,
    ]);
    const refused = async (call) => {
      const { error } = await call;
      return [error.code, error.details];
    };
    assert.deepEqual(
      await refused(alice.rpc('search_tickets', { words: 'e' }).select('subject').eq('status', 'open')),
      ['HUB333', 'status'],
    );
    assert.deepEqual(await refused(alice.rpc('search_tickets', { words: 'e' }).select('subject').order('created_at')), [
      'HUB333',
      'created_at',
    ]);
    assert.deepEqual(
      await refused(
        alice
          .from('contact_tickets')
          .update({ subject: 'x' })
          .eq('id', id)
          .or('status.eq.open,kind.eq.other')
          .select('subject'),
      ),
      ['HUB334', 'or'],
    );
    assert.deepEqual(
      await refused(
        alice.from('chat_messages').delete().eq('id', id).or('author_kind.eq.staff,body.eq.x').select('id'),
      ),
      ['HUB333', 'author_kind'],
    );
    assert.deepEqual(await refused(alice.from('contact_tickets').upsert({ subject: 'x' })), ['HUB322', null]);
    const { error } = await alice.from('contact_tickets').insert({ kind: 'support' });
    assert.deepEqual([error.code, error.message], ['23502', 'A required value is missing: subject']);
    assert.ok(error.hint);
  });

  test('the same with the column selected, or with minimal return, works', async () => {
    const alice = await client('alice');
    const found = dataOf(
      await alice.rpc('search_tickets', { words: 'e' }).select('subject, status').eq('status', 'open').order('subject'),
    );
    assert.ok(found.length > 0 && found.every(({ status }) => status === 'open'));
    const ticket = dataOf(await alice.from('contact_tickets').insert({ subject: 'Tree' }).select('id').single());
    const { error, status } = await alice
      .from('contact_tickets')
      .update({ subject: 'Trees' })
      .eq('id', ticket.id)
      .or('status.eq.open,kind.eq.other');
    assert.deepEqual([error, status], [null, 204]);
    assert.equal(
      dataOf(await alice.from('contact_tickets').select('subject').eq('id', ticket.id).single()).subject,
      'Trees',
    );
    const thread = dataOf(await alice.from('chat_threads').insert({ topic: 't' }).select('id').single());
    const message = dataOf(
      await alice.from('chat_messages').insert({ thread_id: thread.id, body: 'x' }).select('id').single(),
    );
    const deleted = dataOf(
      await alice
        .from('chat_messages')
        .delete()
        .eq('id', message.id)
        .or('body.eq.x,author_kind.eq.staff')
        .select('id, body, author_kind'),
    );
    assert.deepEqual(deleted, [{ id: message.id, body: 'x', author_kind: 'customer' }]);
  });

  test('a lock is one version: null and a second one are rejected', async () => {
    const [{ id }] = await sql("select id from hub.contact_tickets where status = 'open' limit 1");
    const support = await client('support');
    const { error } = await support.rpc('move_ticket', { ticket: id, status: 'pending', version: null });
    assert.deepEqual([error.code, error.details], ['HUB315', 'version']);
    const response = await fetchAs('support', `contact_tickets?id=eq.${id}&version=eq.999&version=in.(1,2)`, {
      method: 'PATCH',
      body: { priority: 'high' },
    });
    assert.deepEqual([response.status, response.json.code], [400, 'HUB308']);
  });
});
