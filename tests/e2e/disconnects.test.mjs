// Clients that disconnect before the response (L-3): each of their requests has its row all the same, and so has every
// other one.
//
// workerd ends a request's context when its client has disconnected and nothing is in waitUntil
// (`WorkerEntrypoint::request` in cloudflare/workerd, src/workerd/io/worker-entrypoint.c++); production does so at
// once. tests/integration/cancellation.rs covers every await.

import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { port } from '../../dev/ports.mjs';
import { AS_TLS, startWorkerd } from '../../dev/workerd.mjs';
import { FOLDER, database_is, sql, stack, token, until } from './client.mjs';

const READ = 'contact_tickets?select=id&limit=1';

/** Sends one request, whose client disconnects after that many milliseconds; returns the id that the client gave it. */
function leaving(base, { path = READ, method = 'GET', headers = {}, body, afterMs }, { ca, host }) {
  const url = new URL(base);
  const id = randomUUID();
  return new Promise((resolve) => {
    const client = url.protocol === 'https:' ? https : http;
    const transportHeaders = url.protocol === 'https:' ? {} : { ...AS_TLS, host };
    const request = client.request(
      {
        host: url.hostname,
        port: url.port,
        path: `/rest/v1/${path}`,
        method,
        ca,
        headers: { ...transportHeaders, ...headers, 'x-request-id': id },
      },
      (response) => {
        response.resume();
        response.on('close', () => resolve(id));
      },
    );
    request.on('error', () => resolve(id));
    // By a reset, which workerd sees at once; it notices a closed connection only when it writes.
    if (afterMs !== undefined)
      setTimeout(() => (url.protocol === 'https:' ? request.destroy() : request.socket.resetAndDestroy()), afterMs);
    request.end(body);
  });
}

/** Returns the rows of these requests, by the clients' ids of them, once all exist. */
async function rows(ids) {
  const found = () =>
    sql(
      'select client_request_id, status, count(*)::int as times from hub.request_log where client_request_id = any($1) and status is not null group by 1, 2',
      [ids],
    );
  try {
    return await until(
      'a row for each',
      async () => {
        const all = await found();
        return all.length >= ids.length && all;
      },
      15,
    );
  } catch (error) {
    throw new Error(`${(await found()).length} of ${ids.length} rows`, { cause: error });
  }
}

for (const kind of ['wrangler, with its queue', 'workerd, without one']) {
  describe(`L-3: clients that disconnect, ${kind}`, () => {
    let base;
    let bare;
    let edge;
    before(async () => {
      const running = await stack();
      edge = { ca: running.certificate, host: new URL(running.vars.HUB_ORIGIN).host };
      if (kind.startsWith('workerd')) {
        bare = await startWorkerd({
          name: 'leaving',
          port: await port('workerd', 24985),
          folder: `${FOLDER}/workerd`,
          modules: ['build/index.js', 'build/index_bg.wasm'],
          vars: running.vars,
        });
      }
      base = bare?.url ?? running.urls.hub;
    });
    after(() => bare?.stop());
    afterEach(() => database_is('ok'));
    const headers = async (persona) => ({
      authorization: `Bearer ${await token(persona)}`,
      'x-hub-purpose': 'support',
      'if-match': '*',
    });

    test('reads whose client disconnects while the database works have their rows', async () => {
      const [alice, support] = [await headers('alice'), await headers('support')];
      await leaving(base, { headers: alice }, edge);
      await database_is('slow', { delayMs: 1500 });
      const left = [];
      for (let n = 0; n < 6; n += 1) left.push(leaving(base, { headers: n % 2 ? support : alice, afterMs: 400 }, edge));
      const ids = await Promise.all(left);
      await database_is('ok');
      assert.deepEqual(
        (await rows(ids)).map(({ status, times }) => [status, times]),
        Array(6).fill([200, 1]),
      );
    });

    test('a change whose client disconnected has one row, with its status', async () => {
      const [lead] = await sql('select id from hub.leads limit 1');
      const sales = await headers('sales');
      await leaving(base, { headers: sales, path: 'leads?select=id&limit=1' }, edge);
      await database_is('slow', { delayMs: 1000 });
      const change = {
        path: `leads?id=eq.${lead.id}`,
        method: 'PATCH',
        headers: { ...sales, 'content-type': 'application/json' },
        body: '{"notes":"left"}',
        afterMs: 400,
      };
      const id = await leaving(base, change, edge);
      assert.deepEqual(
        (await rows([id])).map(({ status, times }) => [status, times]),
        [[204, 1]],
      );
    });

    test('in a burst of which half of the clients disconnect, each request has one row', async () => {
      const [alice, support] = [await headers('alice'), await headers('support')];
      await leaving(base, { headers: alice }, edge);
      // Long enough for each request to reach the Hub through Wrangler's proxy on a busy machine: one that does not has no row.
      await database_is('slow', { delayMs: 2000 });
      const kinds = [{ headers: alice }, { headers: support }, {}, { headers: alice, path: 'contact_tickets?odd=odd' }];
      const burst = Array.from({ length: 64 }, (_, n) =>
        leaving(base, { ...kinds[n % 4], ...(n % 8 < 4 ? { afterMs: 1000 + 10 * n } : {}) }, edge),
      );
      const ids = await Promise.all(burst);
      await database_is('ok');
      const found = await rows(ids);
      assert.equal(found.length, 64);
      assert.ok(found.every(({ times }) => times === 1));
    });
  });
}
