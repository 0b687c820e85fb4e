// Checks that a Supabase project trusts a signing key, before the Hub signs with it: `node dev/check-signing-key.mjs
// <project URL> <publishable key> < key.jwk.json`. The key is a private JWK, or a set of which the first is used. Exits
// 0 if it is trusted, 1 if not, 2 if that is unknown.

import fs from 'node:fs';
import { importJWK, SignJWT } from 'jose';

const [project, publishable] = process.argv.slice(2);

/** A token of ten seconds whose role may read nothing: PostgREST verifies the signature before it checks the role. */
async function token(key) {
  const signer = new SignJWT({ role: 'hub_visitor', sub: 'system:signing-key-check' });
  return signer
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: key.kid })
    .setIssuedAt()
    .setExpirationTime('10s')
    .sign(await importJWK(key, 'ES256'));
}

async function check() {
  if (!project || !publishable)
    throw new Error('usage: node dev/check-signing-key.mjs <project URL> <publishable key> < key.jwk.json');
  const read = JSON.parse(fs.readFileSync(0, 'utf8'));
  const key = read.keys?.[0] ?? read;
  const headers = { apikey: publishable, authorization: `Bearer ${await token(key)}`, 'user-agent': 'stacklumen-hub' };
  const response = await fetch(`${project.replace(/\/$/, '')}/rest/v1/checks?limit=0`, {
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  });
  const { code = '', message = '' } = await response.json().catch(() => ({}));
  // Source: https://docs.postgrest.org/en/stable/references/errors.html#group-3-jwt
  // Claims are verified after the signature; 12.0.2 returns PGRST301 for them too.
  if (code === 'PGRST303' || /^JWT ?(expired|issued ?at ?future|not ?yet ?valid)/i.test(message)) {
    return [2, `${message} (${code}): the clock of this machine is wrong; the state of ${key.kid} is unknown`];
  }
  if (/^PGRST3/.test(code)) return [1, `${key.kid} is not trusted: ${code} ${message}`];
  if (/^(42501|PT\d{3}|PGRST[12]\d\d)$/.test(code) || response.ok) return [0, `${key.kid} is trusted`];
  return [2, `no response from PostgREST: ${response.status} ${code} ${message}`];
}

const [status, line] = await check().catch((error) => [2, error.message]);
console.log(line);
process.exitCode = status;
