// The checks of a request, byte for byte: transport, headers, paths, methods, origins, pages (T-1, T-2, T-3, I-1).

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { port } from '../../dev/ports.mjs';
import { AS_TLS, startWorkerd } from '../../dev/workerd.mjs';
import { FOLDER, fetchAs, post, raw, stack, token, until, upstream } from './client.mjs';

const HSTS = 'max-age=63072000; includeSubDomains; preload';

describe('every https response', () => {
  const routes = [
    ['/', 200],
    ['/security', 200],
    ['/healthz', 200],
    ['/robots.txt', 200],
    ['/.well-known/security.txt', 200],
    ['/assets/hub.css', 200],
    ['/assets/favicon.svg', 200],
    ['/nothing', 404],
    ['/rest/v1/', 401],
    ['/rest/v2/leads', 404],
    ['/rest/v1/leads', 401],
    ['/auth/v1/token', 404],
    ['/storage/v1/object', 404],
    ['/rest//v1/leads', 400],
  ];
  for (const [path, status] of routes) {
    test(`T-2: ${path} is ${status} and has every security header`, async () => {
      const response = await raw(path);
      assert.equal(response.status, status, response.text);
      assert.equal(response.headers['strict-transport-security'], HSTS);
      for (const name of [
        'content-security-policy',
        'x-content-type-options',
        'x-frame-options',
        'referrer-policy',
        'permissions-policy',
        'cross-origin-resource-policy',
        'cross-origin-opener-policy',
        'cache-control',
        'x-request-id',
      ]) {
        assert.ok(response.headers[name], name);
      }
      assert.match(response.headers['x-request-id'], /^[0-9A-HJKMNP-TV-Z]{26}$/);
      for (const name of ['server', 'x-powered-by', 'set-cookie', 'proxy-status'])
        assert.equal(response.headers[name], undefined, name);
      assert.ok(response.text.length > 0, 'an empty body');
    });
  }

  test('an error is JSON for a program and a page for a browser, and never cached', async () => {
    const program = await raw('/nothing', { headers: { accept: 'application/json' } });
    assert.deepEqual(Object.keys(program.json).sort(), ['code', 'details', 'hint', 'message']);
    const page = await raw('/nothing', { headers: { accept: 'text/html,*/*;q=0.8' } });
    assert.match(page.headers['content-type'], /^text\/html/);
    assert.match(page.text, new RegExp(page.headers['x-request-id']));
    for (const response of [program, page]) assert.equal(response.headers['cache-control'], 'no-store');
    assert.match((await raw('/rest/v1/leads', { headers: { accept: 'text/html' } })).headers['content-type'], /json/);
  });
});

describe('pages', () => {
  for (const path of ['/', '/security', '/assets/hub.css']) {
    test(`${path} is public, has a validator and returns 304`, async () => {
      const first = await raw(path);
      assert.match(first.headers['cache-control'], /^public, max-age=\d+/);
      const again = await raw(path, { headers: { 'if-none-match': first.headers.etag } });
      assert.deepEqual([again.status, again.text], [304, '']);
      const head = await raw(path, { method: 'HEAD' });
      assert.deepEqual([head.status, head.text, head.headers.etag], [200, '', first.headers.etag]);
    });
  }

  test('healthz reports which services are reachable and no secret', async () => {
    const { json, text } = await raw('/healthz');
    assert.deepEqual([json.status, json.database, json.jwks], ['ok', 'up', 'up']);
    assert.match(json.version, /^\d+\.\d+\.\d+$/);
    assert.doesNotMatch(text, /127\.0\.0\.1|localhost|sb_|eyJ/);
  });

  test('security.txt has Contact, and Expires once within a year', async () => {
    const { text } = await raw('/.well-known/security.txt');
    const [, expires] = text.match(/^Expires: (.+)$/m);
    assert.equal(text.match(/^Expires:/gm).length, 1);
    assert.ok(new Date(expires) > Date.now() && new Date(expires) < Date.now() + 366 * 86_400_000);
    assert.match(text, /^Contact: mailto:/m);
  });

  test('I-1: no route accepts a password', async () => {
    assert.equal((await raw('/', { method: 'POST', body: 'password=x' })).status, 405);
    const response = await fetchAs('alice', 'contact_tickets', {
      method: 'POST',
      body: { subject: 'x', password: 'y' },
    });
    assert.match(response.json.code, /^HUB3/);
    assert.match((await fetchAs('alice', 'contact_tickets?password=eq.x')).json.code, /^HUB3/);
  });
});

describe('T-3: plain http', () => {
  test('a page without a credential is redirected to https at HUB_ORIGIN, with nothing else', async () => {
    const { http, hub } = (await stack()).urls;
    const response = await raw('/security?x=1', { base: http });
    assert.deepEqual([response.status, response.text], [308, '']);
    assert.equal(response.headers.location, `${hub}/security?x=1`);
    assert.equal(response.headers['strict-transport-security'], undefined);
  });

  test('everything else is rejected, and the response states that the credential is revoked', async () => {
    const { http } = (await stack()).urls;
    // A session of its own, because its tokens are revoked.
    const session = await (await post('clerk', '/dev/sessions', { persona: 'alice' })).json();
    const valid = { authorization: `Bearer ${await token('alice', { sid: session.id })}` };
    const cases = [
      ['/rest/v1/contact_tickets', {}],
      ['/rest/v1/contact_tickets', valid],
      ['/rest/v1/contact_tickets', { authorization: 'Bearer x' }],
      ['/webhooks/clerk', {}],
      ['/', { cookie: '__session=x' }],
      ['/security', valid],
      ['/?access_token=x', {}],
    ];
    await upstream();
    const bodies = new Set();
    for (const [path, headers] of cases) {
      const response = await raw(path, { base: http, headers });
      assert.deepEqual([response.status, response.json?.code], [403, 'HUB001'], path);
      assert.equal(response.headers.location, undefined);
      assert.match(response.json.hint, /revoke/i);
      bodies.add(response.text);
    }
    assert.equal(bodies.size, 1, 'valid and invalid credentials get the same response');
    assert.equal((await raw('/', { base: http, method: 'POST' })).status, 403);
    const revoked = await until('the valid one to be revoked', async () => {
      const requests = await upstream();
      return requests.length > 0 && requests;
    });
    assert.deepEqual(
      [...new Set(revoked.map(({ path }) => path))],
      ['/rest/v1/rpc/burn_token'],
      'and nothing else reached the database',
    );
  });
});

describe('paths and headers', () => {
  const paths = [
    '/rest/v1/%6ceads',
    '/rest/v1/rpc%2Fopen_ticket',
    '/rest/v1/%72pc/open_ticket',
    '/rest/v1/..%2fleads',
    '/rest/v1/leads%00',
    '/rest/v1/%252e%252e/leads',
  ];
  for (const path of paths) {
    test(`${path} is rejected`, async () => {
      await upstream();
      const response = await raw(path, { headers: { authorization: `Bearer ${await token('admin')}` } });
      assert.deepEqual([response.status, response.json.code], [400, 'HUB003']);
      assert.deepEqual(await upstream(), []);
    });
  }

  test('dot segments and backslashes are rejected', async () => {
    const headers = { authorization: `Bearer ${await token('alice')}` };
    for (const path of [
      '/rest/v1/x/../leads',
      '/rest/v1/./leads',
      '/rest\\v1\\leads',
      '/rest/v1/contact_tickets/../leads',
    ]) {
      const response = await raw(path, { headers });
      assert.ok([400, 404].includes(response.status), `${path} ${response.status}`);
    }
  });

  test('underscored and rewriting headers are rejected, forwarding headers are not trusted', async () => {
    for (const name of ['x_request_id', 'x-hub-route', 'x-http-method-override', 'x-original-url']) {
      const response = await fetchAs('alice', 'contact_tickets?limit=1', { headers: { [name]: 'DELETE' } });
      assert.deepEqual([response.status, response.json.code], [400, 'HUB004'], name);
    }
    await upstream();
    const spoofed = {
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-for': '1.2.3.4',
      forwarded: 'for=1.2.3.4',
    };
    assert.equal((await fetchAs('alice', 'contact_tickets?limit=1', { headers: spoofed })).status, 200);
    const [{ headers }] = await upstream();
    for (const name of Object.keys(spoofed)) assert.doesNotMatch(headers[name] ?? '', /evil|1\.2\.3\.4/, name);
  });

  test('forty slow bodies of one user do not block the requests of other users', async () => {
    const authorization = `Bearer ${await token('alice')}`;
    const { vars } = await stack();
    // Wrangler's proxy responds 500, "Network connection lost", when the Worker rejects a request whose body it has not
    // read.
    const bare = await startWorkerd({
      name: 'slow',
      port: await port('workerd', 24970),
      folder: `${FOLDER}/workerd`,
      modules: ['build/index.js', 'build/index_bg.wasm'],
      vars,
    });
    const edge = { ...AS_TLS, host: new URL(vars.HUB_ORIGIN).host };
    const there = { base: bare.url, headers: edge };
    const slow = Array.from({ length: 40 }, () => {
      const headers = { ...edge, authorization, 'content-type': 'application/json', 'content-length': 1024 * 1000 };
      const request = http.request(new URL('/rest/v1/contact_tickets', bare.url), {
        method: 'POST',
        headers,
        agent: false,
      });
      const responded = new Promise((resolve) =>
        request
          .on('response', (response) => response.resume() && resolve(response.statusCode))
          .on('error', () => resolve('ended')),
      );
      request.write(`[{"subject":"${'x'.repeat(1024 * 990)}`);
      return { request, responded };
    });
    try {
      // All beyond the limit of one user are rejected, while the others hold what they sent.
      let refused = 0;
      slow.forEach(({ responded }) => responded.then((status) => (refused += status === 503 ? 1 : 0)));
      await until('the refusal of those without room', () => refused >= 36);
      const [small, rows] = [
        { subject: 'small' },
        Array.from({ length: 90 }, (_, n) => ({ subject: `${n} ${'y'.repeat(180)}` })),
      ];
      for (const body of [small, rows])
        assert.equal((await fetchAs('carol', 'contact_tickets', { ...there, method: 'POST', body })).status, 201);
      assert.equal((await fetchAs('alice', 'contact_tickets?select=id&limit=1', there)).status, 200);
    } finally {
      slow.forEach(({ request }) => request.destroy());
      await bare.stop();
    }
  });

  test("I-2: slow bodies of unauthenticated clients block no message of Clerk's", async () => {
    const { vars } = await stack();
    const bare = await startWorkerd({
      name: 'unauthenticated',
      port: await port('workerd', 24970),
      folder: `${FOLDER}/workerd`,
      modules: ['build/index.js', 'build/index_bg.wasm'],
      vars,
    });
    const edge = { ...AS_TLS, host: new URL(vars.HUB_ORIGIN).host, 'content-type': 'application/json' };
    const key = Buffer.from(vars.CLERK_WEBHOOK_SECRETS.split('_')[1], 'base64');
    const signed = (id, body) => {
      const time = String(Math.floor(Date.now() / 1000));
      return {
        'svix-id': id,
        'svix-timestamp': time,
        'svix-signature': `v1,${createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64')}`,
      };
    };
    const sent = [];
    let refused = 0;
    try {
      for (const round of ['one', 'two', 'three']) {
        for (let number = 0; number < 30; number += 1) {
          const request = http.request(new URL('/webhooks/clerk', bare.url), {
            method: 'POST',
            agent: false,
            headers: { ...edge, ...signed(`msg_${round}${number}`, 'another body'), 'content-length': 250 * 1024 },
          });
          request
            .on('response', (response) => response.resume() && (refused += response.statusCode === 503 ? 1 : 0))
            .on('error', () => {});
          request.write('x'.repeat(240 * 1024));
          sent.push(request);
        }
        // Requests beyond the limit are rejected before their bodies have ended.
        await until('the refusal of the oldest', () => refused >= sent.length - 17);
        for (const length of [10, 200 * 1024]) {
          const body = JSON.stringify({ type: 'email.created', data: { x: 'x'.repeat(length) } });
          const response = await raw('/webhooks/clerk', {
            base: bare.url,
            method: 'POST',
            headers: { ...edge, ...signed(`msg_${round}_${length}`, body) },
            body,
          });
          assert.equal(response.status, 200, `${round} ${length} ${response.text}`);
        }
      }
    } finally {
      sent.forEach((request) => request.destroy());
      await bare.stop();
    }
  });

  test('a body over 1 MiB is rejected, with and without Content-Length', async () => {
    const body = JSON.stringify({ subject: 'x'.repeat(1024 * 1024) });
    for (const headers of [{ 'content-length': String(body.length) }, { 'transfer-encoding': 'chunked' }]) {
      const response = await fetchAs('alice', 'contact_tickets', { method: 'POST', body, headers });
      assert.deepEqual([response.status, response.json.code], [413, 'HUB005']);
    }
  });

  test('a method that a route does not accept gets 405 with Allow', async () => {
    const response = await fetchAs('alice', 'contact_tickets', { method: 'PUT', body: {} });
    assert.deepEqual([response.status, response.json.code], [405, 'HUB007']);
    assert.match(response.headers.allow, /PATCH/);
  });
});

describe('browsers of other origins', () => {
  test('a preflight is handled by the Hub, for a listed origin and no other', async () => {
    const { urls } = await stack();
    await upstream();
    const preflight = (origin) =>
      raw('/rest/v1/leads', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PATCH' } });
    const listed = await preflight(urls.hub);
    assert.equal(listed.status, 204);
    assert.equal(listed.headers['access-control-allow-origin'], urls.hub);
    for (const name of ['authorization', 'apikey', 'prefer', 'x-client-info', 'content-profile', 'x-retry-count']) {
      assert.match(listed.headers['access-control-allow-headers'], new RegExp(name));
    }
    assert.equal(listed.headers['access-control-allow-credentials'], undefined);
    for (const origin of ['https://evil.example', `${urls.hub}.evil.example`, 'null', urls.hub.toUpperCase()]) {
      const other = await preflight(origin);
      assert.deepEqual([other.status, other.headers['access-control-allow-origin']], [403, undefined], origin);
    }
    assert.deepEqual(await upstream(), []);
  });

  test('a response is shared with a listed origin only, with Vary for caches', async () => {
    const { urls } = await stack();
    const listed = await fetchAs('alice', 'contact_tickets?limit=1', { headers: { origin: urls.hub } });
    assert.equal(listed.headers['access-control-allow-origin'], urls.hub);
    assert.match(listed.headers['access-control-expose-headers'], /content-range/);
    const other = await fetchAs('alice', 'contact_tickets?limit=1', { headers: { origin: 'https://evil.example' } });
    assert.equal(other.headers['access-control-allow-origin'], undefined);
    assert.match(other.headers.vary, /Origin/);
  });
});
