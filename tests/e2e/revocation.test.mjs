// I-2, T-3: an ended session is rejected at its next request, a moment after Clerk reports it, whatever its token still
// states.

import { afterEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { ACME, ALICE, clerk_is, client, post, raw, sql, stack, token, until, upstream } from './client.mjs';

const ADMIN = 'user_2hubadmin0000000000000005';
const read = async (bearer) =>
  (await raw('/rest/v1/contact_tickets?select=id&limit=1', { headers: { authorization: `Bearer ${bearer}` } })).status;
const bapi = async (method, path, data) => {
  const { urls, keys } = await stack();
  const headers = {
    authorization: `Bearer ${keys.clerk.secretKey}`,
    'clerk-api-version': '2026-05-12',
    'content-type': 'application/json',
  };
  const response = await fetch(`${urls.clerk}/v1/${path}`, { method, headers, body: data && JSON.stringify(data) });
  return { status: response.status, body: await response.json() };
};
const lever = async (path, data) => (await post('clerk', `/dev/${path}`, data)).json();
const messages = async () => (await fetch(`${(await stack()).urls.clerk}/dev/messages`)).json();
const refusedSoon = (what, bearer) => until(what, async () => (await read(bearer)) === 401);

// A hook outside of a suite would run after every test of all files that share a process.
const tidy = async () => {
  await clerk_is('ok', 'backend');
  await lever('reset');
  await sql('delete from hub.revoked_sessions');
};

describe('events of Clerk', () => {
  afterEach(tidy);

  test('I-2: a revoked session is rejected, reads included, and another session of the same user is not', async () => {
    const [one, two] = [await lever('sessions', { persona: 'alice' }), await lever('sessions', { persona: 'alice' })];
    const [ended, other] = [await token('alice', { sid: one.id }), await token('alice', { sid: two.id })];
    assert.deepEqual([await read(ended), await read(other)], [200, 200]);
    const { status } = await bapi('POST', `sessions/${one.id}/revoke`);
    assert.equal(status, 200);
    await refusedSoon('the rejection', ended);
    assert.equal(await read(other), 200);
    const [row] = await sql('select cause, reason, revoked_by from hub.revoked_sessions where subject = $1', [one.id]);
    assert.deepEqual(row, { cause: 'ended', reason: 'session.revoked', revoked_by: 'system:clerk' });
  });

  test('I-2: the latency from an accepted message to the first rejection', async () => {
    const times = [];
    for (let round = 0; round < 10; round += 1) {
      const session = await lever('sessions', { persona: 'alice' });
      const bearer = await token('alice', { sid: session.id });
      assert.equal(await read(bearer), 200);
      const { attempts } = await lever('webhook', { type: 'session.revoked', data: session });
      assert.deepEqual(
        attempts.map(({ status }) => status),
        [200],
      );
      assert.equal(await read(bearer), 401, 'the very next request');
      times.push(Date.now() - attempts[0].at);
    }
    console.log(
      `    from an accepted message to the first rejection: median ${times.sort((a, b) => a - b)[5]} ms, maximum ${times.at(-1)} ms, of 10`,
    );
  });

  test('I-2: a repeated message has no effect, and an older event does not undo a newer one', async () => {
    const bearer = await token('carol');
    const user = { id: 'user_2hubcarol0000000000000003', public_metadata: {}, banned: true, locked: false };
    const first = { type: 'user.updated', data: user, id: 'msg_ban_once', timestamp: Date.now() - 2000 };
    assert.deepEqual(
      (await lever('webhook', first)).attempts.map(({ status }) => status),
      [200],
    );
    assert.equal(await read(bearer), 401);
    // First the ban is lifted; then it is sent again, once as the same message and once as another, older one.
    await lever('webhook', { type: 'user.updated', data: { ...user, banned: false }, timestamp: Date.now() - 1000 });
    assert.equal(await read(bearer), 200);
    await lever('webhook', first);
    await lever('webhook', { ...first, id: 'msg_ban_late' });
    assert.equal(await read(bearer), 200);
    assert.equal(
      (await sql("select count(*)::int as n from hub.webhook_messages where message_id = 'msg_ban_once'"))[0].n,
      1,
    );
  });

  test('A-2: a removed role ends with the message; the next token has the new one', async () => {
    const old = await token('admin');
    assert.equal(
      (await raw('/rest/v1/leads?select=id&limit=1', { headers: { authorization: `Bearer ${old}` } })).status,
      200,
    );
    await bapi('PATCH', `users/${ADMIN}/metadata`, { public_metadata: { stacklumen_role: 'sales' } });
    await until(
      'the refusal',
      async () =>
        (await raw('/rest/v1/leads?select=id&limit=1', { headers: { authorization: `Bearer ${old}` } })).status === 401,
    );
    const { error, data } = await (await client('admin')).from('leads').select('id').limit(1);
    assert.deepEqual([error, data.length], [null, 1]);
    assert.equal(
      (await (await client('admin')).from('request_log').select('id').limit(1)).error.code,
      'HUB202',
      'sales read no request rows',
    );
  });

  test('I-2: a lock, a ban, a deletion, a lost membership, a deleted organization', async () => {
    for (const [what, act, who] of [
      ['lock', () => bapi('POST', `users/${ALICE}/lock`), 'alice'],
      ['ban', () => bapi('POST', `users/${ALICE}/ban`), 'alice'],
      ['deletion', () => bapi('DELETE', `users/${ALICE}`), 'alice'],
      [
        'membership',
        () =>
          lever('webhook', {
            type: 'organizationMembership.deleted',
            data: { organization: { id: ACME }, public_user_data: { user_id: ALICE } },
          }),
        'alice',
      ],
      [
        'organization',
        () => lever('webhook', { type: 'organization.deleted', data: { id: ACME, deleted: true } }),
        'bob',
      ],
    ]) {
      const bearer = await token(who);
      const bystander = await token('carol');
      assert.equal(await read(bearer), 200, what);
      await act();
      await refusedSoon(what, bearer);
      assert.equal(await read(bystander), 200, what);
      await lever('reset');
      await sql('delete from hub.revoked_sessions');
    }
  });

  test('I-2: a member who rejoins is accepted again', async () => {
    const bearer = await token('alice');
    const data = { organization: { id: ACME }, public_user_data: { user_id: ALICE } };
    await lever('webhook', { type: 'organizationMembership.deleted', data });
    assert.equal(await read(bearer), 401);
    await lever('webhook', { type: 'organizationMembership.created', data });
    assert.equal(await read(bearer), 200);
  });
});

describe('senders of events', () => {
  afterEach(tidy);

  test('I-2: a forged, an old and an unsigned message are rejected, and nothing is written', async () => {
    const data = { id: 'sess_2hubalice0000000000000001', user_id: ALICE };
    const bearer = await token('alice');
    const other = `whsec_${Buffer.from('SomebodyElsesSecretForTests').toString('base64')}`;
    for (const more of [{ secret: other }, { at: Date.now() - 301_000 }, { at: Date.now() + 301_000 }]) {
      assert.deepEqual(
        (await lever('webhook', { type: 'session.revoked', data, ...more })).attempts.map(({ status }) => status),
        [400],
      );
    }
    const unsigned = await raw('/webhooks/clerk', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'session.revoked', data }),
    });
    assert.deepEqual([unsigned.status, unsigned.json.code], [400, 'HUB105']);
    assert.equal(await read(bearer), 200);
    assert.deepEqual(await sql('select * from hub.revoked_sessions'), []);
  });

  test('L-3: accepted and rejected messages leave request rows', async () => {
    await lever('webhook', { type: 'email.created', data: {} });
    const rows = await until('the row', async () => {
      const found = await sql(
        "select method, who, outcome, status from hub.request_log where route = '/webhooks/clerk' order by id desc limit 1",
      );
      return found[0]?.who === 'webhook:clerk' ? found : null;
    });
    assert.deepEqual(rows[0], { method: 'POST', who: 'webhook:clerk', outcome: 'allowed', status: 200 });
  });

  test('I-2: a message without a reachable database is redelivered, and then takes effect', async () => {
    const bearer = await token('alice');
    await post('supabase', '/dev/upstream', { mode: 'down' });
    await bapi('POST', 'sessions/sess_2hubalice0000000000000001/revoke');
    await until('a failed attempt', async () =>
      (await messages()).some(({ attempts }) => attempts.some(({ status }) => status >= 500)),
    );
    await post('supabase', '/dev/upstream', { mode: 'ok' });
    await refusedSoon('the rejection', bearer);
  });
});

describe('revocations by the Hub', () => {
  afterEach(tidy);

  test('I-2, L-1: an admin revokes a user’s sessions: rejected at once, ended at Clerk, in the audit log, and the user may sign in again', async () => {
    const bearer = await token('alice');
    assert.equal(await read(bearer), 200);
    const admin = await client('admin');
    const { data, error } = await admin.rpc('revoke_sessions', { person: ALICE, reason: 'a lost laptop' });
    assert.equal(error, null);
    assert.deepEqual(data, { person: ALICE, sessions_ended: 1 });
    assert.equal(await read(bearer), 401);
    assert.equal((await bapi('GET', 'sessions/sess_2hubalice0000000000000001')).body.status, 'revoked');
    const { data: auditRows } = await admin
      .from('team_activities')
      .select('actor_id, action, entity, entity_id, after')
      .eq('entity', 'revoked_sessions')
      .eq('actor_kind', 'staff')
      .order('id', { ascending: false })
      .limit(1);
    assert.deepEqual(
      [auditRows.length, auditRows[0].actor_id, auditRows[0].entity_id, auditRows[0].after.reason],
      [1, ADMIN, ALICE, 'a lost laptop'],
    );
    const again = await lever('sessions', { persona: 'alice' });
    await until('the new session', async () => (await read(await token('alice', { sid: again.id }))) === 200, 15);
  });

  test('I-2: without Clerk the user is rejected all the same, and the admin gets an error', async () => {
    const bearer = await token('alice');
    await lever('deliver', { deliver: false });
    const admin = await client('admin');
    await clerk_is('503', 'backend');
    const nothing = await admin.rpc('revoke_sessions', { person: ALICE, reason: 'x' });
    assert.equal(nothing.error.code, 'HUB406', 'who the admin is could not be asked');
    assert.equal(await read(bearer), 200);
    await clerk_is('ok', 'backend');
    assert.equal(
      (await (await client('sales')).rpc('revoke_sessions', { person: ALICE, reason: 'x' })).error.code,
      'HUB202',
    );
    assert.equal((await admin.rpc('revoke_sessions', { person: 'nobody', reason: 'x' })).error.code, 'P0001');
  });

  test('T-3: a token that was sent over plain http is revoked; the session’s next token is valid', async () => {
    const { urls } = await stack();
    const bearer = await token('carol');
    assert.equal(await read(bearer), 200);
    const response = await raw('/rest/v1/contact_tickets?select=id', {
      base: urls.http,
      headers: { authorization: `Bearer ${bearer}` },
    });
    assert.deepEqual([response.status, response.json.code], [403, 'HUB001']);
    await refusedSoon('the revoked token', bearer);
    await new Promise((next) => setTimeout(next, 1100));
    assert.equal(await read(await token('carol')), 200);
  });
});

describe('irreversible operations', () => {
  afterEach(tidy);

  const remove = async (who) => {
    const hub = await client(who);
    const { data: lead } = await hub
      .from('leads')
      .insert({ name: 'Gone soon', email: 'gone@example.com' })
      .select('id')
      .single();
    return hub.from('leads').delete().eq('id', lead.id).select('id');
  };

  test('A-2: the user’s current state is read from Clerk, and a demoted, locked or unknown one deletes nothing', async () => {
    await lever('deliver', { deliver: false });
    for (const act of [
      () => bapi('PATCH', `users/${ADMIN}/metadata`, { public_metadata: { stacklumen_role: 'sales' } }),
      () => bapi('POST', `users/${ADMIN}/lock`),
    ]) {
      const bearer = await token('admin');
      await act();
      await upstream();
      const lead = (await sql('select id from hub.leads order by created_at limit 1'))[0].id;
      const response = await raw(`/rest/v1/leads?id=eq.${lead}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${bearer}` },
      });
      assert.deepEqual([response.status, response.json.code], [401, 'HUB103']);
      assert.deepEqual(await upstream(), []);
      await lever('reset');
      await lever('deliver', { deliver: false });
    }
  });

  test('A-2: without a response of Clerk nothing is deleted, within its 2 seconds', async () => {
    for (const mode of ['503', 'garbage', 'hang', 'redirect', 'huge']) {
      await clerk_is(mode, 'backend');
      const began = Date.now();
      const { error } = await remove('admin');
      assert.equal(error.code, 'HUB406', mode);
      assert.ok(Date.now() - began < 8000, `${mode} took ${Date.now() - began} ms`);
      assert.equal((await (await client('admin')).from('leads').select('id').limit(1)).error, null, 'reading goes on');
    }
    await clerk_is('ok', 'backend');
    assert.equal((await remove('admin')).error, null);
  });

  test('A-2: a stale factor is reported in the shape that Clerk’s front end understands', async () => {
    const { isReverificationHint } = await import('@clerk/shared/authorization-errors');
    const lead = (await sql('select id from hub.leads order by created_at limit 1'))[0].id;
    const response = await raw(`/rest/v1/leads?id=eq.${lead}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${await token('stale')}` },
    });
    assert.equal(response.status, 403);
    assert.ok(isReverificationHint(response.json));
    assert.deepEqual(response.json.clerk_error.metadata.reverification, { level: 'second_factor', afterMinutes: 10 });
  });
});
