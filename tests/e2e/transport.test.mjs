// The request checks in bare workerd, where a test sets the properties of the connection that Cloudflare's edge would
// report (T-1, T-3). wrangler dev reports TLS 1.3 to every Worker and rewrites redirects.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startWorkerd } from '../../dev/workerd.mjs';
import { port } from '../../dev/ports.mjs';
import { FOLDER, raw, sql, stack, token, upstream } from './client.mjs';

describe('properties of a connection', () => {
  let worker;
  before(async () => {
    const { vars } = await stack();
    worker = await startWorkerd({
      name: 'other-host',
      port: await port('workerd', 24980),
      folder: `${FOLDER}/workerd`,
      modules: ['build/index.js', 'build/index_bg.wasm'],
      vars,
    });
  });
  after(() => worker?.stop());
  const over = (proto, tls, path, headers = {}) =>
    raw(path, {
      base: worker.url,
      headers: {
        host: 'localhost:8787',
        'x-forwarded-proto': proto,
        ...(tls === null ? {} : { 'cf-blob': JSON.stringify(tls ? { tlsVersion: tls } : {}) }),
        ...headers,
      },
    });

  test('T-1: TLS below 1.3, unknown or unreported is rejected before a token is verified', async () => {
    const authorization = `Bearer ${await token('alice')}`;
    await upstream();
    for (const tls of ['TLSv1.2', 'TLSv1.1', 'TLSv1', 'none', '', null]) {
      for (const path of ['/', '/healthz', '/rest/v1/contact_tickets?limit=1']) {
        const response = await over('https', tls, path, { authorization });
        assert.deepEqual([response.status, response.json?.code], [403, 'HUB002'], `${tls} ${path}`);
        assert.ok(response.headers['strict-transport-security']);
      }
    }
    assert.deepEqual(await upstream(), []);
    assert.equal((await over('https', 'TLSv1.3', '/rest/v1/contact_tickets?limit=1', { authorization })).status, 200);
  });

  test('T-3: a page over http is redirected to https at HUB_ORIGIN; a request with a credential is not', async () => {
    const { vars } = await stack();
    const page = await over('http', null, '/security?x=1');
    assert.deepEqual([page.status, page.headers.location, page.text], [308, `${vars.HUB_ORIGIN}/security?x=1`, '']);
    assert.equal(page.headers['strict-transport-security'], undefined);
    for (const [path, headers] of [
      ['/rest/v1/leads', {}],
      ['/', { cookie: '__session=x' }],
      ['/security', { authorization: 'Bearer x' }],
    ]) {
      const response = await over('http', null, path, headers);
      assert.deepEqual(
        [response.status, response.json.code, response.headers.location],
        [403, 'HUB001', undefined],
        path,
      );
    }
  });

  test("another host than the Hub's own is misdirected, for any request", async () => {
    const authorization = `Bearer ${await token('alice')}`;
    await upstream();
    for (const host of ['evil.example', 'stacklumen-hub.example.workers.dev', 'localhost.evil.example']) {
      for (const path of ['/', '/healthz', '/rest/v1/contact_tickets?limit=1']) {
        const response = await over('https', 'TLSv1.3', path, { host, authorization });
        assert.deepEqual([response.status, response.json.code], [421, 'HUB010'], `${host}${path}`);
      }
      const page = await over('http', null, '/security', { host });
      assert.deepEqual([page.status, page.headers.location], [403, undefined], host);
    }
    assert.deepEqual(await upstream(), []);
  });

  test('L-3: without a queue a row is written to the database directly; requests of staff fail when it cannot', async () => {
    const read = async (persona) =>
      over('https', 'TLSv1.3', '/rest/v1/contact_tickets?select=id&limit=1', {
        authorization: `Bearer ${await token(persona)}`,
      });
    const response = await read('support');
    assert.equal(response.status, 200);
    assert.equal(
      (await sql('select from hub.request_log where request_id = $1', [response.headers['x-request-id']])).length,
      1,
      'before the response was sent',
    );
    await sql('revoke execute on function hub.record_requests(jsonb) from hub_system');
    try {
      const refused = await read('support');
      assert.deepEqual([refused.status, refused.json.code], [503, 'HUB405']);
      assert.equal((await read('alice')).status, 200);
    } finally {
      await sql('grant execute on function hub.record_requests(jsonb) to hub_system');
    }
    assert.equal((await read('support')).status, 200);
  });

  test('a Hub with invalid variables responds only HUB500, without naming them', async () => {
    const { vars } = await stack();
    const wrong = await startWorkerd({
      name: 'wrong',
      port: await port('workerd', 24981),
      folder: `${FOLDER}/workerd`,
      modules: ['build/index.js', 'build/index_bg.wasm'],
      vars: { ...vars, HUB_SIGNING_KEYS: '{"keys":[]}', HUB_MIN_TLS: 'TLSv1.0' },
    });
    try {
      for (const path of ['/', '/rest/v1/leads', '/healthz']) {
        const response = await raw(path, { base: wrong.url, headers: { 'x-forwarded-proto': 'https' } });
        assert.deepEqual([response.status, response.json.code], [500, 'HUB500'], path);
        assert.doesNotMatch(response.text, /SIGNING|TLS|key/i);
        assert.ok(response.headers['strict-transport-security'] && response.headers['x-request-id']);
      }
    } finally {
      await wrong.stop();
    }
  });
});
