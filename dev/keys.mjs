// Throw-away keys of the local stack, generated on the first start and stored in its data folder. They are valid for
// this stack only.

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';

/** The Hub's signing keys, the public keys that the database trusts, and the publishable key. */
export async function keys(folder) {
  const file = path.join(folder, 'throw-away-keys.json');
  if (!fs.existsSync(file)) {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: `local-throw-away-${Date.now()}`, alg: 'ES256', use: 'sig' };
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(file, JSON.stringify({ note: 'throw-away keys of the local stack', keys: [jwk] }), {
      mode: 0o600,
    });
  }
  const set = JSON.parse(fs.readFileSync(file, 'utf8'));
  const open = ({ d, ...jwk }) => ({ ...jwk, key_ops: ['verify'] });
  return {
    signing: JSON.stringify({ keys: set.keys }),
    verifying: JSON.stringify({ keys: set.keys.map(open) }),
    publishable: 'sb_publishable_local_throw_away',
    clerk: {
      secretKey: 'sk_test_local_throw_away',
      liveSecretKey: 'sk_live_local_throw_away',
      webhookSecret: `whsec_${Buffer.from('LocalThrowAwaySecretOfTheHub').toString('base64')}`,
    },
  };
}

/** The site of the production instance in the tests; a browser is configured to resolve its hosts to loopback. */
export const PRODUCTION_DOMAIN = 'example.test';

/**
 * A self-signed certificate for localhost and for the hosts of PRODUCTION_DOMAIN, so that a client can be configured to
 * trust it and nothing else.
 */
export function certificate(folder) {
  const [key, cert] = ['localhost-key.pem', 'localhost.pem'].map((name) => path.join(folder, name));
  const names = `DNS:localhost,${['hub', 'clerk', 'accounts'].map((name) => `DNS:${name}.${PRODUCTION_DOMAIN}`)},IP:127.0.0.1`;
  const covers = () => new X509Certificate(fs.readFileSync(cert)).checkHost(`hub.${PRODUCTION_DOMAIN}`) !== undefined;
  const fresh = fs.existsSync(cert) && Date.now() - fs.statSync(cert).mtimeMs < 300 * 86_400_000 && covers();
  if (!fresh) {
    fs.mkdirSync(folder, { recursive: true });
    const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '365'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  }
  return { key, cert, text: fs.readFileSync(cert, 'utf8') };
}
