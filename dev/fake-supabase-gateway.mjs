// A proxy that gives PostgREST Supabase's shape: the /rest/v1 prefix, `apikey` required, the OpenAPI root closed. Tests
// also make it fail here, and read here what reached the database.

import http from 'node:http';
import { body, json, serve } from './http.mjs';

const BROWSER = /Mozilla|Chrome|Safari/;
const MAX_REQUESTS = 1000;

/** Starts the proxy in front of a PostgREST. */
export async function startSupabase({ port, postgrestPort, publishable, log = () => {} }) {
  let mode = { mode: 'ok' };
  let requests = [];
  const alerts = [];

  const control = {
    'POST /dev/upstream': async (request, response) => {
      const wanted = await body(request);
      if (!['ok', 'down', 'slow', 'garbage', 'hang', 'redirect', 'flaky'].includes(wanted.mode))
        return json(response, 400, { error: 'no such mode' });
      mode = wanted;
      json(response, 200, mode);
    },
    'GET /dev/upstream': (_, response) => json(response, 200, mode),
    // An incoming webhook, as of a chat: it receives the Hub's alerts to an operator.
    'POST /dev/alerts': async (request, response) => {
      alerts.push(await body(request));
      json(response, 200, {});
    },
    'GET /dev/alerts': (_, response) => json(response, 200, alerts.splice(0)),
    'GET /dev/requests': (_, response) => json(response, 200, requests),
    'DELETE /dev/requests': (_, response) => {
      requests = [];
      json(response, 200, {});
    },
  };

  // Of the calls of one function, each `every`th fails: `before` the database receives it, `after`, when only the
  // response is lost, or alternately.
  const fails = (request) => {
    if (mode.mode !== 'flaky' || !request.url.endsWith(`/rpc/${mode.function}`)) return null;
    mode.calls = (mode.calls ?? 0) + 1;
    if (mode.calls % mode.every !== 0) return null;
    return mode.when ?? ((mode.calls / mode.every) % 2 === 0 ? 'after' : 'before');
  };

  const pass = (request, response, path) => {
    const failure = fails(request);
    if (failure === 'before') return json(response, 503, { message: 'no capacity' });
    const upstream = http.request(
      {
        host: '127.0.0.1',
        port: postgrestPort,
        path,
        method: request.method,
        headers: { ...request.headers, host: 'localhost' },
      },
      (upstreamResponse) => {
        if (failure === 'after') return response.destroy();
        response.writeHead(upstreamResponse.statusCode, {
          ...upstreamResponse.headers,
          server: 'cloudflare',
          'sb-project-ref': 'local',
        });
        upstreamResponse.pipe(response);
      },
    );
    upstream.on('error', () => {
      // As Supabase's edge responds when the project's PostgREST is unavailable.
      if (!response.headersSent)
        json(
          response,
          503,
          { code: 'PGRST001', message: 'Database client error. Retrying the connection.', details: null, hint: null },
          { 'retry-after': '1' },
        );
      else response.destroy();
    });
    response.on('close', () => upstream.destroy());
    return request.pipe(upstream);
  };

  const handle = async (request, response, url) => {
    const own = control[`${request.method} ${url.pathname}`];
    if (own) return own(request, response);
    const { authorization, ...headers } = request.headers;
    if (requests.length < MAX_REQUESTS)
      requests.push({ method: request.method, path: request.url, headers, claims: claims(authorization) });
    switch (mode.mode) {
      case 'down':
        return request.socket.destroy();
      case 'hang':
        return undefined;
      case 'garbage':
        return response.writeHead(200, { 'content-type': 'text/html' }).end('<html>not the database</html>');
      case 'redirect':
        return response.writeHead(302, { location: 'https://elsewhere.example/' }).end();
      case 'slow':
        await new Promise((next) => setTimeout(next, mode.delayMs ?? 1000));
    }
    if (!url.pathname.startsWith('/rest/v1')) return json(response, 404, { error: 'requested path is invalid' });
    const key = headers.apikey;
    if (key !== publishable)
      return json(response, 401, { message: key ? 'Invalid API key' : 'No API key found in request' });
    if (key.startsWith('sb_secret_') && BROWSER.test(headers['user-agent'] ?? ''))
      return json(response, 401, { message: 'Forbidden use of secret API key in browser' });
    const rest = request.url.slice('/rest/v1'.length);
    if (rest === '' || rest === '/' || rest.startsWith('/?'))
      return json(response, 401, { message: 'Access to schema is forbidden' });
    return pass(request, response, rest);
  };
  return serve(port, handle, log);
}

/** Returns the claims of a token, so that a test can read them and no log contains the token. */
function claims(authorization) {
  try {
    return JSON.parse(Buffer.from(authorization.split('.')[1], 'base64url'));
  } catch {
    return null;
  }
}
