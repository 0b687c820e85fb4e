// Generates tokens.json: tokens that must be rejected and tokens that must be accepted, signed by an independent
// library (jose) and by node:crypto where jose, rightly, does not write such a token. The key is a throw-away one that
// no instance trusts.
//
//   node tests/vectors/make-tokens.mjs           writes tokens.json
//   node tests/vectors/make-tokens.mjs --check   fails if tokens.json is not what this file makes

import { constants, createHash, createHmac, createPrivateKey, createPublicKey, sign as rsaSign } from 'node:crypto';
import fs from 'node:fs';
import { CompactSign, importJWK } from 'jose';
import { PERSONAS, claims as personaClaims } from '../../dev/personas.mjs';

const folder = new URL('./', import.meta.url);
const keys = JSON.parse(fs.readFileSync(new URL('throwaway-keys.json', folder)));
const NOW = 1_800_000_000;
const ISSUER = 'https://clerk.stacklumen.example';
const PARTY = 'https://hub.stacklumen.example';
const KID = keys.issuer.kid;

const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const encode = (value) => Buffer.from(text(value)).toString('base64url');
const issuerKey = createPrivateKey({ key: keys.issuer, format: 'jwk' });
const foreignKey = createPrivateKey({ key: keys.foreign, format: 'jwk' });
const signed = (input, key = issuerKey, hash = 'sha256', more = {}) =>
  `${input}.${rsaSign(hash, Buffer.from(input), { key, ...more }).toString('base64url')}`;

const HEADER = { alg: 'RS256', cat: 'cl_B7d4PD111AAA', kid: KID, typ: 'JWT' };
const CLAIMS = fixed(personaClaims('alice', { issuer: ISSUER, party: PARTY, now: NOW }));
function fixed(claims) {
  return { ...claims, jti: '0123456789abcdef0123' };
}
const without = (object, ...names) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** Returns a token whose signature is valid, for any content. */
const token = ({ header = {}, claims = {}, key } = {}) => {
  const say = (base, change) =>
    encode(typeof change === 'string' ? change : typeof change === 'function' ? change(base) : { ...base, ...change });
  return signed(`${say(HEADER, header)}.${say(CLAIMS, claims)}`, key);
};

const refused = [];
const refuse = (name, reason, value, code = 'HUB103') => refused.push({ name, reason, code, token: value });

// Form.
const valid = token();
const [header, payload, signature] = valid.split('.');
refuse('one segment', 'not-three-segments', header);
refuse('two segments', 'not-three-segments', `${header}.${payload}`);
refuse('four segments', 'not-three-segments', `${valid}.${signature}`);
refuse('five segments, as an encrypted token has', 'not-three-segments', `${valid}.a.b`);
refuse('dots only', 'encoding-not-canonical', '..');
refuse('an empty header', 'encoding-not-canonical', `.${payload}.${signature}`);
refuse('an empty payload', 'encoding-not-canonical', `${header}..${signature}`);
refuse('an empty signature', 'encoding-not-canonical', `${header}.${payload}.`);
refuse('longer than 8192 characters', 'too-long', token({ claims: { pad: 'x'.repeat(8000) } }));
refuse('a header longer than 1024 characters', 'header-too-long', token({ header: { pad: 'x'.repeat(1000) } }));
refuse('a segment of one letter', 'encoding-not-canonical', `${header}.a.${signature}`);
refuse(
  'spare bits in the header',
  'encoding-not-canonical',
  `${encode(`${JSON.stringify(HEADER)} `).replace(/.$/, spare)}.${payload}.${signature}`,
);
refuse('spare bits in the signature', 'encoding-not-canonical', valid.replace(/.$/, spare));
function spare(letter) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(letter) | 1];
}
refuse('a padded signature', 'malformed', `${valid}==`, 'HUB102');
refuse('plain base64 instead of base64url', 'malformed', `${header}.${payload}+/.${signature}`, 'HUB102');
refuse('white space inside', 'malformed', `${header}. ${payload}.${signature}`, 'HUB102');
refuse('two tokens, as a joined header has them', 'malformed', `${valid}, Bearer ${valid}`, 'HUB102');
refuse('quotes around it', 'malformed', `"${valid}"`, 'HUB102');
refuse('nothing', 'malformed', '', 'HUB102');
refuse('an API key', 'api-key-instead-of-token', `ak_${signature.slice(0, 40)}`, 'HUB101');
refuse('an OAuth access token', 'api-key-instead-of-token', `oat_${signature.slice(0, 40)}`, 'HUB101');
refuse('a machine token', 'api-key-instead-of-token', `mt_${signature.slice(0, 40)}`, 'HUB101');
refuse('a secret key of Clerk', 'api-key-instead-of-token', `sk_${'live'}_x`, 'HUB101');
refuse('a secret key of Supabase', 'api-key-instead-of-token', `sb_${'secret'}_x`, 'HUB101');
refuse('the publishable key', 'publishable-key', 'sb_publishable_vectors', 'HUB101');

// Header.
refuse('a header that is not JSON', 'header-malformed', token({ header: 'not json' }));
refuse('a header that is an array', 'header-malformed', token({ header: '["RS256"]' }));
refuse('a header that is a string', 'header-malformed', token({ header: '"RS256"' }));
refuse('a header with a byte order mark', 'header-malformed', token({ header: `\ufeff${JSON.stringify(HEADER)}` }));
refuse('a header with something behind it', 'header-malformed', token({ header: `${JSON.stringify(HEADER)}{}` }));
refuse(
  'a header that says alg twice',
  'duplicate-claim',
  token({ header: `{"alg":"none",${JSON.stringify(HEADER).slice(1)}` }),
);
refuse(
  'a header that says alg twice, once with an escape',
  'duplicate-claim',
  token({ header: `{"\\u0061lg":"none",${JSON.stringify(HEADER).slice(1)}` }),
);
refuse('a header nested without end', 'too-deep', token({ header: `{"a":${'['.repeat(40)}${']'.repeat(40)}}` }));
for (const alg of [
  'none',
  'None',
  'NONE',
  '',
  'rs256',
  'RS384',
  'RS512',
  'PS256',
  'ES256',
  'EdDSA',
  'HS256',
  'RS256 ',
]) {
  refuse(`alg "${alg}"`, 'algorithm-refused', token({ header: { alg } }));
}
refuse('no alg', 'algorithm-refused', token({ header: (base) => without(base, 'alg') }));
refuse('alg as an array', 'algorithm-refused', token({ header: { alg: ['RS256'] } }));
const publicPem = createPublicKey(issuerKey).export({ type: 'spki', format: 'pem' });
const hmacInput = `${encode({ ...HEADER, alg: 'HS256' })}.${payload}`;
refuse(
  'HS256 with the public key as its secret',
  'algorithm-refused',
  `${hmacInput}.${createHmac('sha256', publicPem).update(hmacInput).digest('base64url')}`,
);
for (const typ of ['jwt', 'at+jwt', 'JWS', 'dpop+jwt', 'application/jwt', ''])
  refuse(`typ "${typ}"`, 'type-refused', token({ header: { typ } }));
refuse('no typ', 'type-refused', token({ header: (base) => without(base, 'typ') }));
refuse('typ as a number', 'type-refused', token({ header: { typ: 1 } }));
for (const [name, value] of Object.entries({
  b64: false,
  crit: ['exp'],
  enc: 'A128GCM',
  jku: 'https://evil.example/jwks.json',
  jwk: without(keys.foreign, 'd', 'p', 'q', 'dp', 'dq', 'qi'),
  x5c: ['AAAA'],
  x5u: 'https://evil.example/x5u',
  zip: 'DEF',
})) {
  refuse(`header parameter ${name}`, 'header-parameter-refused', token({ header: { [name]: value } }));
}
for (const [name, cat] of Object.entries({
  'a JWT template': 'cl_B7d4PD222AAA',
  'a machine': 'mt_B7d4PD111AAA',
  'an unknown class': 'x',
  'an empty class': '',
})) {
  refuse(`cat of ${name}`, 'category-refused', token({ header: { cat } }));
}
refuse('cat as a number', 'category-refused', token({ header: { cat: 1 } }));
refuse('no kid', 'key-id-refused', token({ header: (base) => without(base, 'kid') }));
for (const [name, kid] of Object.entries({
  empty: '',
  'of 65 letters': 'k'.repeat(65),
  'with a path': '../../etc/passwd',
  'with a quote': "x' or 1=1",
  'with a line break': 'a\nb',
  'as a URL': 'https://evil.example',
})) {
  refuse(`kid ${name}`, 'key-id-refused', token({ header: { kid } }));
}
refuse('kid as a number', 'key-id-refused', token({ header: { kid: 1 } }));
refuse('kid as null', 'key-id-refused', token({ header: { kid: null } }));
refuse('a kid that no key has', 'key-unknown', token({ header: { kid: 'ins_unknown' } }));
refuse('a kid in other case', 'key-unknown', token({ header: { kid: KID.toUpperCase() } }));

// Signature.
refuse('signed by a foreign key under the kid of the issuer', 'signature-invalid', token({ key: foreignKey }));
refuse(
  'a changed payload',
  'signature-invalid',
  `${header}.${encode({ ...CLAIMS, sub: PERSONAS.admin.sub })}.${signature}`,
);
refuse('a changed header', 'signature-invalid', `${encode({ ...HEADER, extra: 1 })}.${payload}.${signature}`);
refuse(
  'the same JSON in another order',
  'signature-invalid',
  `${header}.${encode(Object.fromEntries(Object.entries(CLAIMS).reverse()))}.${signature}`,
);
refuse('a signature of zeros', 'signature-invalid', `${header}.${payload}.${Buffer.alloc(256).toString('base64url')}`);
refuse(
  'a signature cut short',
  'signature-invalid',
  `${header}.${payload}.${Buffer.from(signature, 'base64url').subarray(0, 255).toString('base64url')}`,
);
refuse(
  'a signature with a byte more',
  'signature-invalid',
  `${header}.${payload}.${Buffer.concat([Buffer.from(signature, 'base64url'), Buffer.alloc(1)]).toString('base64url')}`,
);
refuse('a signature of one byte', 'signature-invalid', `${header}.${payload}.AA`);
refuse(
  'the signature of another token',
  'signature-invalid',
  `${header}.${payload}.${token({ claims: { jti: 'other' } }).split('.')[2]}`,
);
refuse(
  'PSS padding under RS256',
  'signature-invalid',
  signed(`${header}.${payload}`, issuerKey, 'sha256', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 0 }),
);
refuse('SHA-1 under RS256', 'signature-invalid', signed(`${header}.${payload}`, issuerKey, 'sha1'));
refuse('SHA-512 under RS256', 'signature-invalid', signed(`${header}.${payload}`, issuerKey, 'sha512'));
refuse(
  'a bad signature over bad claims: the signature is judged first',
  'signature-invalid',
  token({ claims: { iss: 'https://evil.example', exp: 1 }, key: foreignKey }),
);

// Claims.
refuse('a payload that is not JSON', 'claims-malformed', token({ claims: 'not json' }));
refuse('a payload that is an array', 'claims-malformed', token({ claims: '[]' }));
refuse('a payload with something behind it', 'claims-malformed', token({ claims: `${JSON.stringify(CLAIMS)} {}` }));
refuse(
  'a payload that is not UTF-8',
  'claims-malformed',
  signed(`${header}.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')}`),
);
refuse(
  'sub twice',
  'duplicate-claim',
  token({ claims: `{"sub":"${PERSONAS.admin.sub}",${JSON.stringify(CLAIMS).slice(1)}` }),
);
refuse(
  'sub twice, once with an escape',
  'duplicate-claim',
  token({ claims: `{"\\u0073ub":"${PERSONAS.admin.sub}",${JSON.stringify(CLAIMS).slice(1)}` }),
);
refuse(
  'a name twice deep inside',
  'duplicate-claim',
  token({ claims: `{"x":{"a":1,"a":2},${JSON.stringify(CLAIMS).slice(1)}` }),
);
refuse(
  'a payload nested without end',
  'too-deep',
  token({ claims: `{"x":${'['.repeat(200)}${']'.repeat(200)},${JSON.stringify(CLAIMS).slice(1)}` }),
);
for (const iss of [
  'https://clerk.evil.example',
  `${ISSUER}/`,
  ISSUER.toUpperCase(),
  ISSUER.replace('https', 'http'),
  `${ISSUER}.evil.example`,
  '',
]) {
  refuse(`iss ${iss || 'empty'}`, 'issuer-refused', token({ claims: { iss } }));
}
refuse('no iss', 'issuer-refused', token({ claims: (base) => without(base, 'iss') }));
refuse('iss as an array', 'claims-malformed', token({ claims: { iss: [ISSUER] } }));
refuse('no sub', 'subject-refused', token({ claims: (base) => without(base, 'sub') }));
for (const sub of [
  '',
  'user_',
  'user_short',
  'mch_2hubmachine00000000000000',
  'user_2hub alice00000000000000',
  `user_${'x'.repeat(65)}`,
  "user_2hubalice'--0000000000",
  'USER_2hubalice0000000000000001',
  'user_é2hubalice000000000000',
]) {
  refuse(`sub "${sub.slice(0, 40)}"`, 'subject-refused', token({ claims: { sub } }));
}
refuse('sub as a number', 'claims-malformed', token({ claims: { sub: 1 } }));
refuse('no sid', 'session-refused', token({ claims: (base) => without(base, 'sid') }));
for (const sid of ['', 'sess_', 'user_2hubalice0000000000000001', 'sess_2hub\u0000alice00000000000'])
  refuse(`sid ${JSON.stringify(sid)}`, 'session-refused', token({ claims: { sid } }));
refuse('sid as null', 'session-refused', token({ claims: { sid: null } }));
refuse('no azp', 'authorized-party-refused', token({ claims: (base) => without(base, 'azp') }));
for (const azp of ['', 'https://evil.example', `${PARTY}/`, PARTY.toUpperCase(), `${PARTY}.evil.example`, 'null'])
  refuse(`azp ${azp || 'empty'}`, 'authorized-party-refused', token({ claims: { azp } }));
refuse('azp as an array', 'claims-malformed', token({ claims: { azp: [PARTY] } }));
refuse('an audience', 'audience-refused', token({ claims: { aud: 'authenticated' } }));
refuse('a list of audiences', 'audience-refused', token({ claims: { aud: [PARTY] } }));
for (const name of ['exp', 'iat', 'nbf']) {
  refuse(`no ${name}`, 'time-malformed', token({ claims: (base) => without(base, name) }));
  for (const [kind, value] of Object.entries({
    'a text': String(NOW),
    null: null,
    zero: 0,
    negative: -1,
    true: true,
    'a list': [NOW],
  })) {
    const reason = 'time-malformed';
    refuse(`${name} as ${kind}`, reason, token({ claims: { [name]: value } }));
  }
  refuse(
    `${name} with a fraction`,
    'time-malformed',
    token({ claims: `${JSON.stringify(without(CLAIMS, name)).slice(0, -1)},"${name}":${CLAIMS[name]}.5}` }),
  );
  refuse(
    `${name} beyond 2^53`,
    'time-malformed',
    token({ claims: `${JSON.stringify(without(CLAIMS, name)).slice(0, -1)},"${name}":9007199254740993}` }),
  );
  refuse(
    `${name} as 1e400`,
    'claims-malformed',
    token({ claims: `${JSON.stringify(without(CLAIMS, name)).slice(0, -1)},"${name}":1e400}` }),
  );
}
const at = (shift, life = 60) => ({ iat: NOW + shift, nbf: NOW + shift - 10, exp: NOW + shift + life });
refuse('expired six seconds ago', 'expired', token({ claims: at(-66) }));
refuse('expired to the second, with the allowance', 'expired', token({ claims: at(-65) }));
refuse('expired a year ago', 'expired', token({ claims: at(-31_536_000) }));
refuse(
  'milliseconds for seconds',
  'not-yet-valid',
  token({ claims: { exp: NOW * 1000 + 60, iat: NOW * 1000, nbf: NOW * 1000 } }),
);
refuse('valid from later on', 'not-yet-valid', token({ claims: { nbf: NOW + 6 } }));
refuse('issued in the future', 'issued-in-future', token({ claims: { iat: NOW + 10, exp: NOW + 60 } }));
refuse('a life of 121 seconds', 'lifetime-refused', token({ claims: { exp: NOW + 121 } }));
refuse('a life of a day', 'lifetime-refused', token({ claims: { exp: NOW + 86_400 } }));
refuse('issued as it expires', 'lifetime-refused', token({ claims: { iat: NOW, exp: NOW } }));
refuse('issued after it expires', 'lifetime-refused', token({ claims: { iat: NOW + 4, exp: NOW + 2 } }));
refuse(
  'valid from long after it was issued',
  'not-yet-valid',
  token({ claims: { iat: NOW - 50, nbf: NOW - 20, exp: NOW + 30 } }),
);
for (const sts of ['pending', 'expired', 'Active', ''])
  refuse(`sts "${sts}"`, 'status-refused', token({ claims: { sts } }));
for (const v of [1, 3, 0]) refuse(`version ${v}`, 'version-refused', token({ claims: { v } }));
refuse('no version', 'version-refused', token({ claims: (base) => without(base, 'v') }));
refuse('version as a text', 'claims-malformed', token({ claims: { v: '2' } }));
for (const role of ['service_role', 'hub_staff', 'postgres', 'anon', ''])
  refuse(`role "${role}"`, 'role-refused', token({ claims: { role } }));
for (const [name, o] of Object.entries({
  'a text': 'org_2hubacme00000000000000001',
  'without an id': { slg: 'x' },
  'with a user for its id': { id: PERSONAS.bob.sub },
  'with a quote in its id': { id: "org_2hub'acme000000000000" },
  'a list': [],
})) {
  refuse(`an organization that is ${name}`, 'organization-malformed', token({ claims: { o } }));
}
for (const [name, act] of Object.entries({
  'a text': 'user_x',
  'without a sub': {},
  'by an agent': { sub: 'agnt_2hubagent000000000000' },
})) {
  refuse(`impersonation that is ${name}`, 'actor-malformed', token({ claims: { act } }));
}
for (const [name, fva] of Object.entries({
  'a number': 1,
  empty: [],
  'of one': [1],
  'of three': [1, 2, 3],
  'of texts': ['1', '2'],
  'below never': [0, -2],
  'of fractions': [0, 0.5],
  'of a huge number': [0, 4_294_967_296],
})) {
  refuse(`fva ${name}`, 'factor-age-malformed', token({ claims: { fva } }));
}

// More of each, for the pages and the classes: each has a valid signature unless it states otherwise.
const RSA = Buffer.from(signature, 'base64url');
const raw = (claims, name, json) =>
  token({ claims: `${JSON.stringify(without(claims, name)).slice(0, -1)},"${name}":${json}}` });

// Other classes of credentials, with the claims that Clerk writes into them.
refuse('a machine-to-machine token', 'category-refused', token({ header: { cat: 'cl_B7d4PD333AAA' } }));
refuse(
  'a machine-to-machine token without its class',
  'subject-refused',
  token({ claims: { sub: 'mch_2hubmachine0000000000000' } }),
);
refuse('an OAuth access token as a JWT', 'type-refused', token({ header: { typ: 'at+jwt', cat: undefined } }));
refuse(
  'an OAuth access token as a JWT, the long type',
  'type-refused',
  token({ header: { typ: 'application/at+jwt' } }),
);
refuse(
  'a template token without a session',
  'session-refused',
  token({ header: (base) => without(base, 'cat'), claims: (base) => without(base, 'sid') }),
);
refuse(
  'a template token of ten years',
  'lifetime-refused',
  token({ header: (base) => without(base, 'cat'), claims: { exp: NOW + 315_360_000 } }),
);
refuse(
  'a sign-in ticket',
  'session-refused',
  token({ claims: (base) => ({ ...without(base, 'sid'), st: 'sign_in_token', eid: 'user_x' }) }),
);
refuse(
  'a handshake',
  'time-malformed',
  token({ header: (base) => without(base, 'cat'), claims: JSON.stringify({ handshake: [] }) }),
);
refuse('a testing token', 'type-refused', token({ header: { typ: 'testing' } }));
for (const prefix of ['ak_', 'mt_', 'oat_', 'sk_', 'pk_', 'sb_', 'sbp_'])
  refuse(`a token behind ${prefix}`, 'api-key-instead-of-token', `${prefix}${valid}`, 'HUB101');
for (const cat of [
  'cl_b7d4pd111aaa',
  'cl_B7d4PD111AAA ',
  ' cl_B7d4PD111AAA',
  'cl_B7d4PD111AA',
  'session',
  'cl_I7d4PD111IIi',
])
  refuse(`cat ${JSON.stringify(cat)}`, 'category-refused', token({ header: { cat } }));
for (const [name, cat] of Object.entries({ null: null, 'a list': ['cl_B7d4PD111AAA'], 'an object': {}, true: true }))
  refuse(`cat as ${name}`, 'category-refused', token({ header: { cat } }));

// Encodings.
for (const [name, bytes] of Object.entries({
  'a header in UTF-16': Buffer.from(`\ufeff${JSON.stringify(HEADER)}`, 'utf16le'),
  'a header that is not UTF-8': Buffer.concat([
    Buffer.from('{"alg":"RS256","typ":"JWT","kid":"'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}'),
  ]),
  'an overlong slash in a header': Buffer.concat([
    Buffer.from('{"a":"'),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from(`",${JSON.stringify(HEADER).slice(1)}`),
  ]),
  'a header cut short': Buffer.from(JSON.stringify(HEADER).slice(0, -1)),
  'a header with a comma too many': Buffer.from(`${JSON.stringify(HEADER).slice(0, -1)},}`),
  'a header with a comment': Buffer.from(`/**/${JSON.stringify(HEADER)}`),
  'a header with single quotes': Buffer.from(JSON.stringify(HEADER).replaceAll('"', "'")),
  'a header of null': Buffer.from('null'),
  'a header of true': Buffer.from('true'),
  'a header of a number': Buffer.from('1'),
  'a header with NaN': Buffer.from(`{"a":NaN,${JSON.stringify(HEADER).slice(1)}`),
  'a header with a bare line break': Buffer.from(`{"a":"\n",${JSON.stringify(HEADER).slice(1)}`),
}))
  refuse(name, 'header-malformed', signed(`${bytes.toString('base64url')}.${payload}`));
for (const [name, bytes] of Object.entries({
  'a payload in UTF-16': Buffer.from(JSON.stringify(CLAIMS), 'utf16le'),
  'a payload with a byte order mark': Buffer.from(`\ufeff${JSON.stringify(CLAIMS)}`),
  'a payload cut short': Buffer.from(JSON.stringify(CLAIMS).slice(0, -1)),
  'a payload of null': Buffer.from('null'),
  'a payload of a text': Buffer.from('"x"'),
  'a payload of a number': Buffer.from('1'),
  'a payload twice': Buffer.from(JSON.stringify(CLAIMS).repeat(2)),
  'a payload with a lone surrogate': Buffer.from(`{"a":"\\ud800",${JSON.stringify(CLAIMS).slice(1)}`),
  'a payload with a zero byte behind it': Buffer.from(`${JSON.stringify(CLAIMS)}\0`),
  'a payload with a tab in a text': Buffer.from(`{"a":"\t",${JSON.stringify(CLAIMS).slice(1)}`),
}))
  refuse(name, 'claims-malformed', signed(`${header}.${bytes.toString('base64url')}`));
refuse(
  'a payload with spare bits',
  'encoding-not-canonical',
  (() => {
    // Two bytes over a multiple of three leave unused bits.
    for (let pad = 0; ; pad += 1) {
      const segment = encode({ ...CLAIMS, pad: 'x'.repeat(pad) });
      if (segment.length % 4 !== 0) return signed(`${header}.${segment.replace(/.$/, spare)}`);
    }
  })(),
);
refuse(
  'a payload of a length that base64 never has',
  'encoding-not-canonical',
  `${header}.${payload.slice(0, payload.length - (payload.length % 4) - 3)}.${signature}`,
);
for (const [name, value] of Object.entries({
  'a percent-encoded token': valid.replaceAll('.', '%2E'),
  'a token with a line break': `${header}.\n${payload}.${signature}`,
  'a token with a null byte': `${header}.${payload}.${signature}\0`,
  'a token in angle brackets': `<${valid}>`,
  'a token behind Bearer twice': `Bearer ${valid}`,
  'a token with a semicolon': `${valid};`,
  'a token as JSON': JSON.stringify({ token: valid }),
  'a token with letters that look alike': `${header.replace('e', '\u0435')}.${payload}.${signature}`,
}))
  refuse(name, 'malformed', value, 'HUB102');

// Header, again: names that occur twice, also as escapes and deep inside.
for (const name of ['typ', 'kid', 'cat'])
  refuse(
    `a header that says ${name} twice`,
    'duplicate-claim',
    token({ header: `{"${name}":"x",${JSON.stringify(HEADER).slice(1)}` }),
  );
refuse(
  'a header that says a foreign name twice',
  'duplicate-claim',
  token({ header: `{"x":1,"x":1,${JSON.stringify(HEADER).slice(1)}` }),
);
for (const [name, crit] of Object.entries({
  'an empty list': [],
  'a text': 'exp',
  null: null,
  'what it does not have': ['http://openid.net/specs'],
}))
  refuse(`crit of ${name}`, 'header-parameter-refused', token({ header: { crit } }));
for (const name of ['jwk', 'jku', 'x5c', 'x5u'])
  refuse(`${name} of null`, 'header-parameter-refused', token({ header: { [name]: null } }));
for (const kid of [' ', `${KID} `, `${KID}\u0000`, `${KID}/..`, 'ins_%00', '{}'])
  refuse(`kid ${JSON.stringify(kid)}`, 'key-id-refused', token({ header: { kid } }));
for (const kid of ['kid', '1', `${KID}x`, KID.slice(0, -1)])
  refuse(`kid ${kid}, which no key has`, 'key-unknown', token({ header: { kid } }));

// Signature, again: encodings that a lenient verifier accepts.
refuse(
  'a signature of one key’s length less a zero',
  'signature-invalid',
  `${header}.${payload}.${RSA.subarray(1).toString('base64url')}`,
);
refuse(
  'a signature with a zero before it',
  'signature-invalid',
  `${header}.${payload}.${Buffer.concat([Buffer.alloc(1), RSA]).toString('base64url')}`,
);
refuse(
  'a signature of ones',
  'signature-invalid',
  `${header}.${payload}.${Buffer.alloc(256, 0xff).toString('base64url')}`,
);
refuse(
  'a signature backwards',
  'signature-invalid',
  `${header}.${payload}.${Buffer.from(RSA).reverse().toString('base64url')}`,
);
refuse(
  'a signature twice',
  'signature-invalid',
  `${header}.${payload}.${Buffer.concat([RSA, RSA]).toString('base64url')}`,
);
refuse(
  'a signature that is one',
  'signature-invalid',
  `${header}.${payload}.${Buffer.concat([Buffer.alloc(255), Buffer.from([1])]).toString('base64url')}`,
);
refuse(
  'a signature over the payload alone',
  'signature-invalid',
  `${header}.${payload}.${signed(payload).split('.').at(-1)}`,
);
refuse(
  'a signature over the decoded JSON',
  'signature-invalid',
  `${header}.${payload}.${signed(JSON.stringify(HEADER) + JSON.stringify(CLAIMS))
    .split('.')
    .at(-1)}`,
);
refuse(
  'a digest without padding, taken for a signature',
  'signature-invalid',
  `${header}.${payload}.${Buffer.concat([Buffer.alloc(224), createHash('sha256').update(`${header}.${payload}`).digest()]).toString('base64url')}`,
);
refuse('SHA-384 under RS256', 'signature-invalid', signed(`${header}.${payload}`, issuerKey, 'sha384'));
refuse(
  'a bit of the payload turned',
  'signature-invalid',
  `${header}.${encode({ ...CLAIMS, iat: CLAIMS.iat ^ 1 })}.${signature}`,
);

// Claims, again.
for (const iss of [
  ` ${ISSUER}`,
  `${ISSUER} `,
  `${ISSUER}\u0000`,
  `${ISSUER}:443`,
  `${ISSUER}?x`,
  `${ISSUER}#`,
  ISSUER.replace('://', '://user@'),
  ISSUER.replace('clerk.', 'clerk.clerk.'),
  'clerk.stacklumen.example',
  'null',
])
  refuse(`iss ${JSON.stringify(iss)}`, 'issuer-refused', token({ claims: { iss } }));
for (const [name, iss] of Object.entries({ 'a number': 1, 'an object': {}, true: true }))
  refuse(`iss as ${name}`, 'claims-malformed', token({ claims: { iss } }));
refuse('iss as null', 'issuer-refused', token({ claims: { iss: null } }));
for (const azp of [
  ` ${PARTY}`,
  `${PARTY} `,
  `${PARTY}:443`,
  PARTY.replace('https', 'http'),
  `${PARTY}\u0000`,
  'https://hub.stacklumen.example.',
  '*',
  'https://*.stacklumen.example',
  `${PARTY},https://evil.example`,
])
  refuse(`azp ${JSON.stringify(azp)}`, 'authorized-party-refused', token({ claims: { azp } }));
refuse('azp as null', 'authorized-party-refused', token({ claims: { azp: null } }));
for (const sub of [
  'user_2hubalice000000000000001\n',
  'user_2hubalice-00000000000001',
  'user_2hubalice.00000000000001',
  'user-2hubalice0000000000000001',
  ' user_2hubalice0000000000000001',
  'org_2hubacme00000000000000001',
  'sess_2hubalice0000000000000001',
  'user_*',
  'user_%',
])
  refuse(`sub ${JSON.stringify(sub)}`, 'subject-refused', token({ claims: { sub } }));
for (const sid of [
  'sess_2hubalice 000000000000000',
  'sess_short',
  'SESS_2hubalice0000000000000001',
  "sess_2hubalice'or'1'='1000000",
  'client_2hubalice0000000000001',
])
  refuse(`sid ${JSON.stringify(sid)}`, 'session-refused', token({ claims: { sid } }));
refuse('aud as an empty list', 'audience-refused', token({ claims: { aud: [] } }));
refuse('aud as a number', 'audience-refused', token({ claims: { aud: 1 } }));
for (const name of ['exp', 'iat', 'nbf']) {
  refuse(`${name} with an exponent`, 'time-malformed', raw(CLAIMS, name, '1.8e9'));
  refuse(`${name} as minus zero`, 'time-malformed', raw(CLAIMS, name, '-0'));
  refuse(`${name} as an object`, 'time-malformed', raw(CLAIMS, name, '{"$date":1}'));
  refuse(`${name} with a leading zero`, 'claims-malformed', raw(CLAIMS, name, '01800000000'));
  refuse(`${name} as hexadecimal`, 'claims-malformed', raw(CLAIMS, name, '0x6b49d200'));
}
refuse(
  'exp twice, the later one good',
  'duplicate-claim',
  token({ claims: `{"exp":1,${JSON.stringify(CLAIMS).slice(1)}` }),
);
refuse(
  'iss twice, the later one good',
  'duplicate-claim',
  token({ claims: `{"iss":"https://evil.example",${JSON.stringify(CLAIMS).slice(1)}` }),
);
refuse(
  'a role of public metadata twice',
  'duplicate-claim',
  token({
    claims: `{"metadata":{"stacklumen_role":"sales","stacklumen_role":"admin"},${JSON.stringify(CLAIMS).slice(1)}`,
  }),
);
for (const [name, o] of Object.entries({
  'with a role that is a number': { id: CLAIMS.o.id, rol: 1 },
  'with permissions that are a list': { id: CLAIMS.o.id, per: ['read'] },
  'with a bit for no permission': { id: CLAIMS.o.id, per: 'read', fpm: '2' },
  'with a bitmask that is a word': { id: CLAIMS.o.id, per: 'read', fpm: 'all' },
  'with a bitmask below zero': { id: CLAIMS.o.id, per: 'read', fpm: '-1' },
  'with more bitmasks than features': { id: CLAIMS.o.id, per: 'read', fpm: '1,1' },
  'with an id in upper case': { id: CLAIMS.o.id.toUpperCase() },
  null: { id: null },
}))
  refuse(`an organization ${name}`, 'organization-malformed', token({ claims: { o } }));
for (const [name, act] of Object.entries({
  'a list': [],
  'of an empty subject': { sub: '' },
  'of a number': { sub: 1 },
  'of a machine': { sub: 'mch_2hubmachine0000000000000' },
  true: true,
}))
  refuse(`impersonation as ${name}`, 'actor-malformed', token({ claims: { act } }));
for (const [name, fva] of Object.entries({
  'an object': {},
  'a text': '1,1',
  'below never, first': [-2, 0],
  'of nulls': [null, null],
  'of a text among numbers': [1, 'x', 2],
}))
  refuse(`fva as ${name}`, 'factor-age-malformed', token({ claims: { fva } }));
for (const v of [2.5, -2, 20])
  refuse(`version ${v}`, v === 20 ? 'version-refused' : 'claims-malformed', token({ claims: { v } }));

// Tokens that must be accepted, signed by jose.
const jose = async (header, claims) => {
  const key = await importJWK(keys.issuer, 'RS256');
  return new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader(header).sign(key);
};
const accepted = [];
const accept = async (name, who, change = {}, head = {}) => {
  const all = { ...HEADER, ...head };
  for (const key of Object.keys(all)) if (all[key] === undefined) delete all[key];
  accepted.push({ name, who, token: await jose(all, { ...CLAIMS, ...change }) });
};
await accept('as Clerk makes it', 'customer');
await accept('without a class, as older instances make it', 'customer', {}, { cat: undefined });
await accept('of the class that says to ignore it', 'customer', {}, { cat: 'cl_I7d4PD111III' });
await accept('without a status', 'customer', { sts: undefined });
await accept('without an organization', 'customer', { o: undefined });
await accept('with the role of the Supabase integration', 'customer', { role: 'authenticated' });
await accept('with custom claims', 'customer', { custom: { nested: [1, 2, { three: 3 }] } });
await accept('expired four seconds ago: clocks differ', 'customer', at(-64));
await accept('valid from in five seconds', 'customer', { nbf: NOW + 5 });
await accept('a life of 120 seconds', 'customer', { exp: NOW + 120 });
await accept('impersonated', 'customer', { act: { sub: PERSONAS.admin.sub } });
await accept('with permissions of its organization', 'customer', {
  fea: 'o:tickets,u:profile,o:invoices',
  o: { ...CLAIMS.o, per: 'read,manage', fpm: '3,1' },
});
await accept('an administrator', 'staff:admin', { metadata: { stacklumen_role: 'admin' }, o: undefined });
await accept('a role elsewhere than STAFF_ROLE_CLAIM says: a client', 'customer', {
  public_metadata: { stacklumen_role: 'sales' },
  o: undefined,
});
await accept('the same role at both places', 'staff:support', {
  metadata: { stacklumen_role: 'support' },
  public_metadata: { stacklumen_role: 'support' },
});
await accept('another role elsewhere than STAFF_ROLE_CLAIM says', 'staff:support', {
  metadata: { stacklumen_role: 'support' },
  public_metadata: { stacklumen_role: 'admin' },
});
await accept('an unknown role: no access', null, { metadata: { stacklumen_role: 'intern' } });
await accept('a role in other case: no access', null, { metadata: { stacklumen_role: 'Admin' } });
await accept('a list of roles: no access', null, { metadata: { stacklumen_role: ['admin'] } });
await accept('a role that is null: a client', 'customer', { metadata: { stacklumen_role: null } });
await accept('an empty role: no access', null, { metadata: { stacklumen_role: '' } });

const personas = {};
for (const name of Object.keys(PERSONAS))
  personas[name] = await jose(HEADER, fixed(personaClaims(name, { issuer: ISSUER, party: PARTY, now: NOW })));

const open = (jwk) => without(jwk, 'd', 'p', 'q', 'dp', 'dq', 'qi', 'note');
const made = {
  note: 'made by make-tokens.mjs; the keys are throw-away ones',
  now: NOW,
  issuer: ISSUER,
  party: PARTY,
  publishable_key: 'sb_publishable_vectors',
  jwks: { keys: [open(keys.issuer)] },
  personas,
  accepted,
  refused,
};
const names = [...accepted, ...refused].map((vector) => vector.name);
const twice = names.filter((name, place) => names.indexOf(name) !== place);
if (twice.length > 0) throw new Error(`names that stand twice: ${twice.join(', ')}`);
const rows = (list) => `[\n${list.map((row) => `    ${JSON.stringify(row)}`).join(',\n')}\n  ]`;
const lines = Object.entries(made).map(
  ([name, value]) => `  ${JSON.stringify(name)}: ${Array.isArray(value) ? rows(value) : JSON.stringify(value)}`,
);
const output = `{\n${lines.join(',\n')}\n}\n`;
const file = new URL('tokens.json', folder);
if (process.argv.includes('--check')) {
  if (fs.readFileSync(file, 'utf8') !== output)
    throw new Error('tokens.json is not what make-tokens.mjs makes: run it and commit the file');
} else {
  fs.writeFileSync(file, output);
}
console.log(`${refused.length} refused, ${accepted.length} accepted, ${Object.keys(personas).length} personas`);
