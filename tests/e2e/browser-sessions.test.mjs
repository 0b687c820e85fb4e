// I-1, I-2: users in a real browser: sign in, return with an expired token, sign out, get revoked while a page is open;
// and the effects of a foreign link, form or cookie. All of it against a development and a production instance of
// Clerk, which reach the browser by different carriers: URLs there, cookies of the parent domain here.

import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { PRODUCTION_DOMAIN } from '../../dev/keys.mjs';
import { launch } from './browser.mjs';
import { post, raw as request, sql, stack, token as tokenOf, until } from './client.mjs';

const CAROL = 'user_2hubcarol0000000000000003';
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const production of [false, true])
  describe(`with a ${production ? 'production' : 'development'} instance`, () => suite(production));

function suite(production) {
  const clerk = production ? 'clerkLive' : 'clerk';
  const lever = async (path, data) => (await post(clerk, `/dev/${path}`, data)).json();
  const stats = async () => (await fetch(`${(await stack()).urls[clerk]}/dev/stats`)).json();
  const token = (persona, overrides) => tokenOf(persona, overrides, clerk);
  const raw = (path, options = {}) => request(path, { base: hub, ...options });
  /** The time of Clerk's last session change, as its cookie. */
  const uatNow = () => `__client_uat=${Math.floor(Date.now() / 1000)}`;
  /** The cookies of a browser that is neither new nor signed in. */
  const known = production ? [] : ['__clerk_db_jwt=x'];
  let hub;

  before(async () => {
    const { urls, restart } = await stack();
    if (production) for (const name of ['clerkLive', 'production']) await restart(name);
    hub = urls[production ? 'production' : 'hub'];
  });
  after(async () => {
    if (production) for (const name of ['production', 'clerkLive']) await (await stack()).halt(name);
  });
  const tidy = async () => {
    await lever('reset');
    await sql('delete from hub.revoked_sessions');
  };

  /** Returns a browser without cookies, and its page. */
  async function visitor() {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    return { context, page: await context.newPage() };
  }

  /** Signs in as a user does: by the Hub's link and Clerk's page. */
  async function signedIn(persona = 'carol', path = '/account') {
    const one = await visitor();
    await one.page.goto(`${hub}${path}`);
    await one.page.getByRole('link', { name: persona, exact: true }).click();
    await one.page.waitForURL(`${hub}${path}`);
    return one;
  }

  const cookie = async (context, name) => (await context.cookies(hub)).find((one) => one.name === name);

  describe('a user', () => {
    afterEach(tidy);

    test('I-1: signs in at Clerk, comes back to the page they wanted, and the URL has no parameters of it', async () => {
      const { context, page } = await signedIn();
      assert.equal(page.url(), `${hub}/account`);
      assert.match(await page.textContent('main'), new RegExp(CAROL));
      const session = await cookie(context, '__session');
      assert.deepEqual([session.httpOnly, session.secure, session.sameSite], [true, true, 'Lax']);
      assert.equal(await cookie(context, '__Host-hub_state'), undefined);
      await context.close();
    });

    test('I-2: signs out: rejected by the Hub, ended at Clerk, cookies deleted, and the next page requires a sign-in', async () => {
      const { context, page } = await signedIn();
      const bearer = (await cookie(context, '__session')).value;
      const read = async () =>
        (await raw('/rest/v1/contact_tickets?select=id&limit=1', { headers: { authorization: `Bearer ${bearer}` } }))
          .status;
      assert.equal(await read(), 200);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(`${hub}/`);
      assert.equal(await cookie(context, '__session'), undefined);
      assert.equal(await read(), 401, 'the token that was in the cookie');
      await page.goto(`${hub}/account`);
      assert.match(page.url(), /\/sign-in\?/);
      await context.close();
    });

    test('I-2: signs out with a token whose key was removed: gets the error that nothing was ended, and can from a fresh page', async () => {
      const { context, page } = await signedIn();
      const { sid } = JSON.parse(Buffer.from((await cookie(context, '__session')).value.split('.')[1], 'base64url'));
      const forged = `${(await cookie(context, '__session')).value.split('.').slice(0, 2).join('.')}.${'A'.repeat(342)}`;
      const { cookies } = await context.storageState();
      await context.addCookies(
        cookies.filter(({ name }) => name.startsWith('__session')).map((one) => ({ ...one, value: forged })),
      );
      const [response] = await Promise.all([
        page.waitForResponse((one) => one.request().method() === 'POST'),
        page.getByRole('button', { name: 'Sign out' }).click(),
      ]);
      assert.equal(response.status(), 401);
      assert.match(await page.textContent('h1'), /No session was ended/);
      assert.equal((await sql('select 1 from hub.revoked_sessions where subject = $1', [sid])).length, 0);
      await page.goto(`${hub}/account`);
      // The token is rejected and its cookie deleted; Clerk, where the session continues, issues another.
      if (!page.url().endsWith('/account')) await page.getByRole('link', { name: 'carol', exact: true }).click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(`${hub}/`);
      await context.close();
    });

    test('I-2: with a copy of Clerk’s cookie that an older Hub left, signs out and in again', async () => {
      const { context, page } = await signedIn();
      for (const value of ['0', String(Math.floor(Date.now() / 1000) - 600)]) {
        await context.addCookies([{ name: '__client_uat', value, url: hub }]);
        await page.goto(`${hub}/account`);
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.waitForURL(`${hub}/`);
        await page.goto(`${hub}/account`);
        await page.getByRole('link', { name: 'carol', exact: true }).click();
        await page.waitForURL(`${hub}/account`);
      }
      const updates = (await context.cookies(hub)).filter(({ name }) => name === '__client_uat');
      assert.deepEqual(
        updates.map(({ domain }) => domain),
        [production ? `.${PRODUCTION_DOMAIN}` : 'localhost'],
      );
      await context.close();
    });

    test('I-2: is revoked while a page is open: the next click reports it, and the one after requires a sign-in', async () => {
      const { context, page } = await signedIn();
      const { sid } = JSON.parse(Buffer.from((await cookie(context, '__session')).value.split('.')[1], 'base64url'));
      const { urls, keys } = await stack();
      await fetch(`${urls[clerk]}/v1/sessions/${sid}/revoke`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${keys.clerk[production ? 'liveSecretKey' : 'secretKey']}`,
          'clerk-api-version': '2026-05-12',
        },
      });
      await until(
        'the revocation',
        async () => (await sql('select 1 from hub.revoked_sessions where subject = $1', [sid])).length > 0,
      );
      const response = await page.goto(`${hub}/account`);
      assert.equal(response.status(), 401);
      assert.match(await page.textContent('h1'), /session has ended/);
      await page.getByRole('link', { name: 'Sign in' }).click();
      assert.match(page.url(), production ? /clerk\.example\.test.*\/sign-in\?/ : /127\.0\.0\.1.*\/sign-in\?/);
      await context.close();
    });

    test('with an unknown role is shown that they have no access, and can sign out', async () => {
      const { context, page } = await signedIn('nobody');
      assert.match(await page.textContent('dl'), /not recognized: no access/);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(`${hub}/`);
      await context.close();
    });

    test('whose browser stores no cookies gets an error, and no redirect loop', async () => {
      const headers = { 'sec-fetch-dest': 'document', accept: 'text/html' };
      // A production instance has one on the parent domain, which the Hub does not store.
      const jar = production ? [uatNow()] : [];
      const away = await raw('/account', { headers: { ...headers, cookie: jar.join('; ') } });
      assert.equal(away.status, 307);
      const to = new URL(away.headers.location);
      const there = await request(to.pathname + to.search, { base: to.origin });
      const back = new URL(there.headers.location);
      for (const one of there.headers['set-cookie'] ?? []) if (one.includes('Domain=')) jar.push(one.split(';')[0]);
      const response = await raw(back.pathname + back.search, { headers: { ...headers, cookie: jar.join('; ') } });
      assert.equal(response.status, 401);
      assert.match(response.text, /Sign-in could not be completed/);
      // A browser that stores some and not others is redirected at most three times.
      const uat = [uatNow(), ...known, '__clerk_redirect_count=3'].join('; ');
      assert.equal((await raw('/account', { headers: { ...headers, cookie: uat } })).status, 401);
    });
  });

  describe('a user whose token has expired', () => {
    const LATER = {
      nonce: { carrier: 'nonce' },
      token: { carrier: 'token' },
      refresh: { refresh: true },
      'one page': {},
      'several pages': {},
    };
    const signedInUsers = {};

    // Each in its own browser, so that all wait at once.
    before(async () => {
      for (const [name, instance] of Object.entries(LATER)) {
        await lever('instance', { carrier: 'nonce', refresh: false, ...instance, life: 1 });
        signedInUsers[name] = await signedIn();
      }
      // A lifetime of 1 s, and a tolerance of 5 s.
      await new Promise((next) => setTimeout(next, 7000));
    });
    after(tidy);
    const back = async (name) => {
      await lever('instance', { carrier: 'nonce', refresh: false, ...LATER[name], life: 60 });
      return signedInUsers[name];
    };

    for (const carrier of ['nonce', 'token']) {
      test(`I-2: returns: one request to Clerk, by ${carrier}, and the page is shown`, async () => {
        const { context, page } = await back(carrier);
        const old = (await cookie(context, '__session')).value;
        const before = (await stats()).handshakes.length;
        await page.goto(`${hub}/account`);
        assert.equal(page.url(), `${hub}/account`);
        assert.match(await page.textContent('main'), new RegExp(CAROL));
        assert.deepEqual((await stats()).handshakes.slice(before), ['session-token-expired']);
        assert.notEqual((await cookie(context, '__session')).value, old);
        await context.close();
      });
    }

    test('I-2: with a refresh token the page is shown without a redirect to Clerk', async () => {
      const { context, page } = await back('refresh');
      const before = await stats();
      await page.goto(`${hub}/account`);
      assert.match(await page.textContent('main'), new RegExp(CAROL));
      const { handshakes, backend } = await stats();
      assert.equal(handshakes.length, before.handshakes.length);
      assert.ok(backend.slice(before.backend.length).some((line) => line.endsWith('/refresh')));
      await context.close();
    });

    test('I-2: signs out of a page that is open longer than its token is valid: the session ends all the same', async () => {
      const { context, page } = await back('one page');
      const { sid } = JSON.parse(Buffer.from((await cookie(context, '__session')).value.split('.')[1], 'base64url'));
      const bearer = await token('carol', { sid });
      const read = async () =>
        (await raw('/rest/v1/contact_tickets?select=id&limit=1', { headers: { authorization: `Bearer ${bearer}` } }))
          .status;
      assert.equal(await read(), 200);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(`${hub}/`);
      assert.equal(
        (await sql("select 1 from hub.revoked_sessions where subject = $1 and cause = 'ended'", [sid])).length,
        1,
      );
      assert.equal(await read(), 401, 'an API token of the session');
      await assert.rejects(token('carol', { sid }), /404/, 'Clerk gives no more tokens');
      assert.deepEqual(
        (await context.cookies(hub)).filter(({ name }) => /^__(session|client_uat|refresh)/.test(name)),
        [],
      );
      await page.goto(`${hub}/account`);
      assert.match(page.url(), /\/sign-in\?/);
      await context.close();
    });

    test('I-2: opens several pages at once: each is shown', async () => {
      const { context } = await back('several pages');
      const pages = await Promise.all([1, 2, 3].map(() => context.newPage()));
      await Promise.all(pages.map((one) => one.goto(`${hub}/account`)));
      for (const one of pages) {
        assert.match(await one.textContent('main'), new RegExp(CAROL));
        assert.equal(one.url(), `${hub}/account`);
      }
      await context.close();
    });
  });

  describe('an attacker', () => {
    afterEach(tidy);

    test('I-2: a link with another user’s handshake signs no user in', async () => {
      const attacker = await lever('sessions', { persona: 'alice' });
      const session = await token('alice', { sid: attacker.id });
      const { token: handshake } = await lever('sign', {
        payload: {
          handshake: [`__session=${session}; Path=/`, `__client_uat=${Math.floor(Date.now() / 1000)}; Path=/`],
        },
      });
      const { context, page } = await visitor();
      // A sibling host may even set the other carrier.
      if (production)
        await context.addCookies([
          { name: '__clerk_handshake', value: handshake, domain: `.${PRODUCTION_DOMAIN}`, path: '/', secure: true },
        ]);
      for (const query of [
        'hub_state=guessed',
        `__clerk_handshake=${handshake}`,
        `__clerk_handshake=${handshake}&hub_state=guessed`,
      ]) {
        await page.goto(`${hub}/account?${query}`);
        assert.notEqual((await cookie(context, '__session'))?.value, session);
      }
      await context.close();
    });

    test('I-1: a foreign return address is not followed', async () => {
      const invalid = [
        'https://evil.example/',
        '//evil.example',
        '/\\evil.example',
        `https://${new URL(hub).hostname}.evil.example`,
        `${hub}.evil.example/`,
        `${hub}@evil.example`,
        'javascript:alert(1)',
        '/%2F%2Fevil.example',
        '/\t/evil.example',
      ];
      for (const wanted of invalid) {
        for (const path of ['/sign-in', '/sign-up']) {
          const response = await raw(`${path}?redirect_url=${encodeURIComponent(wanted)}`);
          const to = new URL(response.headers.location);
          assert.deepEqual([response.status, to.searchParams.get('redirect_url')], [303, `${hub}/account`], wanted);
        }
      }
      const valid = await raw(`/sign-in?redirect_url=${encodeURIComponent('/security?x=1')}`);
      assert.equal(new URL(valid.headers.location).searchParams.get('redirect_url'), `${hub}/security?x=1`);
    });

    test('a form of another site, or without this session’s token, signs no user out', async () => {
      const { context, page } = await signedIn();
      const jar = (await context.cookies(hub)).map(({ name, value }) => `${name}=${value}`).join('; ');
      await page.goto(`${hub}/sign-out`);
      const valid = await page.getAttribute('input[name=csrf]', 'value');
      const send = (headers, body) =>
        raw('/sign-out', {
          method: 'POST',
          headers: { cookie: jar, 'content-type': 'application/x-www-form-urlencoded', ...headers },
          body,
        });
      for (const [headers, body] of [
        [{}, `csrf=${valid}`],
        [{ origin: 'https://evil.example' }, `csrf=${valid}`],
        [{ origin: 'null' }, `csrf=${valid}`],
        [{ origin: hub, 'sec-fetch-site': 'cross-site' }, `csrf=${valid}`],
        [{ origin: hub, 'sec-fetch-site': 'same-site' }, `csrf=${valid}`],
        [{ origin: hub }, 'csrf='],
        [{ origin: hub }, ''],
        [{ origin: hub }, `csrf=${valid.slice(1)}A`],
      ]) {
        const response = await send(headers, body);
        assert.deepEqual([response.status, response.json.code], [403, 'HUB106'], JSON.stringify([headers, body]));
      }
      assert.equal((await send({ origin: hub }, `csrf=${valid}&password=x`)).json.code, 'HUB309', 'I-1');
      await page.goto(`${hub}/account`);
      assert.match(await page.textContent('main'), new RegExp(CAROL), 'still signed in');
      assert.equal((await send({ origin: hub }, `csrf=${valid}`)).status, 303);
      await context.close();
    });

    test('I-2: a cookie is no credential of the API, and a script’s request is never redirected to Clerk', async () => {
      const { context } = await signedIn();
      const jar = (await context.cookies(hub)).map(({ name, value }) => `${name}=${value}`).join('; ');
      assert.equal((await raw('/rest/v1/contact_tickets?select=id', { headers: { cookie: jar } })).json.code, 'HUB101');
      const uat = [uatNow(), ...known].join('; ');
      for (const headers of [
        { accept: 'application/json' },
        { 'sec-fetch-dest': 'empty', accept: 'text/html' },
        { 'sec-fetch-dest': 'iframe', accept: 'text/html' },
      ]) {
        const response = await raw('/account', { headers: { cookie: uat, ...headers } });
        assert.match(response.headers.location, /\/sign-in\?/);
      }
      const navigation = await raw('/account', {
        headers: {
          cookie: uat,
          'sec-fetch-dest': 'document',
          'x-forwarded-host': 'evil.example',
          host: new URL(hub).host,
        },
      });
      assert.deepEqual([navigation.status, navigation.headers['cache-control']], [307, 'no-store']);
      const to = new URL(navigation.headers.location);
      assert.equal(new URL(to.searchParams.get('redirect_url')).origin, hub, 'whatever a header says of the host');
      assert.equal(to.searchParams.get('__session'), null, 'no token in a URL');
      await context.close();
    });

    test('I-2: the cookies of a handshake are verified before they are set', async () => {
      const begin = async () => {
        const response = await raw('/account', { headers: { 'sec-fetch-dest': 'document', cookie: uatNow() } });
        const state = response.headers['set-cookie'].find((one) => one.startsWith('__Host-hub_state=')).split(';')[0];
        return { cookie: state, state: state.split('=')[1] };
      };
      const back = async (payload, header) => {
        const { token: signed } = await lever('sign', { payload, header });
        const { cookie: jar, state } = await begin();
        return raw(`/account?__clerk_handshake=${signed}&hub_state=${state}`, {
          headers: { cookie: jar, 'sec-fetch-dest': 'document' },
        });
      };
      const uat = `__client_uat=${Math.floor(Date.now() / 1000)}`;
      const set = (response) =>
        (response.headers['set-cookie'] ?? []).filter(
          (one) => !one.includes('Max-Age=0;') && !one.startsWith('__clerk_redirect_count='),
        );
      const updates = [
        '',
        'Domain=evil.example',
        'Domain=test',
        'Domain=clerk.example.test',
        ...(production ? [`Domain=.${PRODUCTION_DOMAIN}`] : []),
      ];
      const valid = await back({
        handshake: [
          `__session=${await token('carol')}; Path=/; Domain=evil.example`,
          ...updates.map((domain) => `${uat}; Path=/; ${domain}`),
          'evil=1; Path=/',
          '__Host-hub_state=x; Path=/',
        ],
      });
      assert.equal(valid.status, 307);
      const brought = set(valid).map((one) =>
        one.replace(/=[^;]*; Path=\/(; Max-Age=31536000)?/, '').replace('; Max-Age=31536000', ''),
      );
      const ofHost = '; Secure; HttpOnly; SameSite=Lax';
      // In production Clerk's own cookie of the parent domain remains the only one; elsewhere all are this host's.
      const update = production
        ? [`__client_uat; Domain=${PRODUCTION_DOMAIN}; Secure; SameSite=Lax`]
        : updates.map(() => `__client_uat${ofHost}`);
      assert.deepEqual(brought, [`__session${ofHost}`, ...update]);
      for (const [what, payload, header] of [
        ['a forged session', { handshake: [`__session=${(await token('carol')).slice(0, -4)}AAAA; Path=/`] }],
        [
          'a session of another class',
          {
            handshake: [
              `__session=${await token('carol', { header: Buffer.from('{"cat":"cl_B7d4PD222AAA"}').toString('base64url') })}; Path=/`,
            ],
          },
        ],
        ['an odd value', { handshake: [`${uat}%0d%0aset-cookie:x; Path=/`] }],
        ['no list', { handshake: 'x' }],
        ['a template token', { handshake: [`${uat}; Path=/`] }, { cat: 'cl_B7d4PD222AAA' }],
      ]) {
        const response = await back(payload, header);
        assert.equal(response.status, 401, what);
        assert.equal(response.json.code, 'HUB107', what);
        assert.deepEqual(set(response), [], what);
      }
    });
  });

  describe('the pages', () => {
    afterEach(tidy);

    test('are no wider than a phone, in light and dark, and need no script', async () => {
      for (const colorScheme of ['light', 'dark']) {
        const { context: first } = await signedIn('alice');
        const state = await first.storageState();
        for (const viewport of [
          { width: 360, height: 740 },
          { width: 390, height: 844 },
          { width: 1440, height: 900 },
        ]) {
          const context = await browser.newContext({
            ignoreHTTPSErrors: true,
            storageState: state,
            colorScheme,
            viewport,
            javaScriptEnabled: true,
          });
          const page = await context.newPage();
          const errors = [];
          page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
          for (const path of ['/account', '/sign-out']) {
            await page.goto(`${hub}${path}`);
            assert.ok(
              await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
              `${path} at ${viewport.width}`,
            );
            if (process.env.SCREENSHOTS)
              await page.screenshot({
                fullPage: true,
                path: `${process.env.SCREENSHOTS}/${path.slice(1)}-${viewport.width}-${colorScheme}.png`,
              });
          }
          assert.deepEqual(errors, []);
          await context.close();
        }
        await first.close();
      }
    });

    test('L-3: a page with a session leaves a request row', async () => {
      const { context } = await signedIn('carol');
      await until(
        'the row',
        async () =>
          (
            await sql(
              "select from hub.request_log where route = '/account' and method = 'GET' and who = 'customer' and actor_id = $1 and outcome = 'allowed'",
              [CAROL],
            )
          ).length > 0,
      );
      await context.close();
    });
  });
}
