// Writes the seed corpora from the test vectors, anew at each run: `dev/fuzz.sh` runs it. They are not tracked.

import fs from 'node:fs';

const write = (target, name, bytes) => fs.writeFileSync(`fuzz/seeds/${target}/${name}`, bytes);
fs.rmSync('fuzz/seeds', { recursive: true, force: true });
for (const target of ['cookies', 'query', 'token', 'webhook'])
  fs.mkdirSync(`fuzz/seeds/${target}`, { recursive: true });
const plain = (name) =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60);

const tokens = JSON.parse(fs.readFileSync('tests/vectors/tokens.json', 'utf8'));
for (const { name, token } of [...tokens.accepted, ...tokens.refused])
  if (typeof token === 'string' && token.length < 3000) write('token', plain(name), token);

// libFuzzer's typed inputs read lengths from the end of the bytes; any bytes are a valid start, so the texts come first.
const queries = JSON.parse(fs.readFileSync('tests/vectors/queries.json', 'utf8'));
for (const { name, path } of [...queries.accepted, ...queries.refused])
  if (path.includes('?')) write('query', plain(name), `\0\u0001\0${path.split('?')[1]}`);

const alice = tokens.personas.alice;
const now = tokens.now;
const cookies = {
  'signed-in': `__session=${alice}; __client_uat=${now - 20}`,
  suffixed: `__session_QvfNY2dr=${alice}; __client_uat_QvfNY2dr=${now - 20}`,
  'signed-out': '__client_uat=0',
  twice: '__session=a; __session=b',
  back: '__Host-hub_state=abc hub_state=abc&__clerk_handshake=x.y.z',
  directive: '__session=x.y.z; Path=/; Max-Age=0',
  traces: '__clerk_handshake_nonce=n&hub_state=s&a=1',
  address: '//evil.example/%2e%2e\\',
};
for (const [name, text] of Object.entries(cookies)) write('cookies', name, text);

const data = {
  id: 'user_2hub00000000000001',
  banned: true,
  locked: true,
  lockout_expires_in_seconds: 5,
  public_metadata: { stacklumen_role: 'admin' },
  organization: { id: 'org_2hub00000000000001' },
  public_user_data: { user_id: 'user_2hub00000000000001' },
};
for (const line of fs.readFileSync('tests/golden/webhooks.txt', 'utf8').trim().split('\n')) {
  const type = line.split(' ')[0];
  write(
    'webhook',
    plain(type),
    `msg_1${now}v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=${JSON.stringify({ type, timestamp: now * 1000, data: type.startsWith('session') ? { ...data, id: 'sess_2hub00000000000001' } : data })}`,
  );
}
