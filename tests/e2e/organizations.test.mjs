// the rows that a session reaches: those of the active organization, by the token and nothing that a client sends;
// and the records of an impersonated session.

import { afterEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createClient } from '@supabase/supabase-js';
import { ACME, ALICE, post, raw, sql, stack, token, until } from './client.mjs';

const NORTHWIND = 'org_2hubnorthwind000000000010';
const ERIN = 'user_2huberin00000000000000012';
const lever = async (path, data) => (await post('clerk', `/dev/${path}`, data)).json();
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Returns Erin's client, with this organization active; `null` is none. */
async function erin(organization) {
  const { id: sid } = await lever('sessions', { persona: 'erin', organization });
  const { urls, keys } = await stack();
  const accessToken = async () => token('erin', { sid });
  return createClient(urls.hub, keys.publishable, { accessToken, auth: { persistSession: false } });
}
const owners = async (hub) => [
  ...new Set((await hub.from('contact_tickets').select('owner_id').limit(1000)).data.map((row) => row.owner_id)),
];

// A hook outside of a suite would run after every test of all files that share a process.
const tidy = async () => {
  await lever('reset');
  await sql('delete from hub.revoked_sessions');
};

describe('a user in two organizations', () => {
  afterEach(tidy);

  test('A-1: reads the rows of the active one, all of them and no others', async () => {
    assert.deepEqual(await owners(await erin(ACME)), [ACME]);
    assert.deepEqual(await owners(await erin(NORTHWIND)), [NORTHWIND]);
    const [{ n }] = await sql('select count(*)::int as n from hub.contact_tickets where owner_id = $1', [NORTHWIND]);
    assert.equal((await (await erin(NORTHWIND)).from('contact_tickets').select('id').limit(1000)).data.length, n);
    assert.deepEqual(await owners(await erin(null)), [], 'none active: only rows of her own, of which there are none');
  });

  test('A-1: writes for the active one, as author in their own name, and cannot name another', async () => {
    const hub = await erin(NORTHWIND);
    const { data, error } = await hub
      .from('contact_tickets')
      .insert({ subject: 'Of Northwind' })
      .select('id, owner_id, author_id')
      .single();
    assert.equal(error, null);
    assert.deepEqual([data.owner_id, data.author_id], [NORTHWIND, ERIN]);
    assert.equal((await hub.from('contact_tickets').insert({ subject: 'x', owner_id: ACME })).error.code, 'HUB311');
    assert.deepEqual((await (await erin(ACME)).from('contact_tickets').select('id').eq('id', data.id)).data, []);
  });

  test('A-1: switching takes effect with the next token, in the same session', async () => {
    const { id: sid } = await lever('sessions', { persona: 'erin', organization: ACME });
    const read = async (bearer) =>
      JSON.parse(
        (
          await raw('/rest/v1/contact_tickets?select=owner_id&limit=1', {
            headers: { authorization: `Bearer ${bearer}` },
          })
        ).text,
      )[0].owner_id;
    const before = await token('erin', { sid });
    assert.equal(await read(before), ACME);
    const other = { id: NORTHWIND, slg: 'northwind', rol: 'admin', per: 'read,manage', fpm: '3' };
    const next = await token('erin', { sid, claims: encoded({ o: other }) });
    assert.equal(await read(next), NORTHWIND);
    assert.equal(await read(before), ACME, 'the old token says what it said, until it runs out');
  });

  test('A-1: a user in neither reads no row of either', async () => {
    const { urls, keys } = await stack();
    const dave = createClient(urls.hub, keys.publishable, {
      accessToken: () => token('dave'),
      auth: { persistSession: false },
    });
    for (const owner of [ACME, NORTHWIND])
      assert.deepEqual((await dave.from('contact_tickets').select('id').eq('owner_id', owner)).data, []);
    const foreign = await token('dave', { claims: encoded({ o: { id: 'org_2hubnobody0000000000000001' } }) });
    const response = await raw('/rest/v1/contact_tickets?select=id', {
      headers: { authorization: `Bearer ${foreign}` },
    });
    assert.equal(response.text, '[]');
  });
});

describe('an impersonated session', () => {
  afterEach(tidy);

  test('L-3: reads, may not write, and every row names the actor', async () => {
    const by = 'user_2hubadmin0000000000000005';
    const bearer = await token('alice', { claims: encoded({ act: { sub: by, iss: 'https://dashboard.clerk.com' } }) });
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
    const read = await raw('/rest/v1/contact_tickets?select=id&limit=1', { headers });
    assert.equal(read.status, 200);
    const ids = [read.headers['x-request-id']];
    for (const [method, path, body] of [
      ['POST', '/rest/v1/contact_tickets', '{"subject":"x"}'],
      ['PATCH', '/rest/v1/contact_tickets?id=eq.00000000-0000-4000-8000-000000000000', '{"subject":"x"}'],
      ['DELETE', '/rest/v1/chat_messages?id=eq.00000000-0000-4000-8000-000000000000', undefined],
      ['POST', '/rest/v1/rpc/open_ticket', '{"subject":"x","body":"y"}'],
    ]) {
      const response = await raw(path, { method, headers, body });
      assert.deepEqual([response.status, response.json.code], [403, 'HUB204'], `${method} ${path}`);
      ids.push(response.headers['x-request-id']);
    }
    const rows = await until('the rows', async () => {
      const found = await sql(
        'select actor_id, outcome from hub.request_log where impersonator_id = $1 and request_id = any($2) and status is not null',
        [by, ids],
      );
      return found.length >= 5 && found;
    });
    assert.deepEqual(rows.map((row) => row.outcome).sort(), ['allowed', 'refused', 'refused', 'refused', 'refused']);
    assert.deepEqual([...new Set(rows.map((row) => row.actor_id))], [ALICE]);
  });
});
