// L-1, L-3, A-2: every read of a customer's record is in the audit log before the response is sent, for any query.

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import {
  ACME,
  ALICE,
  CAROL,
  fetchAs,
  client,
  database_is,
  readRecords,
  raw,
  recorded,
  sql,
  token,
  upstream,
} from './client.mjs';

const ADMIN = 'user_2hubadmin0000000000000005';
/** The header of a purpose; null: none. */
const why = (purpose = 'support') => ({ headers: { 'x-hub-purpose': purpose ?? undefined } });
/** Returns the audit log's rows of a request now, without waiting. */
const auditRows = (id) =>
  sql("select * from hub.team_activities where request_id = $1 and action in ('read', 'list', 'export') order by id", [
    id,
  ]);
const requests = (id) => sql('select * from hub.request_log where request_id = $1', [id]);
const some = (rows, ...names) => rows.map((row) => names.map((name) => row[name]));

const ODD = {
  'no id': 'x',
  nothing: '',
  'an empty text in quotes': '%22%22',
  'a comma in quotes': '%22a,b%22',
  'a control character': '%01',
  'a tab': 'user_2hub%09',
  emoji: '%F0%9F%99%82',
  'a thousand letters': 'a'.repeat(1000),
  'a key': '00000000-0000-4000-8000-000000000000',
  'an id that is too short': 'user_2hub',
  'an id with more behind it': `${'user_2hubcarol0000000000000003'}%20`,
  'half an id': 'org_',
  'a quote': "'",
  'a backslash': '%5C',
  'another case': 'USER_2hubcarol0000000000000003',
};

describe('a read of a customer’s record by staff', () => {
  for (const table of ['contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages']) {
    test(`L-1: an owner of ${table} that is no id is rejected without a request to the database`, async () => {
      for (const [name, value] of Object.entries(ODD)) {
        for (const condition of [`in.(${value},${CAROL})`, `eq.${value}`, `in.(${CAROL},${value})`]) {
          await upstream();
          const response = await fetchAs('support', `${table}?owner_id=${condition}`, why());
          assert.match(
            `${response.status} ${response.json?.code}`,
            /^400 HUB3(07|15|40)$/,
            `${name}: ${condition}: ${response.text.slice(0, 200)}`,
          );
          assert.deepEqual(await upstream(), [], `${name}: ${condition}`);
        }
      }
    });
  }

  test('L-1: messages by owner are in the audit log before the response: each owner of a row, with the count', async () => {
    for (const table of ['ticket_messages', 'chat_messages']) {
      const response = await fetchAs(
        'support',
        `${table}?select=id,owner_id,body&owner_id=in.(user_2hubnobody00000000000009,${CAROL},${ACME})`,
        why('quality'),
      );
      assert.equal(response.status, 200, response.text);
      const owners = await sql(
        `select owner_id, least(count(*), 1000)::int as count from hub.${table} where owner_id = any($1) group by 1 order by 1`,
        [[CAROL, ACME]],
      );
      assert.deepEqual(
        some(
          await auditRows(response.headers['x-request-id']),
          'action',
          'entity',
          'entity_id',
          'owner_id',
          'purpose',
          'row_count',
        ).sort(),
        owners.map(({ owner_id, count }) => ['read', table, owner_id, owner_id, 'quality', count]).sort(),
      );
      assert.equal((await requests(response.headers['x-request-id'])).length, 1);
      assert.equal((await recorded(response.headers['x-request-id'])).row_count, response.json.length);
    }
  });

  test('L-1: a read that cannot be recorded is rejected', async () => {
    await database_is('flaky', { function: 'record_read', every: 1, when: 'before' });
    try {
      await upstream();
      const response = await fetchAs('support', `ticket_messages?owner_id=eq.${CAROL}`, why());
      assert.deepEqual(
        [response.status, response.json.code, response.headers['retry-after'] !== undefined],
        [503, 'HUB405', true],
      );
      assert.deepEqual(
        (await upstream()).filter(({ path }) => !path.includes('record_read')),
        [],
      );
    } finally {
      await database_is('ok');
    }
  });

  test('L-1: a change that changes nothing and returns a lead is a read of it', async () => {
    const leads = await sql('select id, status from hub.leads limit 3');
    const ids = leads.map(({ id }) => id);
    const response = await fetchAs('sales', `leads?id=in.(${ids})&status=eq.nothing&select=id,email,notes`, {
      method: 'PATCH',
      body: { source: 'event' },
      headers: { prefer: 'return=representation', 'x-hub-purpose': 'sales' },
    });
    assert.equal(response.status, 200, response.text);
    const same = await fetchAs('sales', `leads?id=eq.${ids[0]}&select=id,email,message,notes`, {
      method: 'PATCH',
      body: { status: leads[0].status },
      headers: { prefer: 'return=representation', 'x-hub-purpose': 'sales' },
    });
    assert.deepEqual([same.status, same.json?.length], [200, 1], same.text);
    assert.deepEqual(
      some(await auditRows(same.headers['x-request-id']), 'action', 'entity', 'entity_id', 'purpose', 'route'),
      [['read', 'leads', ids[0], 'sales', 'PATCH /rest/v1/leads']],
    );
    assert.deepEqual(
      (await auditRows(response.headers['x-request-id'])).map(({ entity_id }) => entity_id).sort(),
      [...ids].sort(),
    );
    assert.equal((await recorded(same.headers['x-request-id'])).method, 'PATCH');
  });

  test('A-2: the whole audit log requires a purpose, and its customer sees who read it', async () => {
    assert.equal(
      (await fetchAs('admin', 'team_activities?limit=1', { headers: { 'x-hub-purpose': undefined } })).json.code,
      'HUB328',
    );
    const [row] = await sql(
      "select id, owner_id from hub.team_activities where owner_id = $1 and action = 'insert' and not internal limit 1",
      [ACME],
    );
    const response = await fetchAs('admin', `team_activities?select=id,before,after&id=eq.${row.id}`, why('security'));
    assert.deepEqual(
      some(await auditRows(response.headers['x-request-id']), 'action', 'entity', 'entity_id', 'owner_id'),
      [['read', 'team_activities', row.id, ACME]],
    );
    const { data } = await (await client('alice')).rpc('my_activity', { most: 5 });
    assert.ok(
      data.some(({ entity, entity_id }) => entity === 'team_activities' && entity_id === row.id),
      JSON.stringify(data),
    );
  });

  test('A-2: a search in messages requires a purpose and records its words, by GET and by POST', async () => {
    for (const options of [
      ['rpc/search_tickets?words=zep%20%26%20elin', {}],
      ['rpc/search_tickets', { method: 'POST', body: { words: 'zep & elin' } }],
    ]) {
      assert.equal(
        (await fetchAs('support', options[0], { ...options[1], headers: { 'x-hub-purpose': undefined } })).json.code,
        'HUB328',
      );
      const response = await fetchAs('support', options[0], { ...options[1], ...why('client_request') });
      assert.equal(response.status, 200, response.text);
      const [record, ...more] = await auditRows(response.headers['x-request-id']);
      assert.deepEqual(
        [record.action, record.entity, record.purpose, record.filter.includes('words=zep%20%26%20elin'), more],
        ['list', 'contact_tickets', 'client_request', true, []],
      );
    }
  });

  test('L-1: a conversation above one message is recorded as the conversation; keys are in lower case, and a note is not shown to the customer', async () => {
    const [{ id, ticket_id, owner_id }] = await sql('select * from hub.ticket_messages where internal limit 1');
    const path = `ticket_messages?select=id,contact_tickets(subject,ticket_messages(body))&id=eq.${id.toUpperCase()}`;
    const whole = await fetchAs('support', path, why());
    assert.equal(whole.status, 200, whole.text);
    assert.deepEqual(
      some(await auditRows(whole.headers['x-request-id']), 'entity', 'entity_id', 'owner_id', 'internal'),
      [['contact_tickets', ticket_id, owner_id, false]],
    );
    const note = await fetchAs('support', `ticket_messages?id=eq.${id.toUpperCase()}`, why());
    assert.deepEqual(
      some(await auditRows(note.headers['x-request-id']), 'entity', 'entity_id', 'owner_id', 'internal'),
      [['ticket_messages', id, owner_id, true]],
    );
  });

  test('A-2: leads are listed by sales and admins for sales, and by no other role', async () => {
    const list = 'leads?select=id,email,message,notes&limit=1000';
    for (const [who, purpose, code] of [
      ['support', 'quality', 'HUB329'],
      ['support', 'sales', 'HUB329'],
      ['sales', 'quality', 'HUB329'],
      ['admin', 'support', 'HUB329'],
      ['sales', null, 'HUB328'],
      ['sales', 'sales'],
      ['admin', 'sales'],
    ]) {
      const response = await fetchAs(who, list, why(purpose));
      assert.equal(response.json.code, code, `${who} ${purpose}`);
      if (!code)
        assert.deepEqual(
          some(await auditRows(response.headers['x-request-id']), 'action', 'entity', 'purpose', 'filter'),
          [['list', 'leads', 'sales', 'select=id,email,message,notes&limit=1000']],
        );
    }
    const [{ id }] = await sql('select id from hub.leads limit 1');
    const one = await fetchAs('support', `leads?id=eq.${id.toUpperCase()}`, why('quality'));
    assert.deepEqual(some(await auditRows(one.headers['x-request-id']), 'action', 'entity', 'entity_id'), [
      ['read', 'leads', id],
    ]);
  });

  test('L-3: a rejection by the database after the record is in the request row', async () => {
    const response = await fetchAs('support', `ticket_messages?ticket_id=eq.00000000-0000-4000-8000-000000000000`, {
      headers: { 'x-hub-purpose': 'support', accept: 'application/vnd.pgrst.object+json' },
    });
    assert.equal(response.status, 406, response.text);
    assert.equal((await auditRows(response.headers['x-request-id'])).length, 1);
    const row = await recorded(response.headers['x-request-id']);
    assert.deepEqual([row.outcome, row.status, row.code], ['refused', 406, 'PGRST116']);
  });

  test('L-3: no session may call the recording function', async () => {
    for (const who of ['support', 'admin', 'alice']) {
      const response = await fetchAs(who, 'rpc/record_read', {
        method: 'POST',
        body: { entity: 'leads', selector: 'list', records: [], filter: '' },
      });
      assert.deepEqual([response.status, response.json.code], [404, 'HUB202'], who);
    }
  });
});

/**
 * Returns an id with the case of its letters inverted, as no id of Clerk's is written: Clerk's ids are case-sensitive.
 */
const OTHER_LETTERS = [
  'user_2HUBCAROL0000000000000003',
  'user_2hubcaroL0000000000000003',
  'user_2Hubcarol0000000000000003',
];

describe('a read that names less than it shows', () => {
  test('L-1, A-2: a search that embeds messages is a bulk read: of a named ticket, or not at all', async () => {
    const [ticket] = await sql(
      'select t.id, t.owner_id from hub.contact_tickets t join hub.ticket_messages m on m.ticket_id = t.id limit 1',
    );
    const [{ term }] = await sql(
      "select substring(subject from '[[:alpha:]]{4,}') as term from hub.contact_tickets where id = $1",
      [ticket.id],
    );
    const embeds = ['ticket_messages(body)', 'm:ticket_messages(id,text:body)', 'ticket_messages!inner(body)'];
    for (const who of ['support', 'sales', 'admin']) {
      for (const embed of embeds) {
        for (const [path, options] of [
          [`rpc/search_tickets?words=${term}&`, {}],
          ['rpc/search_tickets?', { method: 'POST', body: { words: term } }],
        ]) {
          await upstream();
          const unnamed = await fetchAs(who, `${path}select=id,${embed}`, { ...options, ...why() });
          assert.deepEqual([unnamed.status, unnamed.json.code], [403, 'HUB329'], `${who} ${path}${embed}`);
          assert.deepEqual(await upstream(), [], `${who} ${path}${embed}`);
          const named = await fetchAs(who, `${path}select=id,${embed}&id=eq.${ticket.id}`, { ...options, ...why() });
          assert.equal(named.status, 200, named.text);
          assert.deepEqual(
            some(
              await auditRows(named.headers['x-request-id']),
              'action',
              'entity',
              'entity_id',
              'owner_id',
              'purpose',
            ),
            [['read', 'contact_tickets', ticket.id, ticket.owner_id, 'support']],
            `${who} ${path}${embed}`,
          );
        }
      }
    }
  });

  test('L-1: an owner in another case is another owner, and is not recorded as the real one', async () => {
    for (const table of ['contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages', 'team_activities']) {
      const [who, select] = table === 'team_activities' ? ['admin', 'id,owner_id,before'] : ['support', 'id,owner_id'];
      const sensitive =
        {
          contact_tickets: ',ticket_messages(body)',
          chat_threads: ',chat_messages(body)',
          ticket_messages: ',body',
          chat_messages: ',body',
        }[table] ?? '';
      for (const other of OTHER_LETTERS) {
        for (const names of [
          [other, CAROL],
          [CAROL, other],
          [other, CAROL, other.toLowerCase()],
          [...OTHER_LETTERS, CAROL],
        ]) {
          const response = await fetchAs(who, `${table}?select=${select}${sensitive}&owner_id=in.(${names})`, why());
          assert.equal(response.status, 200, response.text);
          assert.ok(
            response.json.some(({ owner_id }) => owner_id === CAROL),
            `${table} ${names}`,
          );
          const rows = (await auditRows(response.headers['x-request-id'])).filter(({ owner_id }) => owner_id === CAROL);
          assert.deepEqual(some(rows, 'action', 'entity', 'entity_id'), [['read', table, CAROL]], `${table} ${names}`);
        }
        const alone = await fetchAs(who, `${table}?select=${select}${sensitive}&owner_id=eq.${other}`, why());
        assert.deepEqual(
          [alone.status, alone.json.filter(({ owner_id }) => owner_id === CAROL)],
          [200, []],
          `${table} ${other}`,
        );
        const rows = await auditRows(alone.headers['x-request-id']);
        assert.deepEqual(
          [rows.length, rows.some(({ owner_id }) => owner_id === CAROL)],
          [1, false],
          `${table} ${other}`,
        );
      }
    }
    for (const other of [`User_${CAROL.slice(5)}`, CAROL.toUpperCase(), `ORG_${ACME.slice(4)}`]) {
      const response = await fetchAs('support', `ticket_messages?owner_id=in.(${CAROL},${other})`, why());
      assert.deepEqual([response.status, response.json.code], [400, 'HUB340'], other);
    }
  });

  test('L-1: a filter is in the audit log to its last value, or is rejected', async () => {
    const search = async (words, who = 'support') =>
      fetchAs(who, 'rpc/search_tickets?select=id,subject&subject=neq.needle', {
        method: 'POST',
        body: { words },
        ...why(),
      });
    for (const words of [
      'x'.repeat(3_900),
      'x'.repeat(4_100),
      'x'.repeat(15_000),
      'é'.repeat(2_000),
      "'".repeat(4_500),
    ]) {
      const response = await search(words);
      assert.equal(response.status, 200, response.text);
      const [row, ...more] = await auditRows(response.headers['x-request-id']);
      assert.deepEqual(
        [
          more,
          row.filter.startsWith(`words=${encodeURIComponent(words).replaceAll("'", '%27')}&`),
          row.filter.includes('subject=neq.needle'),
        ],
        [[], true, true],
        `${words.length} of ${words[0]}`,
      );
    }
    const most = 16_000 - (await auditRows((await search('x')).headers['x-request-id']))[0].filter.length + 1;
    const last = await search('x'.repeat(most));
    assert.deepEqual(
      [last.status, (await auditRows(last.headers['x-request-id']))[0]?.filter.length],
      [200, 16_000],
      last.text,
    );
    for (const words of ['x'.repeat(most + 1), 'x'.repeat(100_000), 'é'.repeat(3_000), '😀'.repeat(1_500)]) {
      await upstream();
      const response = await search(words);
      assert.deepEqual([response.status, response.json.code], [400, 'HUB341'], `${words.length} of ${words[0]}`);
      assert.deepEqual([await upstream(), await auditRows(response.headers['x-request-id'])], [[], []]);
      assert.equal((await recorded(response.headers['x-request-id'])).code, 'HUB341');
    }
    // By the URL as well: for a read recorded on the queue, and for one recorded first.
    const long = `contact_tickets?${Array.from({ length: 25 }, (_, place) => `subject=neq.${'x'.repeat(170)}${place}`).join('&')}&subject=neq.needle`;
    for (const [path, reads] of [
      [`${long}&select=id`, readRecords],
      [`${long}&select=id,ticket_messages(body)&owner_id=eq.${CAROL}`, auditRows],
    ]) {
      const response = await fetchAs('support', path, why());
      assert.equal(response.status, 200, response.text);
      const [row] = await reads(response.headers['x-request-id']);
      assert.ok(row.filter.length > 4_000 && row.filter.includes('subject=neq.needle'), row.filter.slice(-200));
    }
  });

  test('L-1: a change that returns columns, or whose count reveals a value of a row, is a read', async () => {
    const [ticket] = await sql('select * from hub.contact_tickets where owner_id = $1 limit 1', [CAROL]);
    const written = await fetchAs('support', 'ticket_messages?select=id', {
      method: 'POST',
      body: { ticket_id: ticket.id, body: 'x' },
      headers: { prefer: 'return=representation' },
    });
    assert.equal(written.status, 201, written.text);
    const patch = (path, body, prefer, extraHeaders = {}) =>
      fetchAs('support', path, {
        method: 'PATCH',
        body,
        headers: { prefer, 'x-hub-purpose': 'support', ...extraHeaders },
      });
    const given = await patch(
      `contact_tickets?id=eq.${ticket.id}&select=id,subject,status`,
      { priority: ticket.priority },
      'return=representation',
    );
    assert.deepEqual([given.status, given.json?.[0]?.subject], [200, ticket.subject], given.text);
    // The change is in the audit log as well, by its own row.
    assert.deepEqual(
      some(await auditRows(given.headers['x-request-id']), 'action', 'entity', 'entity_id', 'owner_id', 'route'),
      [['read', 'contact_tickets', ticket.id, CAROL, 'PATCH /rest/v1/contact_tickets']],
    );
    const above = await patch(
      `ticket_messages?id=eq.${written.json[0].id}&select=id,contact_tickets(subject)`,
      { body: 'y' },
      'return=representation',
    );
    assert.deepEqual([above.status, above.json?.[0]?.contact_tickets?.subject], [200, ticket.subject], above.text);
    assert.deepEqual(
      some(await auditRows(above.headers['x-request-id']), 'action', 'entity', 'entity_id', 'owner_id'),
      [['read', 'contact_tickets', ticket.id, CAROL]],
    );
    for (const [condition, purpose, code] of [
      ['status=eq.nothing', 'support'],
      ['subject=ilike.*q*', 'support'],
      ['subject=ilike.*q*', undefined, 'HUB328'],
    ]) {
      for (const prefer of ['return=minimal', 'return=headers-only,count=exact']) {
        await upstream();
        const response = await patch(
          `contact_tickets?id=eq.${ticket.id}&${condition}`,
          { priority: ticket.priority },
          prefer,
          { 'x-hub-purpose': purpose },
        );
        assert.equal(response.json?.code, code, `${condition} ${prefer}: ${response.text}`);
        if (code) assert.deepEqual([await upstream(), await auditRows(response.headers['x-request-id'])], [[], []]);
        else
          assert.deepEqual(
            some(await auditRows(response.headers['x-request-id']), 'action', 'entity_id', 'owner_id'),
            [['read', ticket.id, CAROL]],
            `${condition} ${prefer}`,
          );
      }
    }
    // A change of the named row that reveals nothing more leaves only the row of the change.
    const silent = await patch(`contact_tickets?id=eq.${ticket.id}`, { priority: ticket.priority }, 'return=minimal');
    assert.deepEqual([silent.status, await auditRows(silent.headers['x-request-id'])], [204, []], silent.text);
  });

  test('L-1: a ticket that is read through a note, or returned with a new one, is recorded visibly to its customer', async () => {
    const [note] = await sql(
      'select m.id, m.ticket_id from hub.ticket_messages m where m.internal and m.owner_id = $1 limit 1',
      [CAROL],
    );
    const embeds = ['contact_tickets(subject)', 't:contact_tickets!inner(id,resolution)'];
    for (const embed of embeds) {
      const added = {
        method: 'POST',
        body: { ticket_id: note.ticket_id, body: 'x', internal: true },
        headers: { prefer: 'return=representation', 'x-hub-purpose': 'support' },
      };
      for (const [path, options] of [
        [`ticket_messages?select=id,${embed}&id=eq.${note.id}`, why()],
        [`ticket_messages?select=id,body,${embed}&id=eq.${note.id}`, why()],
        ...(embed.includes('!') ? [] : [[`ticket_messages?select=id,${embed}`, added]]),
      ]) {
        const response = await fetchAs('support', path, options);
        assert.ok(response.status < 300 && response.json.length === 1, response.text);
        assert.deepEqual(
          some(
            await readRecords(response.headers['x-request-id']),
            'action',
            'entity',
            'entity_id',
            'owner_id',
            'internal',
          ),
          [['read', 'contact_tickets', note.ticket_id, CAROL, false]],
          path,
        );
      }
    }
  });

  test('L-1: a customer who is selected otherwise than by eq and in is named in the record, or the read is rejected', async () => {
    for (const [who, table] of [
      ['support', 'contact_tickets'],
      ['sales', 'chat_threads'],
      ['admin', 'team_activities'],
    ]) {
      const select = table === 'team_activities' ? 'id,before,after' : 'id';
      for (const naming of [
        `or=(owner_id.eq.${CAROL})`,
        `owner_id=gte.${CAROL}&owner_id=lte.${CAROL}`,
        `owner_id=like.${CAROL}`,
        `owner_id=not.neq.${CAROL}`,
        `not.and=(owner_id.neq.${CAROL})`,
      ]) {
        await upstream();
        const response = await fetchAs(who, `${table}?select=${select}&limit=1&${naming}`, why());
        assert.deepEqual(
          [response.status, response.json?.code, await upstream()],
          [400, 'HUB340', []],
          `${table} ${naming}`,
        );
      }
    }
    assert.equal((await fetchAs('admin', 'team_activities?select=id,salt&limit=1', why(null))).json.code, 'HUB328');
  });

  test('L-1: a read of a customer’s audit log is visible to the customer', async () => {
    const [{ entity_id }] = await sql(
      "select entity_id from hub.team_activities where owner_id = $1 and entity = 'contact_tickets' limit 1",
      [CAROL],
    );
    const select = 'team_activities?select=id,before,after';
    for (const [path, entity, id, purpose] of [
      [`${select}&owner_id=eq.${CAROL}`, 'team_activities', CAROL, 'security'],
      [
        `${select}&owner_id=in.(${CAROL},user_2hubnobody000000000000009)&action=eq.insert`,
        'team_activities',
        CAROL,
        'support',
      ],
      [`${select}&owner_id=eq.${CAROL}&order=after`, 'team_activities', CAROL, 'support'],
      [`${select}&entity=eq.contact_tickets&entity_id=eq.${entity_id}`, 'contact_tickets', entity_id, 'quality'],
      [`${select}&entity_id=eq.${entity_id}`, 'contact_tickets', entity_id, 'quality'],
    ]) {
      const missing = await fetchAs('admin', path, { headers: { 'x-hub-purpose': undefined } });
      assert.deepEqual([missing.status, missing.json.code], [403, 'HUB328'], path);
      const response = await fetchAs('admin', path, why(purpose));
      assert.equal(response.status, 200, response.text);
      const rows = (await auditRows(response.headers['x-request-id'])).filter(({ owner_id }) => owner_id === CAROL);
      assert.deepEqual(
        some(rows, 'action', 'entity', 'entity_id', 'purpose', 'internal'),
        [['read', entity, id, purpose, false]],
        path,
      );
      const { data } = await (await client('carol')).rpc('my_activity', { most: 1 });
      assert.deepEqual(
        [data[0].id, data[0].staff_role, data[0].entity, data[0].purpose],
        [Number(rows[0].id), 'admin', entity, purpose],
        path,
      );
    }
    const file = await fetchAs('admin', `team_activities?select=id,owner_id&owner_id=eq.${CAROL}`, {
      headers: { 'x-hub-purpose': 'security', accept: 'text/csv' },
    });
    assert.deepEqual(
      [file.status, some(await auditRows(file.headers['x-request-id']), 'action', 'entity', 'entity_id', 'owner_id')],
      [200, [['export', 'team_activities', CAROL, CAROL]]],
      file.text.slice(0, 200),
    );
    for (const who of ['support', 'sales', 'alice'])
      assert.equal((await fetchAs(who, `${select}&owner_id=eq.${CAROL}`, why())).json.code, 'HUB202', who);
  });
});

describe('a read by impersonation', () => {
  test('L-1: is in the audit log before the response, with the actor, and the customer sees it', async () => {
    const claims = Buffer.from(JSON.stringify({ act: { sub: ADMIN, iss: 'https://dashboard.clerk.com' } })).toString(
      'base64url',
    );
    const bearer = await token('alice', { claims });
    const [ticket] = await sql('select id from hub.contact_tickets where owner_id = $1 limit 1', [ACME]);
    for (const [method, path, action, id] of [
      ['GET', `contact_tickets?id=eq.${ticket.id}`, 'read', ticket.id],
      ['GET', 'ticket_messages?select=id,body', 'list', ''],
      ['HEAD', 'chat_threads', 'list', ''],
      ['GET', 'rpc/search_tickets?words=a', 'list', ''],
      ['GET', 'rpc/my_activity?most=1', 'list', ''],
      ['GET', `ticket_messages?owner_id=eq.${CAROL}`, 'list', ''],
    ]) {
      const response = await raw(`/rest/v1/${path}`, { method, headers: { authorization: `Bearer ${bearer}` } });
      assert.equal(response.status, 200, response.text);
      const [row, ...more] = await auditRows(response.headers['x-request-id']);
      assert.deepEqual(
        [row.action, row.entity_id, row.actor_id, row.actor_role, row.owner_id, more],
        [action, id, ADMIN, 'impersonator', ACME, []],
        path,
      );
      const { data } = await (await client('bob')).rpc('my_activity', { most: 1 });
      assert.deepEqual(
        [data[0].id, data[0].staff_role, data[0].action],
        [Number(row.id), 'impersonator', action],
        path,
      );
      const request = await recorded(response.headers['x-request-id']);
      assert.deepEqual(
        [request.actor_id, request.impersonator_id, request.method, request.outcome],
        [ALICE, ADMIN, method, 'allowed'],
      );
    }
  });

  test('other reads are recorded by the queue as before', async () => {
    await upstream();
    const response = await fetchAs('support', 'contact_tickets?select=id,subject&limit=3', {
      headers: { 'x-hub-purpose': undefined },
    });
    assert.deepEqual(
      (await upstream()).map(({ path }) => path.split('?')[0]),
      ['/rest/v1/contact_tickets'],
    );
    assert.equal((await readRecords(response.headers['x-request-id']))[0].action, 'list');
  });
});
