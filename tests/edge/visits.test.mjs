// I-1, I-2: people in a real browser: sign in, come back with a token that ran out, sign out, be revoked while looking at a page; and
// what somebody else's link, form or cookie can do.

import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { launch } from './browser.mjs';
import { post, raw, sql, stack, token, until } from './client.mjs';

const lever = async (path, data) => (await post('clerk', `/dev/${path}`, data)).json();
const stats = async () => (await fetch(`${(await stack()).urls.clerk}/dev/stats`)).json();
const CAROL = 'user_2hubcarol0000000000000003';
let browser;
let hub;

before(async () => {
  browser = await launch();
  hub = (await stack()).urls.hub;
});
after(() => browser?.close());
afterEach(async () => {
  await lever('reset');
  await sql('delete from hub.revoked_sessions');
});

/** A browser with nothing in it, and its page. */
async function visitor() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  return { context, page: await context.newPage() };
}

/** Signs in as a person does: by the Hub's link and Clerk's page. */
async function signedIn(persona = 'carol', path = '/account') {
  const one = await visitor();
  await one.page.goto(`${hub}${path}`);
  await one.page.getByRole('link', { name: persona, exact: true }).click();
  await one.page.waitForURL(`${hub}${path}`);
  return one;
}

const cookie = async (context, name) => (await context.cookies(hub)).find((one) => one.name === name);

describe('a person', () => {
  test('I-1: signs in at Clerk, comes back to the page they wanted, and the URL has no traces', async () => {
    const { context, page } = await signedIn();
    assert.equal(page.url(), `${hub}/account`);
    assert.match(await page.textContent('main'), new RegExp(CAROL));
    const session = await cookie(context, '__session');
    assert.deepEqual([session.httpOnly, session.secure, session.sameSite], [true, true, 'Lax']);
    assert.equal(await cookie(context, '__Host-hub_state'), undefined);
    await context.close();
  });

  for (const carrier of ['nonce', 'token']) {
    test(`I-2: comes back with a token that ran out: Clerk is asked once, by ${carrier}, and the page is there`, async () => {
      await lever('instance', { carrier, life: 1 });
      const { context, page } = await signedIn();
      await lever('instance', { life: 60 });
      const old = (await cookie(context, '__session')).value;
      await new Promise((next) => setTimeout(next, 6500));
      const before = (await stats()).handshakes.length;
      await page.goto(`${hub}/account`);
      assert.equal(page.url(), `${hub}/account`);
      assert.match(await page.textContent('main'), new RegExp(CAROL));
      assert.deepEqual((await stats()).handshakes.slice(before), ['session-token-expired']);
      assert.notEqual((await cookie(context, '__session')).value, old);
      await context.close();
    });
  }

  test('I-2: with a refresh token the page is there without a way through Clerk', async () => {
    await lever('instance', { refresh: true, life: 1 });
    const { context, page } = await signedIn();
    await lever('instance', { life: 60 });
    await new Promise((next) => setTimeout(next, 6500));
    const before = (await stats()).handshakes.length;
    await page.goto(`${hub}/account`);
    assert.match(await page.textContent('main'), new RegExp(CAROL));
    assert.equal((await stats()).handshakes.length, before);
    assert.ok((await stats()).backend.some((line) => line.endsWith('/refresh')));
    await context.close();
  });

  test('I-2: signs out: refused here, ended at Clerk, cookies gone, and the next page asks for a sign-in', async () => {
    const { context, page } = await signedIn();
    const bearer = (await cookie(context, '__session')).value;
    const read = async () => (await raw('/rest/v1/contact_tickets?select=id&limit=1', { headers: { authorization: `Bearer ${bearer}` } })).status;
    assert.equal(await read(), 200);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${hub}/`);
    assert.equal(await cookie(context, '__session'), undefined);
    assert.equal(await read(), 401, 'the token that was in the cookie');
    await page.goto(`${hub}/account`);
    assert.match(page.url(), /\/sign-in\?/);
    await context.close();
  });

  test('I-2: is revoked while looking at a page: the next click says so, and the one after asks for a sign-in', async () => {
    const { context, page } = await signedIn();
    const { sid } = JSON.parse(Buffer.from((await cookie(context, '__session')).value.split('.')[1], 'base64url'));
    const { urls, keys } = await stack();
    await fetch(`${urls.clerk}/v1/sessions/${sid}/revoke`, { method: 'POST', headers: { authorization: `Bearer ${keys.clerk.secretKey}`, 'clerk-api-version': '2026-05-12' } });
    await until('the revocation', async () => (await sql('select 1 from hub.revoked_sessions where subject = $1', [sid])).length > 0);
    const answer = await page.goto(`${hub}/account`);
    assert.equal(answer.status(), 401);
    assert.match(await page.textContent('h1'), /session has ended/);
    await page.getByRole('link', { name: 'Sign in' }).click();
    assert.match(page.url(), /127\.0\.0\.1.*\/sign-in\?/);
    await context.close();
  });

  test('with a role that nobody knows sees that they may do nothing, and can sign out', async () => {
    const { context, page } = await signedIn('nobody');
    assert.match(await page.textContent('dl'), /nobody/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${hub}/`);
    await context.close();
  });

  test('who does not keep cookies is told, and not sent round', async () => {
    const headers = { 'sec-fetch-dest': 'document', accept: 'text/html' };
    const away = await raw('/account', { headers });
    assert.equal(away.status, 307);
    const back = new URL((await fetch(away.headers.location, { redirect: 'manual' })).headers.get('location'));
    const answer = await raw(back.pathname + back.search, { headers });
    assert.equal(answer.status, 401);
    assert.match(answer.text, /Signing in did not get through/);
    // And who keeps some and not others is sent at most three times.
    const uat = `__client_uat=${Math.floor(Date.now() / 1000)}; __clerk_db_jwt=x; __clerk_redirect_count=3`;
    assert.equal((await raw('/account', { headers: { ...headers, cookie: uat } })).status, 401);
  });
});

describe('somebody else', () => {
  test('I-2: a link with another person’s handshake signs nobody in as them', async () => {
    const attacker = await lever('sessions', { persona: 'alice' });
    const session = await token('alice', { sid: attacker.id });
    const { token: handshake } = await lever('sign', { payload: { handshake: [`__session=${session}; Path=/`, `__client_uat=${Math.floor(Date.now() / 1000)}; Path=/`] } });
    const { context, page } = await visitor();
    for (const query of [`__clerk_handshake=${handshake}`, `__clerk_handshake=${handshake}&hub_state=guessed`]) {
      await page.goto(`${hub}/account?${query}`);
      assert.notEqual((await cookie(context, '__session'))?.value, session);
    }
    await context.close();
  });

  test('I-1: a return address elsewhere is not followed', async () => {
    const bad = ['https://evil.example/', '//evil.example', '/\\evil.example', 'https://localhost.evil.example', `${hub}.evil.example/`, `${hub}@evil.example`, 'javascript:alert(1)', '/%2F%2Fevil.example', '/\t/evil.example'];
    for (const wanted of bad) {
      for (const path of ['/sign-in', '/sign-up']) {
        const answer = await raw(`${path}?redirect_url=${encodeURIComponent(wanted)}`);
        const to = new URL(answer.headers.location);
        assert.deepEqual([answer.status, to.searchParams.get('redirect_url')], [303, `${hub}/account`], wanted);
      }
    }
    const good = await raw(`/sign-in?redirect_url=${encodeURIComponent('/security?x=1')}`);
    assert.equal(new URL(good.headers.location).searchParams.get('redirect_url'), `${hub}/security?x=1`);
  });

  test('a form of another site, or without this session’s token, signs nobody out', async () => {
    const { context, page } = await signedIn();
    const jar = (await context.cookies(hub)).map(({ name, value }) => `${name}=${value}`).join('; ');
    await page.goto(`${hub}/sign-out`);
    const good = await page.getAttribute('input[name=csrf]', 'value');
    const send = (headers, body) => raw('/sign-out', { method: 'POST', headers: { cookie: jar, 'content-type': 'application/x-www-form-urlencoded', ...headers }, body });
    for (const [headers, body] of [
      [{}, `csrf=${good}`],
      [{ origin: 'https://evil.example' }, `csrf=${good}`],
      [{ origin: 'null' }, `csrf=${good}`],
      [{ origin: hub, 'sec-fetch-site': 'cross-site' }, `csrf=${good}`],
      [{ origin: hub, 'sec-fetch-site': 'same-site' }, `csrf=${good}`],
      [{ origin: hub }, 'csrf='],
      [{ origin: hub }, ''],
      [{ origin: hub }, `csrf=${good.slice(1)}A`],
    ]) {
      const answer = await send(headers, body);
      assert.deepEqual([answer.status, answer.json.code], [403, 'HUB106'], JSON.stringify([headers, body]));
    }
    assert.equal((await send({ origin: hub }, `csrf=${good}&password=x`)).json.code, 'HUB309', 'I-1');
    await page.goto(`${hub}/account`);
    assert.match(await page.textContent('main'), new RegExp(CAROL), 'still signed in');
    assert.equal((await send({ origin: hub }, `csrf=${good}`)).status, 303);
    await context.close();
  });

  test('I-2: a cookie is no credential of the API, and a script’s request is never sent to Clerk', async () => {
    const { context } = await signedIn();
    const jar = (await context.cookies(hub)).map(({ name, value }) => `${name}=${value}`).join('; ');
    assert.equal((await raw('/rest/v1/contact_tickets?select=id', { headers: { cookie: jar } })).json.code, 'HUB101');
    const uat = `__client_uat=${Math.floor(Date.now() / 1000)}; __clerk_db_jwt=x`;
    for (const headers of [{ accept: 'application/json' }, { 'sec-fetch-dest': 'empty', accept: 'text/html' }, { 'sec-fetch-dest': 'iframe', accept: 'text/html' }]) {
      const answer = await raw('/account', { headers: { cookie: uat, ...headers } });
      assert.match(answer.headers.location, /\/sign-in\?/);
    }
    const navigation = await raw('/account', { headers: { cookie: uat, 'sec-fetch-dest': 'document', 'x-forwarded-host': 'evil.example', host: new URL(hub).host } });
    assert.deepEqual([navigation.status, navigation.headers['cache-control']], [307, 'no-store']);
    const to = new URL(navigation.headers.location);
    assert.equal(new URL(to.searchParams.get('redirect_url')).origin, hub, 'whatever a header says of the host');
    assert.equal(to.searchParams.get('__session'), null, 'no token in a URL');
    await context.close();
  });

  test('I-2: what a handshake brings is checked before it is set', async () => {
    const begin = async () => {
      const answer = await raw('/account', { headers: { 'sec-fetch-dest': 'document' } });
      const state = answer.headers['set-cookie'].find((one) => one.startsWith('__Host-hub_state=')).split(';')[0];
      return { cookie: state, state: state.split('=')[1] };
    };
    const back = async (payload, header) => {
      const { token: signed } = await lever('sign', { payload, header });
      const { cookie: jar, state } = await begin();
      return raw(`/account?__clerk_handshake=${signed}&hub_state=${state}`, { headers: { cookie: jar, 'sec-fetch-dest': 'document' } });
    };
    const uat = `__client_uat=${Math.floor(Date.now() / 1000)}`;
    const good = await back({ handshake: [`__session=${await token('carol')}; Path=/; Domain=evil.example`, `${uat}; Path=/`, 'evil=1; Path=/', '__Host-hub_state=x; Path=/'] });
    assert.equal(good.status, 307);
    const set = good.headers['set-cookie'];
    assert.deepEqual(set.map((one) => one.split('=')[0]).sort(), ['__Host-hub_state', '__client_uat', '__session']);
    assert.ok(set.every((one) => /; Secure; HttpOnly; SameSite=Lax$/.test(one) && !/Domain/i.test(one)));
    for (const [what, payload, header] of [
      ['a forged session', { handshake: [`__session=${(await token('carol')).slice(0, -4)}AAAA; Path=/`] }],
      ['a session of another class', { handshake: [`__session=${await token('carol', { header: Buffer.from('{"cat":"cl_B7d4PD222AAA"}').toString('base64url') })}; Path=/`] }],
      ['an odd value', { handshake: [`${uat}%0d%0aset-cookie:x; Path=/`] }],
      ['no list', { handshake: 'x' }],
      ['a template token', { handshake: [`${uat}; Path=/`] }, { cat: 'cl_B7d4PD222AAA' }],
    ]) {
      const answer = await back(payload, header);
      assert.equal(answer.status, 401, what);
      assert.equal(answer.json.code, 'HUB107', what);
      assert.equal(answer.headers['set-cookie'], undefined, what);
    }
  });
});

describe('the pages', () => {
  test('are no wider than a phone, in light and dark, and need no script', async () => {
    for (const colorScheme of ['light', 'dark']) {
      const { context: first } = await signedIn('alice');
      const state = await first.storageState();
      for (const viewport of [{ width: 360, height: 740 }, { width: 1280, height: 800 }]) {
        const context = await browser.newContext({ ignoreHTTPSErrors: true, storageState: state, colorScheme, viewport, javaScriptEnabled: true });
        const page = await context.newPage();
        const errors = [];
        page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
        for (const path of ['/account', '/sign-out']) {
          await page.goto(`${hub}${path}`);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${path} at ${viewport.width}`);
          if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${path.slice(1)}-${viewport.width}-${colorScheme}.png` });
        }
        assert.deepEqual(errors, []);
        await context.close();
      }
      await first.close();
    }
  });

  test('L-3: a page with a session leaves a request row', async () => {
    const { context } = await signedIn('carol');
    await until('the row', async () =>
      (await sql("select from hub.request_log where route = '/account' and method = 'GET' and who = 'customer' and actor_id = $1 and outcome = 'allowed'", [CAROL])).length > 0);
    await context.close();
  });
});
