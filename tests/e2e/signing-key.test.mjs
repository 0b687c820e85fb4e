// The check of a signing key before the Hub signs with it (docs/operations.md, rotations), against the real PostgREST.

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { exportJWK, generateKeyPair } from 'jose';
import { stack } from './client.mjs';

/** Runs the command beside this process: the stand-ins respond from here. */
function check(args, input, options = []) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...options, 'dev/check-signing-key.mjs', ...args]);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += part));
    child.on('close', (status) => resolve({ status, text: text.trim() }));
    child.stdin.end(input);
  });
}

describe('the check of a signing key', () => {
  test('reports a key of the database as trusted, alone and as the first of a set', async () => {
    const { urls, keys } = await stack();
    const [key] = JSON.parse(keys.signing).keys;
    for (const input of [key, { keys: [key] }]) {
      const { status, text } = await check([urls.supabase, keys.publishable], JSON.stringify(input));
      assert.deepEqual([status, text], [0, `${key.kid} is trusted`]);
      assert.ok(!text.includes(key.d));
    }
  });

  test('reports another key as not trusted, whatever its id', async () => {
    const { urls, keys } = await stack();
    const [{ kid }] = JSON.parse(keys.signing).keys;
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const other = await exportJWK(privateKey);
    for (const id of ['another', kid]) {
      const { status, text } = await check([urls.supabase, keys.publishable], JSON.stringify({ ...other, kid: id }));
      assert.equal(status, 1, text);
      assert.match(text, /is not trusted: PGRST3/);
    }
  });

  // A revoked key is checked in the same way: a wrong clock must not lead to the result that it is out of use.
  test('reports no result on a machine whose clock is wrong', async () => {
    const { urls, keys } = await stack();
    const [key] = JSON.parse(keys.signing).keys;
    for (const seconds of [-3600, 3600]) {
      const clock = `const D = Date; globalThis.Date = class extends D { constructor(...a) { if (a.length) super(...a); else super(D.now() + ${seconds}e3); } }`;
      const { status, text } = await check([urls.supabase, keys.publishable], JSON.stringify(key), [
        '--import',
        `data:text/javascript,${encodeURIComponent(clock)}`,
      ]);
      assert.equal(status, 2, text);
      assert.match(text, /clock/);
    }
  });

  test('reports no result without a response or without a key', async () => {
    const { keys } = await stack();
    const [key] = JSON.parse(keys.signing).keys;
    assert.equal((await check(['http://127.0.0.1:9', keys.publishable], JSON.stringify(key))).status, 2);
    assert.equal((await check([], JSON.stringify(key))).status, 2);
    assert.equal((await check(['http://127.0.0.1:9', keys.publishable], 'no key')).status, 2);
  });
});
