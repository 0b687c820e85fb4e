// L-1, L-3, A-2: what is read of a client's record is in the trail before the answer leaves, whatever the query says.

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { ACME, ALICE, CAROL, ask, client, database_is, looks, raw, recorded, sql, token, upstream } from './client.mjs';

const ADMIN = 'user_2hubadmin0000000000000005';
/** A purpose; null: none is said. */
const why = (purpose = 'support') => ({ headers: { 'x-hub-purpose': purpose ?? undefined } });
/** What the trail has of a request now, without waiting. */
const trail = (id) => sql("select * from hub.team_activities where request_id = $1 and action in ('read', 'list', 'export') order by id", [id]);
const requests = (id) => sql('select * from hub.request_log where request_id = $1', [id]);
const some = (rows, ...names) => rows.map((row) => names.map((name) => row[name]));

const ODD = {
  'no id': 'x', nothing: '', 'an empty text in quotes': '%22%22', 'a comma in quotes': '%22a,b%22', 'a control character': '%01', 'a tab': 'user_2hub%09', emoji: '%F0%9F%99%82',
  'a thousand letters': 'a'.repeat(1000), 'a key': '00000000-0000-4000-8000-000000000000', 'an id that is too short': 'user_2hub', 'an id with more behind it': `${'user_2hubcarol0000000000000003'}%20`,
  'half an id': 'org_', 'a quote': "'", 'a backslash': '%5C', 'another case': 'USER_2hubcarol0000000000000003',
};

describe('a read of a client’s record by staff', () => {
  for (const table of ['contact_tickets', 'ticket_messages', 'chat_threads', 'chat_messages']) {
    test(`L-1: an owner of ${table} that is no id is refused, and nothing is asked of the database`, async () => {
      for (const [name, value] of Object.entries(ODD)) {
        for (const condition of [`in.(${value},${CAROL})`, `eq.${value}`, `in.(${CAROL},${value})`]) {
          await upstream();
          const answer = await ask('support', `${table}?owner_id=${condition}`, why());
          assert.match(`${answer.status} ${answer.json?.code}`, /^400 HUB3(07|15|40)$/, `${name}: ${condition}: ${answer.text.slice(0, 200)}`);
          assert.deepEqual(await upstream(), [], `${name}: ${condition}`);
        }
      }
    });
  }

  test('L-1: messages by owner are in the trail when the answer is there: those who own something, with how much', async () => {
    for (const table of ['ticket_messages', 'chat_messages']) {
      const answer = await ask('support', `${table}?select=id,owner_id,body&owner_id=in.(user_2hubnobody00000000000009,${CAROL},${ACME})`, why('quality'));
      assert.equal(answer.status, 200, answer.text);
      const owners = await sql(`select owner_id, least(count(*), 1000)::int as count from hub.${table} where owner_id = any($1) group by 1 order by 1`, [[CAROL, ACME]]);
      assert.deepEqual(some(await trail(answer.headers['x-request-id']), 'action', 'entity', 'entity_id', 'owner_id', 'purpose', 'row_count').sort(),
        owners.map(({ owner_id, count }) => ['read', table, owner_id, owner_id, 'quality', count]).sort());
      assert.equal((await requests(answer.headers['x-request-id'])).length, 1);
      assert.equal((await recorded(answer.headers['x-request-id'])).row_count, answer.json.length);
    }
  });

  test('L-1: what cannot be recorded is not read', async () => {
    await database_is('flaky', { function: 'record_read', every: 1, when: 'before' });
    try {
      await upstream();
      const answer = await ask('support', `ticket_messages?owner_id=eq.${CAROL}`, why());
      assert.deepEqual([answer.status, answer.json.code, answer.headers['retry-after'] !== undefined], [503, 'HUB405', true]);
      assert.deepEqual((await upstream()).filter(({ path }) => !path.includes('record_read')), []);
    } finally {
      await database_is('ok');
    }
  });

  test('L-1: a change that changes nothing and returns a lead is a read of it', async () => {
    const leads = await sql('select id, status from hub.leads limit 3');
    const ids = leads.map(({ id }) => id);
    const answer = await ask('sales', `leads?id=in.(${ids})&status=eq.nothing&select=id,email,notes`, { method: 'PATCH', body: { source: 'event' }, headers: { prefer: 'return=representation', 'x-hub-purpose': 'sales' } });
    assert.equal(answer.status, 200, answer.text);
    const same = await ask('sales', `leads?id=eq.${ids[0]}&select=id,email,message,notes`, { method: 'PATCH', body: { status: leads[0].status }, headers: { prefer: 'return=representation', 'x-hub-purpose': 'sales' } });
    assert.deepEqual([same.status, same.json?.length], [200, 1], same.text);
    assert.deepEqual(some(await trail(same.headers['x-request-id']), 'action', 'entity', 'entity_id', 'purpose', 'route'), [['read', 'leads', ids[0], 'sales', 'PATCH /rest/v1/leads']]);
    assert.deepEqual((await trail(answer.headers['x-request-id'])).map(({ entity_id }) => entity_id).sort(), [...ids].sort());
    assert.equal((await recorded(same.headers['x-request-id'])).method, 'PATCH');
  });

  test('A-2: the whole of the trail takes a purpose, and its client sees who read it', async () => {
    assert.equal((await ask('admin', 'team_activities?limit=1', { headers: { 'x-hub-purpose': undefined } })).json.code, 'HUB328');
    const [row] = await sql("select id, owner_id from hub.team_activities where owner_id = $1 and action = 'insert' and not internal limit 1", [ACME]);
    const answer = await ask('admin', `team_activities?select=id,before,after&id=eq.${row.id}`, why('security'));
    assert.deepEqual(some(await trail(answer.headers['x-request-id']), 'action', 'entity', 'entity_id', 'owner_id'), [['read', 'team_activities', row.id, ACME]]);
    const { data } = await (await client('alice')).rpc('my_activity', { most: 5 });
    assert.ok(data.some(({ entity, entity_id }) => entity === 'team_activities' && entity_id === row.id), JSON.stringify(data));
  });

  test('A-2: a search in messages takes a purpose and leaves its words, by GET and by POST', async () => {
    for (const ways of [['rpc/search_tickets?words=zep%20%26%20elin', {}], ['rpc/search_tickets', { method: 'POST', body: { words: 'zep & elin' } }]]) {
      assert.equal((await ask('support', ways[0], { ...ways[1], headers: { 'x-hub-purpose': undefined } })).json.code, 'HUB328');
      const answer = await ask('support', ways[0], { ...ways[1], ...why('client_request') });
      assert.equal(answer.status, 200, answer.text);
      const [look, ...more] = await trail(answer.headers['x-request-id']);
      assert.deepEqual([look.action, look.entity, look.purpose, look.filter.includes('words=zep%20%26%20elin'), more], ['list', 'contact_tickets', 'client_request', true, []]);
    }
  });

  test('L-1: a conversation above one message is recorded as the conversation; keys are in lower case, and a note stays among staff', async () => {
    const [{ id, ticket_id, owner_id }] = await sql('select * from hub.ticket_messages where internal limit 1');
    const path = `ticket_messages?select=id,contact_tickets(subject,ticket_messages(body))&id=eq.${id.toUpperCase()}`;
    const whole = await ask('support', path, why());
    assert.equal(whole.status, 200, whole.text);
    assert.deepEqual(some(await trail(whole.headers['x-request-id']), 'entity', 'entity_id', 'owner_id', 'internal'), [['contact_tickets', ticket_id, owner_id, false]]);
    const note = await ask('support', `ticket_messages?id=eq.${id.toUpperCase()}`, why());
    assert.deepEqual(some(await trail(note.headers['x-request-id']), 'entity', 'entity_id', 'owner_id', 'internal'), [['ticket_messages', id, owner_id, true]]);
  });

  test('A-2: leads are listed by sales and admins for sales, and by nobody else', async () => {
    const list = 'leads?select=id,email,message,notes&limit=1000';
    for (const [who, purpose, code] of [['support', 'quality', 'HUB329'], ['support', 'sales', 'HUB329'], ['sales', 'quality', 'HUB329'], ['admin', 'support', 'HUB329'], ['sales', null, 'HUB328'], ['sales', 'sales'], ['admin', 'sales']]) {
      const answer = await ask(who, list, why(purpose));
      assert.equal(answer.json.code, code, `${who} ${purpose}`);
      if (!code) assert.deepEqual(some(await trail(answer.headers['x-request-id']), 'action', 'entity', 'purpose', 'filter'), [['list', 'leads', 'sales', 'select=id,email,message,notes&limit=1000']]);
    }
    const [{ id }] = await sql('select id from hub.leads limit 1');
    const one = await ask('support', `leads?id=eq.${id.toUpperCase()}`, why('quality'));
    assert.deepEqual(some(await trail(one.headers['x-request-id']), 'action', 'entity', 'entity_id'), [['read', 'leads', id]]);
  });

  test('L-3: what the database refuses after it was recorded is said in the request row', async () => {
    const answer = await ask('support', `ticket_messages?ticket_id=eq.00000000-0000-4000-8000-000000000000`, { headers: { 'x-hub-purpose': 'support', accept: 'application/vnd.pgrst.object+json' } });
    assert.equal(answer.status, 406, answer.text);
    assert.equal((await trail(answer.headers['x-request-id'])).length, 1);
    const row = await recorded(answer.headers['x-request-id']);
    assert.deepEqual([row.outcome, row.status, row.code], ['refused', 406, 'PGRST116']);
  });

  test('L-3: nobody calls what records', async () => {
    for (const who of ['support', 'admin', 'alice']) {
      const answer = await ask(who, 'rpc/record_read', { method: 'POST', body: { entity: 'leads', selector: 'list', records: [], filter: '' } });
      assert.deepEqual([answer.status, answer.json.code], [404, 'HUB202'], who);
    }
  });
});

describe('a read in a client’s place', () => {
  test('L-1: is in the trail before the answer, with who acted, and the client sees it', async () => {
    const claims = Buffer.from(JSON.stringify({ act: { sub: ADMIN, iss: 'https://dashboard.clerk.com' } })).toString('base64url');
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
      const answer = await raw(`/rest/v1/${path}`, { method, headers: { authorization: `Bearer ${bearer}` } });
      assert.equal(answer.status, 200, answer.text);
      const [row, ...more] = await trail(answer.headers['x-request-id']);
      assert.deepEqual([row.action, row.entity_id, row.actor_id, row.actor_role, row.owner_id, more], [action, id, ADMIN, 'impersonator', ACME, []], path);
      const { data } = await (await client('bob')).rpc('my_activity', { most: 1 });
      assert.deepEqual([data[0].id, data[0].staff_role, data[0].action], [Number(row.id), 'impersonator', action], path);
      const request = await recorded(answer.headers['x-request-id']);
      assert.deepEqual([request.actor_id, request.impersonator_id, request.method, request.outcome], [ALICE, ADMIN, method, 'allowed']);
    }
  });

  test('other reads take the queue as before', async () => {
    await upstream();
    const answer = await ask('support', 'contact_tickets?select=id,subject&limit=3', { headers: { 'x-hub-purpose': undefined } });
    assert.deepEqual((await upstream()).map(({ path }) => path.split('?')[0]), ['/rest/v1/contact_tickets']);
    assert.equal((await looks(answer.headers['x-request-id']))[0].action, 'list');
  });
});
