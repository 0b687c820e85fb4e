// A browser app of another origin against the local stack: clerk-js at the stand-in, supabase-js at the Hub, CORS
// between them all.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { waitUntil, port } from '../../dev/ports.mjs';
import { query } from '../../dev/postgres.mjs';
import { start } from '../../dev/process.mjs';
import { startStack } from '../../dev/stack.mjs';
import { deleteWhenPassed } from '../database/helpers/harness.mjs';
import { template } from '../database/template.mjs';
import { launch } from '../e2e/browser.mjs';
import { at } from './supervisor.mjs';

const FOLDER = '.local/dev-app';
const APP = 'examples/browser-app';

describe('examples/browser-app', () => {
  let stack, vite, foreign, browser, origin, elsewhere;

  before(async () => {
    const [own, other] = [await port('the app', 5283), await port('another app', 5293)];
    [origin, elsewhere] = [`http://localhost:${own}`, `http://localhost:${other}`];
    deleteWhenPassed(`${FOLDER}/postgres`);
    stack = await startStack({ dataDir: FOLDER, from: template(17), fresh: true, shift: 550, origins: [origin] });
    const { urls, keys, vars } = stack;
    const env = {
      VITE_HUB_URL: urls.hub,
      VITE_HUB_KEY: keys.publishable,
      VITE_CLERK_PUBLISHABLE_KEY: vars.CLERK_PUBLISHABLE_KEY,
      VITE_CLERK_PROXY_URL: urls.clerk,
    };
    const serve = async (name, on) => {
      const part = start(
        process.execPath,
        ['node_modules/vite/bin/vite.js', '--host', 'localhost', '--port', String(on), '--strictPort'],
        { cwd: APP, env, log: path.resolve(FOLDER, `logs/${name}.log`) },
      );
      await waitUntil(name, async () => (await fetch(`http://localhost:${on}/`)).ok, { failed: part.why });
      return part;
    };
    [vite, foreign] = [await serve('vite', own), await serve('vite-elsewhere', other)];
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await Promise.all([vite?.stop(), foreign?.stop()]);
    await stack?.stop();
  });

  /** Opens a page of a new browser; its console messages are in `errors`. */
  async function open(url) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const errors = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(url);
    return { context, page, errors };
  }
  const lever = (name, body) =>
    fetch(`${stack.urls.clerk}/dev/${name}`, { method: 'POST', body: JSON.stringify(body) });
  const sql = async (text) => (await query(stack.urls.database, text)).rows;

  test('signs in, lists, opens a ticket, continues when its token has expired, signs out', async () => {
    await lever('instance', { life: 3 });
    const { page, errors } = await open(origin);
    const sent = [];
    page.on(
      'request',
      (request) => request.url().startsWith(stack.urls.hub) && request.method() !== 'OPTIONS' && sent.push(request),
    );
    try {
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(`${stack.urls.clerk}/**`);
      assert.match(page.url(), /__clerk_db_jwt=/);
      await page.getByRole('link', { name: 'carol', exact: true }).click();
      await page.waitForURL(`${origin}/**`);
      await page.locator('li').first().waitFor();
      assert.equal(await page.locator('li').count(), 20);
      assert.doesNotMatch(page.url(), /__clerk/);

      await page.getByLabel('Subject').fill('From the browser');
      await page.getByLabel('What happened?').fill('It was opened by the example.');
      await page.getByRole('button', { name: 'Open a ticket' }).click();
      await page.getByText('Opened: From the browser').waitFor();
      assert.equal(await page.locator('li').first().textContent(), 'From the browser (open)');
      const stored = await sql(
        "select owner_id, author_id from hub.contact_tickets where subject = 'From the browser'",
      );
      assert.deepEqual(stored, [
        { owner_id: 'user_2hubcarol0000000000000003', author_id: 'user_2hubcarol0000000000000003' },
      ]);

      // The first token names this origin, and the Hub rejects it once it has expired; the app then sends another.
      const first = await sent[0].headerValue('authorization');
      assert.equal(JSON.parse(Buffer.from(first.split('.')[1], 'base64url')).azp, origin);
      const again = () =>
        page.evaluate(
          async ([url, authorization]) => (await fetch(url, { headers: { authorization } })).status,
          [`${stack.urls.hub}/rest/v1/chat_threads?limit=1`, first],
        );
      await waitUntil('the end of the first token', async () => (await again()) === 401, { every: 500 });
      await page.getByRole('button', { name: 'Show again' }).click();
      await page.getByText('Shown again').waitFor();
      assert.equal(await page.locator('li').count(), 20);
      assert.notEqual(await sent.at(-1).headerValue('authorization'), first);

      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      assert.deepEqual(await sql("select cause from hub.revoked_sessions where cause = 'ended'"), [{ cause: 'ended' }]);
      assert.deepEqual(
        errors.filter((text) => !text.includes('401')),
        [],
      );
    } catch (error) {
      throw new Error(
        `${error.message}\nconsole: ${errors.join('\n')}\npage: ${await page.content().catch(() => '')}`,
        {
          cause: error,
        },
      );
    } finally {
      await page.context().close();
    }
  });

  test('is rejected everywhere from an origin that is not listed', async () => {
    const { context, page, errors } = await open(elsewhere);
    const token = (await (await fetch(`${stack.urls.clerk}/dev/token/carol`)).json()).token;
    const fetchInPage = (url, headers) =>
      page.evaluate(
        async ([address, more]) =>
          fetch(address, { headers: more }).then(
            (response) => response.status,
            (error) => error.message,
          ),
        [url, headers],
      );
    assert.equal(
      await fetchInPage(`${stack.urls.hub}/rest/v1/contact_tickets?limit=1`, { authorization: `Bearer ${token}` }),
      'Failed to fetch',
    );
    assert.equal(await fetchInPage(`${stack.urls.clerk}/v1/client`, {}), 'Failed to fetch');
    assert.ok(
      errors.some((text) => text.includes('CORS')),
      errors.join('\n'),
    );
    assert.equal(await page.locator('li').count(), 0);
    await context.close();
    const [{ rows }] = await sql("select count(*)::int as rows from hub.request_log where method = 'OPTIONS'");
    assert.equal(rows, 0);
  });

  test('has the types of a customer', () => {
    const done = spawnSync(path.resolve(APP, 'node_modules/.bin/tsc'), ['-p', APP], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(done.status, 0, done.stdout + done.stderr);
  });

  test('accepts http on loopback alone, and reports that', () => {
    for (const origins of [
      'http://elsewhere.example',
      'http://localhost:5173/app',
      'localhost:5173',
      'ftp://localhost',
      'http://127.0.0.1.example:1',
    ]) {
      const { env, command } = at('.local/dev-app-refused', 590);
      env.ORIGINS = `http://localhost:5173,${origins}`;
      const refused = command();
      assert.equal(refused.status, 1, origins);
      assert.match(refused.stderr, /ORIGINS: .* is not an https origin, nor an http one on loopback/);
    }
  });
});
