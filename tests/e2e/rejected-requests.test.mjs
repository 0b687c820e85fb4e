// Requests that are rejected through the real client without any of them reaching PostgREST (gateway deny list, A-1,
//

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { fetchAs, client, raw, stack, token, upstream } from './client.mjs';

describe('supabase-js calls that are rejected with a reason', () => {
  const calls = {
    'a file of what a function gives': (c) => c.rpc('search_tickets', { words: 'x' }).csv(),
    explain: (c) => c.from('contact_tickets').select().explain(),
    geojson: (c) => c.from('contact_tickets').select().geojson(),
    upsert: (c) => c.from('contact_tickets').upsert({ id: '00000000-0000-4000-8000-000000000000', subject: 'x' }),
    rollback: (c) => c.from('contact_tickets').insert({ subject: 'x' }).rollback(),
    'another schema': (c) => c.schema('hub_private').from('contact_tickets').select(),
    'a column that is not yours': (c) => c.from('contact_tickets').select('assigned_to'),
    'a cast': (c) => c.from('contact_tickets').select('id::text'),
    'an aggregate': (c) => c.from('contact_tickets').select('id.count()'),
    'a spread': (c) => c.from('contact_tickets').select('id, ...ticket_messages(body)'),
    'an embed that is not listed': (c) => c.from('contact_tickets').select('id, leads(*)'),
    'a hint': (c) => c.from('contact_tickets').select('id, ticket_messages!some_fkey(id)'),
    'text search': (c) => c.from('contact_tickets').select().textSearch('subject', 'x'),
    'a regular expression': (c) => c.from('contact_tickets').select().filter('subject', 'match', 'x'),
    contains: (c) => c.from('contact_tickets').select().contains('subject', ['x']),
    'a filter on a column that is not yours': (c) => c.from('contact_tickets').select('id').eq('assigned_to', 'x'),
    'an order by a column that is not yours': (c) => c.from('contact_tickets').select('id').order('assigned_to'),
    'update without a key': (c) => c.from('contact_tickets').update({ subject: 'x' }),
    'update by a range': (c) =>
      c.from('contact_tickets').update({ subject: 'x' }).gt('id', '00000000-0000-4000-8000-000000000000'),
    'delete without a key': (c) => c.from('chat_messages').delete(),
    'writing the owner': (c) => c.from('contact_tickets').insert({ subject: 'x', owner_id: 'org_x' }),
    'writing the author': (c) => c.from('contact_tickets').insert({ subject: 'x', author_id: 'user_x' }),
    'exact count where it scans': (c) => c.from('leads').select('*', { count: 'exact', head: true }),
    'a function that is not listed': (c) => c.rpc('keep_house'),
    'an argument that is not listed': (c) => c.rpc('search_tickets', { words: 'x', owner: 'org_x' }),
    'a writing function by GET': (c) => c.rpc('open_ticket', { subject: 'x', body: 'y' }, { get: true }),
    'a table of staff': (c) => c.from('leads').select(),
    'a table that is not there': (c) => c.from('pg_stat_activity').select(),
    'the audit log': (c) => c.from('team_activities').select(),
  };
  for (const [name, call] of Object.entries(calls)) {
    test(name, async () => {
      const alice = await client('alice');
      await upstream();
      const { error, data, status } = await call(alice);
      assert.equal(data, null);
      // A response to HEAD has no body for a code.
      if (error?.code) assert.match(error.code, /^HUB[023]/);
      else assert.ok(status >= 400, `${status}`);
      assert.deepEqual(await upstream(), []);
    });
  }

  for (const [name, call] of Object.entries({
    storage: (c) => c.storage.listBuckets(),
    functions: (c) => c.functions.invoke('x'),
  })) {
    test(`${name} is absent, with an error in JSON`, async () => {
      const { error } = await call(await client('alice'));
      assert.ok(error);
    });
  }
});

describe('credentials', () => {
  test('no credential, the publishable key alone, a cookie and a query parameter are not a session', async () => {
    const { error, status } = await (await client(null)).from('contact_tickets').select();
    assert.deepEqual([status, error.code], [401, 'HUB101']);
    const valid = await token('alice');
    for (const [path, headers] of [
      ['contact_tickets', {}],
      ['contact_tickets', { cookie: `__session=${valid}` }],
      [`contact_tickets?access_token=${valid}`, {}],
    ]) {
      const response = await raw(`/rest/v1/${path}`, { headers });
      assert.deepEqual([response.status, response.json.code], [401, 'HUB101']);
      assert.equal(response.headers['www-authenticate'], 'Bearer realm="hub"');
    }
  });

  test('an expired, a foreign and a changed token get the same response', async () => {
    const valid = await token('alice');
    const [header, payload, signature] = valid.split('.');
    const now = Math.floor(Date.now() / 1000);
    const changed = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url')), sub: 'user_2hubadmin0000000000000005' }),
    ).toString('base64url');
    const claims = (more) => ({ claims: Buffer.from(JSON.stringify(more)).toString('base64url') });
    const invalid = [
      `${header}.${changed}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      await token('alice', claims({ exp: now - 10, iat: now - 70, nbf: now - 80 })),
      await token('alice', claims({ iss: 'https://clerk.evil.example' })),
      await token('alice', claims({ azp: 'https://evil.example' })),
      await token('alice', claims({ sts: 'pending' })),
    ];
    const bodies = new Set();
    await upstream();
    for (const credential of invalid) {
      const response = await raw('/rest/v1/contact_tickets', { headers: { authorization: `Bearer ${credential}` } });
      assert.equal(response.status, 401);
      assert.equal(response.headers['www-authenticate'], 'Bearer realm="hub", error="invalid_token"');
      bodies.add(response.text);
    }
    assert.equal(bodies.size, 1);
    assert.deepEqual(await upstream(), []);
  });

  test('two credentials in one header are malformed', async () => {
    const valid = await token('alice');
    const response = await raw('/rest/v1/contact_tickets', {
      headers: { authorization: `Bearer ${valid}, Bearer ${valid}` },
    });
    assert.deepEqual([response.status, response.json.code], [400, 'HUB102']);
  });

  test('A-3: the database rejects a token of Clerk, and the publishable key alone', async () => {
    const { urls, keys } = await stack();
    for (const authorization of [`Bearer ${await token('admin')}`, `Bearer ${keys.publishable}`, undefined]) {
      const headers = { apikey: keys.publishable, ...(authorization ? { authorization } : {}) };
      const response = await raw('/rest/v1/leads', { base: urls.supabase, headers });
      assert.ok([401, 403].includes(response.status), `${response.status} ${response.text}`);
    }
  });

  test('every error is a non-empty object in the shape that supabase-js reads', async () => {
    for (const [persona, path, method] of [
      [null, 'leads', 'GET'],
      ['alice', 'leads', 'GET'],
      ['alice', 'contact_tickets?x=1', 'GET'],
      ['nobody', 'leads', 'POST'],
    ]) {
      const { json } = await fetchAs(persona, path, { method, ...(method === 'POST' ? { body: {} } : {}) });
      assert.deepEqual(Object.keys(json).sort(), ['code', 'details', 'hint', 'message']);
      assert.match(json.code, /^HUB\d{3}$/);
    }
  });
});
