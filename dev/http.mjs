// Shared by the stand-ins: a loopback server of JSON responses that can be stopped with its connections.

import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

/** A look-up for `http.request` that resolves every name to loopback: the local stack's names are in no DNS. */
export const loopback = (_, { all }, found) =>
  all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4);

/**
 * Serves on loopback, over TLS with the files of `tls`; `handle(request, response, url)` may throw, which is a 500 with
 * a log line.
 */
export async function serve(port, handle, log = () => {}, tls = null) {
  const listener = async (request, response) => {
    try {
      await handle(request, response, new URL(request.url, `http://127.0.0.1:${port}`));
    } catch (error) {
      log(`${request.method} ${request.url}: ${error.stack}`);
      if (!response.headersSent) json(response, 500, { error: 'the stand-in failed' });
      else response.destroy();
    }
  };
  const server = tls
    ? https.createServer({ key: fs.readFileSync(tls.key), cert: fs.readFileSync(tls.cert) }, listener)
    : http.createServer(listener);
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** Sends a JSON response. */
export function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
}

/** Reads a small JSON body; an empty one is `{}`. */
export async function body(request) {
  let text = '';
  for await (const part of request) {
    text += part;
    if (text.length > 65_536) throw new Error('body too long');
  }
  return text ? JSON.parse(text) : {};
}
