// `make soak`: checks that an isolate retains nothing of a request: WebAssembly memory, its tables and the JavaScript
// heap, read with V8's inspector after a garbage collection, while one workerd processes REQUESTS of each kind.
//
// In the second half of each kind nothing may grow: caches are full by then (their limit is 1024 entries).

import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitUntil, port } from '../dev/ports.mjs';
import { start } from '../dev/process.mjs';
import { startClerk } from '../dev/fake-clerk.mjs';
import { keys as throwAway } from '../dev/keys.mjs';
import { AS_TLS, startWorkerd } from '../dev/workerd.mjs';

const LANES = 16;
const PAGE = 64 * 1024;

/** Kinds of requests, each with a function that makes one of them; `token` returns a session token. */
export function kinds(token) {
  const bearer = async (persona, unlike) => ({ authorization: `Bearer ${await token(persona, unlike)}` });
  const read = '/rest/v1/contact_tickets?select=id&limit=20';
  const why = { 'x-hub-purpose': 'support', 'if-match': '*' };
  const json = { 'content-type': 'application/json' };
  const one = '?id=eq.00000000-0000-4000-8000-000000000010';
  return {
    'customer read': async () => ({ path: read, headers: await bearer('alice') }),
    'staff read': async () => ({ path: read, headers: { ...(await bearer('support')), ...why } }),
    'staff change': async () => ({
      method: 'PATCH',
      path: `/rest/v1/leads${one}`,
      headers: { ...(await bearer('sales')), ...why, ...json },
      body: '{"notes":"x"}',
    }),
    'refused query': async () => ({ path: '/rest/v1/contact_tickets?odd=odd', headers: await bearer('alice') }),
    'no token': async () => ({ path: read, headers: {} }),
    page: async () => ({ path: '/security', headers: {} }),
    health: async () => ({ path: '/healthz', headers: {} }),
    webhook: async () => ({
      method: 'POST',
      path: '/webhooks/clerk',
      headers: { ...json, 'svix-id': 'x', 'svix-timestamp': '1', 'svix-signature': 'v1,x' },
      body: '{}',
    }),
    'never-seen token': async (n) => ({ path: read, headers: await bearer('alice', n) }),
    'account page': async () => ({
      path: '/account',
      headers: {
        accept: 'text/html',
        'sec-fetch-dest': 'document',
        cookie: `__session=${await token('alice')}; __client_uat=1`,
      },
    }),
  };
}

/** Starts a Hub in its own workerd, with a stub for the database and the queue, and the stand-in for Clerk. */
export async function isolate({ folder, modules = ['build/index.js', 'build/index_bg.wasm'] }) {
  const ending = [];
  const keys = await throwAway(folder);
  const [stubPort, clerkPort, hubPort, inspector] = await Promise.all(
    ['stub', 'clerk', 'soak', 'inspector'].map((what, place) => port(what, 24800 + 10 * place)),
  );
  const stub = start(process.execPath, [fileURLToPath(new URL('stub.mjs', import.meta.url)), String(stubPort)], {
    log: path.join(folder, 'stub.log'),
  });
  ending.push(stub.stop);
  const origin = 'https://hub.example';
  const publishableKey = `pk_test_${Buffer.from(`127.0.0.1:${clerkPort}$`).toString('base64')}`;
  const clerk = await startClerk({
    port: clerkPort,
    party: () => origin,
    publishableKey,
    onReset: () => {},
    ...keys.clerk,
  });
  ending.push(clerk.stop);
  const urls = { stub: `http://127.0.0.1:${stubPort}`, clerk: `http://127.0.0.1:${clerkPort}` };
  await waitUntil('the stub', async () => (await fetch(urls.stub)).ok);
  const vars = {
    HUB_ENV: 'local',
    HUB_ORIGIN: origin,
    CLERK_AUTHORIZED_PARTIES: origin,
    CLERK_PUBLISHABLE_KEY: publishableKey,
    CLERK_ISSUER: urls.clerk,
    CLERK_JWKS_URL: `${urls.clerk}/.well-known/jwks.json`,
    CLERK_API_URL: urls.clerk,
    CLERK_ACCOUNTS_URL: urls.clerk,
    CLERK_SECRET_KEY: keys.clerk.secretKey,
    CLERK_WEBHOOK_SECRETS: keys.clerk.webhookSecret,
    SUPABASE_URL: urls.stub,
    SUPABASE_PUBLISHABLE_KEY: keys.publishable,
    HUB_SIGNING_KEYS: keys.signing,
  };
  const worker = await startWorkerd({
    name: 'soak',
    port: hubPort,
    folder: path.join(folder, 'workerd'),
    modules,
    vars,
    queue: `127.0.0.1:${stubPort}`,
    inspector,
  });
  ending.push(worker.stop);
  const held = {};
  const token = async (persona, unlike) => {
    if (unlike !== undefined) {
      const claims = Buffer.from(JSON.stringify({ jti: `soak${unlike}` })).toString('base64url');
      return (await (await fetch(`${urls.clerk}/dev/token/${persona}?claims=${claims}`)).json()).token;
    }
    if (!held[persona] || held[persona].until < Date.now()) {
      const response = await (await fetch(`${urls.clerk}/dev/token/${persona}`)).json();
      held[persona] = { token: response.token, until: Date.now() + 30_000 };
    }
    return held[persona].token;
  };
  return {
    worker,
    inspector,
    token,
    urls,
    stop: async () => {
      for (const end of ending.reverse()) await end();
    },
  };
}

/** Sends `count` requests of one kind; returns the number of each status. */
export async function send(worker, make, count) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: LANES });
  const statuses = {};
  let sent = 0;
  const lane = async () => {
    while (sent < count) {
      sent += 1;
      const { method = 'GET', path: wanted, headers, body } = await make(sent);
      const status = await new Promise((resolve, reject) => {
        const request = http.request(
          worker.url + wanted,
          { agent, method, headers: { host: 'hub.example', ...AS_TLS, ...headers } },
          (response) => {
            response.resume();
            response.on('end', () => resolve(response.statusCode));
          },
        );
        request.on('error', reject);
        request.end(body);
      });
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  agent.destroy();
  return statuses;
}

/** Returns the use after a garbage collection: bytes of WebAssembly memory, table entries, bytes of the heap. */
export async function holds(inspector) {
  const [target] = await (await fetch(`http://127.0.0.1:${inspector}/json`)).json();
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('no inspector'));
  });
  const waiting = new Map();
  let contextId;
  socket.onmessage = ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(data);
    if (method === 'Runtime.executionContextCreated') contextId = params.context.id;
    waiting.get(id)?.(error ? Promise.reject(new Error(error.message)) : result);
  };
  let last = 0;
  const sendCommand = (method, params = {}) =>
    new Promise((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  const all = async (kind, what) => {
    const { result } = await sendCommand('Runtime.evaluate', {
      expression: `WebAssembly.${kind}.prototype`,
      contextId,
    });
    const { objects } = await sendCommand('Runtime.queryObjects', { prototypeObjectId: result.objectId });
    const { result: sum } = await sendCommand('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: `function () { return [...this].reduce((sum, one) => sum + ${what}, 0) }`,
      returnByValue: true,
    });
    return sum.value;
  };
  try {
    await sendCommand('Runtime.enable');
    await sendCommand('Runtime.discardConsoleEntries');
    // Querying objects collects garbage first; workerd never runs the task of `HeapProfiler.collectGarbage`.
    const memory = await all('Memory', 'one.buffer.byteLength');
    const entries = await all('Table', 'one.length');
    const { usedSize } = await sendCommand('Runtime.getHeapUsage');
    return { memory, entries, heap: usedSize };
  } finally {
    socket.close();
  }
}

/**
 * Sends a kind in four quarters; `grown` is the growth in the second half, and of WebAssembly memory that of the third or
 * the fourth quarter, whichever is less: a cache that fills adds pages once, a leak adds them in each.
 */
export async function soak({ worker, inspector }, make, count) {
  const statuses = [];
  const samples = [];
  for (let quarter = 0; quarter < 4; quarter += 1) {
    statuses.push(await send(worker, make, Math.ceil(count / 4)));
    // Rows of the last requests are gathered for 20 ms.
    await new Promise((next) => setTimeout(next, 300));
    samples.push(await holds(inspector));
  }
  const [, half, third, end] = samples;
  return {
    statuses,
    samples,
    grown: {
      pages: Math.min(third.memory - half.memory, end.memory - third.memory) / PAGE,
      entries: end.entries - half.entries,
      heap: end.heap - half.heap,
    },
  };
}

/** Returns whether nothing is retained: a leak retains a closure, more than 100 bytes of heap, of each request. */
export function isFlat(grown, count) {
  return grown.pages <= 1 && grown.entries === 0 && grown.heap < (count / 2) * 50 + 64 * 1024;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const count = Number(process.env.REQUESTS ?? 50_000);
  const hub = await isolate({
    folder: '.local/soak',
    ...(process.env.MODULES ? { modules: process.env.MODULES.split(',') } : {}),
  });
  let flat = true;
  try {
    console.log(`${count} requests of each kind; growth during the second half\n`);
    console.log('| kind | statuses | wasm pages | table entries | heap KiB |');
    console.log('| --- | --- | --: | --: | --: |');
    for (const [kind, make] of Object.entries(kinds(hub.token))) {
      if (process.env.KIND && process.env.KIND !== kind) continue;
      const { statuses, grown } = await soak(hub, make, count);
      console.log(
        `| ${kind} | ${Object.keys(statuses[3])} | ${grown.pages} | ${grown.entries} | ${(grown.heap / 1024).toFixed(0)} |`,
      );
      flat &&= isFlat(grown, count);
    }
  } finally {
    await hub.stop();
  }
  console.log(flat ? '\nno growth' : '\nthe isolate grows');
  process.exit(flat ? 0 : 1);
}
