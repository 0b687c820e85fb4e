// The behaviour of workerd when an idle keep-alive connection to the database dies: it repeats a request without a body
// on a new one (capnproto#2785), so that a change could be made twice. Each method, against a raw upstream that cuts
// its idle connections before and after the head of the response.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { port } from '../../dev/ports.mjs';
import { AS_TLS, startWorkerd } from '../../dev/workerd.mjs';
import { FOLDER, stack, token } from './client.mjs';

/**
 * An upstream that implements HTTP/1.1 itself and keeps connections alive; `cut` is the moment at which it drops a
 * reused one.
 */
async function startUpstream(listening) {
  const received = [];
  let cut = null;
  const response = (method) => (method === 'GET' ? '[]' : '');
  const server = net.createServer((socket) => {
    let [text, used] = ['', false];
    socket.on('error', () => {});
    socket.on('data', (part) => {
      text += part.toString('latin1');
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = text.slice(0, end);
        const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        const [method, path] = head.split(' ');
        text = text.slice(end + 4 + length);
        received.push({ method, path, length, used });
        const body = response(method);
        const rawResponse = `HTTP/1.1 ${body ? 200 : 204} OK\r\ncontent-type: application/json\r\n${body ? `content-length: ${body.length}\r\n` : ''}\r\n${body}`;
        if (used && cut === 'before the head') return socket.destroy();
        if (used && cut === 'within the head') {
          socket.end(rawResponse.slice(0, 20));
          return;
        }
        if (used && cut === 'after the head') {
          socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n[');
          return;
        }
        used = true;
        socket.write(rawResponse);
      }
    });
  });
  await new Promise((resolve) => server.listen(listening, '127.0.0.1', resolve));
  return {
    cut: (when) => {
      cut = when;
    },
    received: () => received.splice(0).filter(({ path }) => !path.includes('record_requests')),
    stop: () => server.close(),
  };
}

/** Sends one request; an interrupted response is returned as far as it arrived, with status 0 before a head. */
function sendRequest(url, options, body) {
  return new Promise((resolve) => {
    const request = http.request(url, options, (response) => {
      let text = '';
      const done = () => {
        let json;
        try {
          json = JSON.parse(text);
        } catch {
          // Not JSON: `json` stays undefined.
        }
        resolve({ status: response.statusCode, text, json });
      };
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', done);
      response.on('error', done);
    });
    request.on('error', (error) => resolve({ status: 0, text: error.message }));
    request.end(body);
  });
}

describe('a keep-alive connection that dies', () => {
  let upstream;
  let worker;
  let host;
  before(async () => {
    const { vars } = await stack();
    host = new URL(vars.HUB_ORIGIN).host;
    const listening = await port('upstream', 24990);
    upstream = await startUpstream(listening);
    worker = await startWorkerd({
      name: 'connections',
      port: await port('workerd', 24991),
      folder: `${FOLDER}/workerd`,
      modules: ['build/index.js', 'build/index_bg.wasm'],
      vars: { ...vars, SUPABASE_URL: `http://127.0.0.1:${listening}` },
    });
  });
  after(async () => {
    await worker?.stop();
    upstream?.stop();
  });

  const one = 'leads?id=eq.00000000-0000-4000-8000-000000000001';
  const kinds = {
    GET: { path: 'leads?select=id&limit=1' },
    HEAD: { path: 'leads?select=id&limit=1' },
    DELETE: { path: one },
    PATCH: { path: one, body: '{"notes":"x"}' },
    POST: { path: 'contact_tickets', body: '{"subject":"x"}', persona: 'alice' },
  };
  const send = async (method) => {
    const { path, body, persona = 'admin' } = kinds[method];
    const headers = {
      ...AS_TLS,
      host,
      authorization: `Bearer ${await token(persona)}`,
      'x-hub-purpose': 'support',
      'x-hub-reason': 'a test',
      'if-match': '*',
      ...(body ? { 'content-type': 'application/json' } : {}),
    };
    return sendRequest(`${worker.url}/rest/v1/${path}`, { method, headers }, body);
  };

  for (const method of Object.keys(kinds)) {
    for (const when of ['before the head', 'within the head', 'after the head']) {
      test(`${method}, cut ${when}: a change reaches the database once`, async () => {
        upstream.cut(null);
        await send('GET');
        upstream.received();
        upstream.cut(when);
        const response = await send(method);
        upstream.cut(null);
        const received = upstream.received().filter((request) => request.method === method);
        assert.ok(
          received.some(({ used }) => used),
          `no kept connection was used: ${JSON.stringify(received)} ${response.text}`,
        );
        if (!['GET', 'HEAD'].includes(method)) {
          assert.equal(received.length, 1, `${response.status} ${response.text}: ${JSON.stringify(received)}`);
          assert.ok(received[0].length > 0, 'without a body, workerd repeats it');
          // The outcome of the change is unknown, and is not reported as success.
          if (when !== 'after the head') assert.deepEqual([response.status, response.json?.code], [502, 'HUB401']);
        }
      });
    }
  }
});
