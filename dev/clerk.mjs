// A stand-in for Clerk: JWKS, a sign-in page with personas, session tokens in Clerk's shape, and levers to make it fail.
// It signs with jose, never with the Hub's code.

import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { body, json, serve } from './http.mjs';
import { PERSONAS, claims } from './personas.mjs';

const MODES = ['ok', '503', 'hang', 'garbage', 'redirect', 'huge'];
const SESSION = 'cl_B7d4PD111AAA';

/** Starts it; `party()` gives the origin that tokens are for (`azp`). */
export async function startClerk({ port, party, log = () => {} }) {
  const issuer = `http://127.0.0.1:${port}`;
  let mode = 'ok';
  let keys = [await newKey('ins_2hublocal0001')];
  const stats = { jwks: 0, tokens: 0 };

  const jwks = (response) => {
    stats.jwks += 1;
    switch (mode) {
      case '503': return json(response, 503, { errors: [{ message: 'unavailable' }] });
      case 'hang': return undefined;
      case 'garbage': return json(response, 200, { keys: 'garbage' });
      case 'redirect': return response.writeHead(302, { location: '/elsewhere' }).end();
      case 'huge': return json(response, 200, { keys: keys.map((key) => key.jwk), padding: 'x'.repeat(200_000) });
      default: return json(response, 200, { keys: keys.map((key) => key.jwk) }, { 'cache-control': 'public, max-age=300' });
    }
  };

  const token = async (persona, query) => {
    stats.tokens += 1;
    const part = (name) => JSON.parse(Buffer.from(query.get(name) ?? 'e30', 'base64url'));
    const payload = { ...claims(persona, { issuer, party: party(), now: Math.floor(Date.now() / 1000) }), ...part('claims') };
    const header = { alg: 'RS256', cat: SESSION, kid: keys[0].jwk.kid, typ: 'JWT', ...part('header') };
    return new SignJWT(payload).setProtectedHeader(header).sign(keys[0].privateKey);
  };

  const rotate = async ({ keepKid = false, keepOld = false }) => {
    const kid = keepKid ? keys[0].jwk.kid : `ins_2hublocal${String(Date.now()).slice(-6)}`;
    keys = [await newKey(kid), ...(keepOld && !keepKid ? keys : [])];
    return { keys: keys.map((key) => key.jwk.kid) };
  };

  const handle = async (request, response, url) => {
    const [, first, second, persona] = url.pathname.split('/');
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /.well-known/jwks.json': return jwks(response);
      case 'GET /sign-in': return signIn(response, url, token, party());
      case 'GET /dev/personas': return json(response, 200, PERSONAS);
      case 'GET /dev/stats': return json(response, 200, stats);
      case 'POST /dev/rotate-keys': return json(response, 200, await rotate(await body(request)));
      case 'POST /dev/outage': {
        const wanted = (await body(request)).mode;
        if (!MODES.includes(wanted)) return json(response, 400, { error: `mode is one of ${MODES.join(', ')}` });
        mode = wanted;
        return json(response, 200, { mode });
      }
    }
    if (request.method === 'GET' && first === 'dev' && second === 'token') {
      if (!Object.hasOwn(PERSONAS, persona)) return json(response, 404, { error: `personas: ${Object.keys(PERSONAS).join(', ')}` });
      return json(response, 200, { token: await token(persona, url.searchParams), expires_in: 60 });
    }
    return json(response, 404, { errors: [{ code: 'resource_not_found' }] });
  };

  const server = await serve(port, handle, log);
  return { ...server, issuer };
}

async function newKey(kid) {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}

/** The personas as links; a chosen one gets Clerk's cookies and goes back to the Hub. */
async function signIn(response, url, token, hub) {
  const persona = url.searchParams.get('as');
  if (persona && Object.hasOwn(PERSONAS, persona)) {
    const cookies = [`__session=${await token(persona, new URLSearchParams())}; Path=/; SameSite=Lax`, `__client_uat=${Math.floor(Date.now() / 1000)}; Path=/; SameSite=Lax`];
    return response.writeHead(302, { location: `${hub}/`, 'set-cookie': cookies }).end();
  }
  const row = ([name, { who }]) => `<li><a href="/sign-in?as=${name}">${name}</a>: ${who}. <a href="/dev/token/${name}">token</a></li>`;
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Sign in (local stand-in)</title>
<style>body{font:1rem/1.6 system-ui;max-width:42rem;margin:3rem auto;padding:0 1rem}</style><main><h1>Sign in</h1><p>This stands in for Clerk on your machine. Choose who you are:</p><ul>${Object.entries(PERSONAS).map(row).join('')}</ul></main></html>`;
  return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
}
