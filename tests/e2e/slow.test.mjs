// Responses that take longer than the timeout of their heads, while the queue and the request log never respond, so
// that the request itself continues (src/runtime/workers/fetch.rs). A forwarded body is forwarded completely, and
// cancelled when its client disconnects; a body that the Hub reads itself has a time limit, and is cancelled at it.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { port } from '../../dev/ports.mjs';
import { AS_TLS, startWorkerd } from '../../dev/workerd.mjs';
import { stack, token, until } from './client.mjs';

const PARTS = 7;
const BETWEEN_MS = 2000;
const LONG = Buffer.alloc(32 * 1024 * 1024, ' ');

/** A server for queue and database; a read selects its response by its `limit`, and `ended` has the end of each. */
async function startSlow(listening) {
  const ended = {};
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const kinds = {
    1: { name: 'part by part' },
    2: { name: 'left' },
    3: { name: 'no byte' },
    4: { name: 'error', status: 400 },
    5: { name: 'long' },
    6: { name: 'short' },
  };
  const server = http.createServer(async (request, response) => {
    request.resume();
    const { pathname, searchParams } = new URL(request.url, 'http://slow.example');
    if (pathname === '/message' || pathname.endsWith('/record_requests')) return;
    const { name, status = 200 } = kinds[searchParams.get('limit')] ?? { name: pathname };
    response.on('close', () => {
      ended[name] = response.writableFinished ? 'whole' : 'cancelled';
    });
    response.writeHead(status, json);
    response.flushHeaders();
    if (name === 'error') response.write('{');
    if (name === 'no byte' || name === 'error') return;
    if (name === 'long') return response.end(Buffer.concat([Buffer.from('[]'), LONG]));
    if (name === 'short') return response.end('[]');
    for (let part = 0; part < PARTS && !response.destroyed; part += 1) {
      response.write(part === 0 ? '[0' : `,${part}`);
      await wait(BETWEEN_MS);
    }
    response.end(']');
  });
  await new Promise((resolve) => server.listen(listening, '127.0.0.1', resolve));
  return {
    ended,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe('L-3: a response that takes longer than the timeout for its head', { concurrency: true }, () => {
  let slow;
  let worker;
  let host;
  before(async () => {
    const { vars } = await stack();
    host = new URL(vars.HUB_ORIGIN).host;
    const listening = await port('upstream', 24992);
    slow = await startSlow(listening);
    worker = await startWorkerd({
      name: 'slow',
      port: await port('workerd', 24993),
      folder: '.local/test/workerd',
      modules: ['build/index.js', 'build/index_bg.wasm'],
      vars: { ...vars, SUPABASE_URL: `http://127.0.0.1:${listening}` },
      queue: `127.0.0.1:${listening}`,
    });
  });
  after(async () => {
    await worker?.stop();
    slow?.stop();
  });

  /** Sends one read; returns its response as soon as the head is received. */
  const head = async (limit, { persona = 'alice', path = 'contact_tickets?select=id' } = {}) => {
    const headers = { ...AS_TLS, host, authorization: `Bearer ${await token(persona)}`, 'x-hub-purpose': 'support' };
    return new Promise((resolve, reject) => {
      const request = http.get(
        `${worker.url}/rest/v1/${path}&limit=${limit}`,
        { headers, agent: false },
        (response) => {
          // A body may be aborted before it is read.
          response.on('error', () => {});
          resolve(response);
        },
      );
      request.on('error', reject);
    });
  };
  /** Returns the remaining body as text, with a mark if it was aborted. */
  const rest = (response) =>
    new Promise((resolve) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('close', () => resolve(response.complete ? text : `${text.slice(0, 100)} broke off`));
      response.resume();
      if (response.closed) resolve('broke off');
    });
  const cancelled = (name) =>
    until(`${name}: cancelled`, async () => slow.ended[name], 20).then((how) => assert.equal(how, 'cancelled'));

  test('is forwarded completely', async () => {
    const response = await head(1);
    assert.equal(response.statusCode, 200);
    assert.equal(await rest(response), `[${[...Array(PARTS).keys()]}]`);
  });

  test('is forwarded completely to a client that reads nothing for 12 s, and delays no other request', async () => {
    const response = await head(5);
    response.pause();
    await wait(12_000);
    assert.equal(await rest(await head(6)), '[]');
    assert.equal((await rest(response)).length, LONG.length + 2);
  });

  test('is cancelled when its client disconnects midway', async () => {
    const response = await head(2);
    await new Promise((resolve) => {
      response.once('data', resolve);
    });
    response.socket.resetAndDestroy();
    await cancelled('left');
  });

  test('is cancelled when its client disconnects before the first byte', async () => {
    const response = await head(3);
    response.socket.resetAndDestroy();
    await cancelled('no byte');
  });

  test('has a timeout if the Hub itself reads it, and is then cancelled', async () => {
    const response = await head(4);
    const body = JSON.parse(await rest(response));
    assert.ok(response.statusCode >= 400 && body.code, JSON.stringify(body));
    await cancelled('error');
  });
});
