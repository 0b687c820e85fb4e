// Responses while a service that the Hub depends on rotates, fails or stalls: key rotation, outages, a slow or absent
// database (I-2).

import { test, describe, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { ALICE, fetchAs, clerk_is, database_is, post, raw, sql, stack, token, until } from './client.mjs';

const read = (persona = 'alice') => fetchAs(persona, 'contact_tickets?select=id&limit=1');

describe('I-2: sessions', () => {
  test('a revoked session is rejected while its token is unexpired, and only that session', async () => {
    const revoked = await token('alice');
    const { sid } = JSON.parse(Buffer.from(revoked.split('.')[1], 'base64url'));
    const readTickets = () =>
      raw('/rest/v1/contact_tickets?limit=1', { headers: { authorization: `Bearer ${revoked}` } });
    assert.equal((await readTickets()).status, 200);
    await sql(
      "insert into hub.revoked_sessions (subject, reason, expires_at) values ($1, 'test', now() + interval '2 minutes')",
      [sid],
    );
    try {
      const refused = await readTickets();
      assert.deepEqual([refused.status, refused.json.code], [401, 'HUB103']);
      assert.equal((await read('bob')).status, 200);
    } finally {
      await sql('delete from hub.revoked_sessions where subject = $1', [sid]);
    }
    assert.equal((await readTickets()).status, 200);
  });

  test('a revoked user is rejected in every session', async () => {
    await sql(
      "insert into hub.revoked_sessions (subject, reason, expires_at) values ($1, 'test', now() + interval '2 minutes')",
      [ALICE],
    );
    try {
      assert.equal((await read('alice')).status, 401);
    } finally {
      await sql('delete from hub.revoked_sessions where subject = $1', [ALICE]);
    }
  });

  test('a rotated key is accepted without a restart, and the old one is not', async () => {
    const old = await token('alice');
    assert.equal((await read()).status, 200);
    await post('clerk', '/dev/rotate-keys', { keepKid: false, keepOld: false });
    // An unknown key id causes at most one fetch in 30 s, so a rotation may take that long to be seen.
    await until('the new key', async () => (await read()).status === 200, 40);
    const response = await raw('/rest/v1/contact_tickets?select=subject&limit=1', {
      headers: { authorization: `Bearer ${await token('alice', { jti: 'x' })}` },
    });
    assert.equal(response.status, 200);
    const { urls } = await stack();
    const jwks = await (await fetch(`${urls.clerk}/.well-known/jwks.json`)).json();
    const { kid } = JSON.parse(Buffer.from(old.split('.')[0], 'base64url'));
    assert.ok(!jwks.keys.some((key) => key.kid === kid));
  });

  test('unknown key ids cause at most one fetch from the issuer', async () => {
    const { urls } = await stack();
    const fetches = async () => (await (await fetch(`${urls.clerk}/dev/stats`)).json()).jwks;
    const before = await fetches();
    const header = (n) => ({ header: Buffer.from(JSON.stringify({ kid: `ins_unknown${n}` })).toString('base64url') });
    for (let n = 0; n < 20; n += 1) {
      const response = await raw('/rest/v1/leads', {
        headers: { authorization: `Bearer ${await token('alice', header(n))}` },
      });
      assert.equal(response.status, 401);
    }
    assert.ok((await fetches()) - before <= 1);
  });
});

describe('Clerk is unavailable', () => {
  afterEach(() => clerk_is('ok'));

  for (const mode of ['503', 'garbage', 'hang']) {
    test(`${mode}: known keys continue to work`, async () => {
      assert.equal((await read()).status, 200);
      await clerk_is(mode);
      assert.equal((await read('carol')).status, 200);
    });

    test(`${mode}: a Hub that never fetched a key responds 503 with Retry-After, never 401`, async () => {
      const running = await stack();
      const credential = await token('alice');
      await clerk_is(mode);
      await running.restart('hub');
      const response = await raw('/rest/v1/contact_tickets', { headers: { authorization: `Bearer ${credential}` } });
      assert.deepEqual([response.status, response.json.code], [503, 'HUB104']);
      assert.match(response.headers['retry-after'], /^\d+$/);
      await clerk_is('ok');
      await until('a successful response', async () => (await read()).status === 200, 30);
    });
  }
});

describe('the database is unavailable', () => {
  afterEach(() => database_is('ok'));

  test('PostgREST down: 502 or 503 with a code, then success again', async () => {
    const running = await stack();
    await running.halt('postgrest');
    try {
      for (const persona of ['alice', 'support']) {
        const response = await read(persona);
        assert.ok([502, 503].includes(response.status), `${response.status}`);
        assert.match(response.json.code, /^HUB4/);
        assert.doesNotMatch(response.text, /127\.0\.0\.1|ECONN/);
      }
      const { status, json } = await raw('/healthz');
      assert.ok(status === 503 || json.database === 'up', 'healthz keeps a finding for five seconds');
    } finally {
      await running.restart('postgrest');
    }
    await until('a successful response', async () => (await read()).status === 200, 20);
  });

  test('PostgREST slow: 504 after the Hub’s own timeout, and a change is not reported as made', async () => {
    await database_is('slow', { delayMs: 15_000 });
    const started = Date.now();
    const response = await read();
    assert.deepEqual([response.status, response.json.code], [504, 'HUB402']);
    assert.ok(Date.now() - started < 14_000);
  });

  test('garbage and redirects are not forwarded', async () => {
    for (const mode of ['garbage', 'redirect']) {
      await database_is(mode);
      const response = await read();
      assert.deepEqual([response.status, response.json?.code], [502, 'HUB404'], mode);
      assert.equal(response.headers.location, undefined);
    }
  });

  test('a database restarted under load loses no committed change and no audit row of it', async () => {
    const running = await stack();
    const [lead] = await sql('select id from hub.leads limit 1');
    const done = [];
    let restarting = true;
    const load = (async () => {
      for (let n = 0; restarting && n < 400; n += 1) {
        const note = `under load ${n}`;
        const response = await fetchAs('admin', `leads?id=eq.${lead.id}`, { method: 'PATCH', body: { notes: note } });
        if (response.status === 204) done.push([response.headers['x-request-id'], note]);
        else assert.match(response.json.code, /^HUB4|^5|^PGRST/, response.text);
      }
    })();
    await until('some changes', async () => done.length > 3);
    await running.restart('postgres');
    await until(
      'changes after the restart',
      async () => (await fetchAs('admin', 'leads?select=id&limit=1')).status === 200,
      40,
    );
    const before = done.length;
    await until('more changes', async () => done.length > before + 3, 40);
    restarting = false;
    await load;
    const ids = done.map(([id]) => id);
    const rows = await sql(
      "select request_id, after ->> 'notes' as notes from hub.team_activities where request_id = any($1)",
      [ids],
    );
    assert.deepEqual(rows.map((row) => [row.request_id, row.notes]).sort(), done.sort());
    const [{ count }] = await sql('select count(*)::int from hub.request_log where request_id = any($1)', [ids]);
    assert.equal(count, ids.length);
  });
});
