// Stand-in for Clerk, modelled on its public Frontend and Backend API: JWKS, sign-in page, handshake, sessions, users,
// webhooks, and controls to make it fail. It signs tokens with jose and messages with standardwebhooks, never with the
// Hub's code.
//
// The instance is a development or a production one, which differ in how they reach a browser:
// - development: the Frontend API is on another site. It identifies a browser by `__clerk_db_jwt`, which is sent in
//   URLs, as are the results of a handshake (`__clerk_handshake`, `__clerk_handshake_nonce`).
// - production: the Frontend API is `clerk.<domain>`, on the application's own site. It identifies a browser by its
//   cookie `__client`, and sets `__client_uat` and the results of a handshake as cookies with `Domain=<domain>`; URLs
//   contain nothing.
// Sources: clerk/javascript packages/backend/src/tokens/authenticateContext.ts (both carriers),
// packages/clerk-js/src/core/auth/getCookieDomain.ts, integration/tests/handshake.test.ts ("prod - nominal"), pull
// request 3318 (`__client_uat` on the eTLD+1), pull request 3848 (`__clerk_handshake` on the eTLD+1); clerk/clerk-docs
// pull request 577 (the directives of a production handshake).

import { createHash, randomBytes } from 'node:crypto';
import https from 'node:https';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Webhook } from 'standardwebhooks';
import { body, json, loopback, serve } from './http.mjs';
import { ORGANIZATIONS, PERSONAS, claims } from './personas.mjs';

const API_VERSION = '2026-05-12';
const MODES = ['ok', '503', 'hang', 'garbage', 'redirect', 'huge'];
const PARTS = ['jwks', 'backend', 'frontend'];
const SESSION = 'cl_B7d4PD111AAA';
const YEAR = 31_536_000;
const EXPIRED = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT';

const id = (prefix) => `${prefix}_2hub${randomBytes(12).toString('hex')}`;
const seconds = () => Math.floor(Date.now() / 1000);
const problem = (response, status, code) =>
  json(response, status, { errors: [{ code, message: code, long_message: code, meta: {} }] });

/**
 * Starts the stand-in. `party()` returns the origin that tokens are for (`azp`) and that messages are sent to; `trust`
 * is its certificate. `secretKey` authorizes calls of the Backend API, `webhookSecret` signs messages, `publishableKey`
 * names the cookies. `production` is `{ domain, port, tls }` for a production instance: browsers reach it at
 * `https://clerk.<domain>:<port>`, the Hub on loopback at `port`. `onReset` is called after a reset. `origins` are
 * browser apps of other origins, whose clerk-js may call the Frontend API and whose tokens name them.
 */
export async function startClerk({
  port,
  party,
  trust,
  secretKey,
  webhookSecret,
  publishableKey,
  production = null,
  origins = [],
  onReset = async () => {},
  log = () => {},
}) {
  const issuer = production ? `https://clerk.${production.domain}:${production.port}` : `http://127.0.0.1:${port}`;
  const suffix = createHash('sha1').update(publishableKey).digest('base64url').slice(0, 8);
  const modes = { jwks: 'ok', backend: 'ok', frontend: 'ok' };
  const stats = { jwks: 0, tokens: 0, backend: [], handshakes: [] };
  let keys = [await newKey('ins_2hublocal0001')];
  let deliveries = [];
  const pending = new Set();
  let delivering = true;
  // Instances have refresh tokens or not; and a handshake carries its cookies in a token or stores them under a nonce.
  let refreshing = false;
  let carrier = 'nonce';
  let life = 60;
  // True if the sign-in page redirects a user who is signed in already, as an instance with single sessions does.
  let bounces = Boolean(production);
  let users, sessions, clients, nonces;

  const reset = () => {
    users = new Map();
    sessions = new Map();
    clients = new Map();
    nonces = new Map();
    for (const { sub, sid, role, name, o } of Object.values(PERSONAS)) {
      users.set(sub, {
        object: 'user',
        id: sub,
        banned: false,
        locked: false,
        lockout_expires_in_seconds: null,
        public_metadata: role ? { stacklumen_role: role, ...(name ? { display_name: name } : {}) } : {},
        private_metadata: {},
        unsafe_metadata: {},
        created_at: Date.now(),
        updated_at: Date.now(),
      });
      begin(sub, { id: sid, organization: o?.id ?? null });
    }
  };
  const begin = (user, { id: sid = id('sess'), organization = null, client = null } = {}) => {
    const session = {
      object: 'session',
      id: sid,
      user_id: user,
      client_id: client ?? id('client'),
      status: 'active',
      last_active_organization_id: organization,
      last_active_at: Date.now(),
      expire_at: Date.now() + 7 * 86_400_000,
      abandon_at: Date.now() + 30 * 86_400_000,
      created_at: Date.now(),
      updated_at: Date.now(),
    };
    sessions.set(sid, session);
    return session;
  };
  reset();

  // Applies the fault that is set; returns true if the response has been sent.
  const broken = (part, response) => {
    switch (modes[part]) {
      case '503':
        return (json(response, 503, { errors: [{ message: 'unavailable' }] }), true);
      case 'hang':
        return true;
      case 'garbage':
        return (json(response, 200, { keys: 'garbage' }), true);
      case 'redirect':
        return (response.writeHead(302, { location: '/elsewhere' }).end(), true);
      case 'huge':
        return (json(response, 200, { keys: keys.map((key) => key.jwk), padding: 'x'.repeat(900_000) }), true);
      default:
        return false;
    }
  };

  const sign = (payload, header = {}) =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: 'RS256', kid: keys[0].jwk.kid, typ: 'JWT', ...header })
      .sign(keys[0].privateKey);

  /** Returns a session token; `persona` sets the claims that its token always has. */
  const token = (session, overrides = {}, header = {}) => {
    stats.tokens += 1;
    const [persona] = Object.entries(PERSONAS).find(([, { sub }]) => sub === session.user_id);
    const { stacklumen_role: role = null, display_name: name = null } =
      users.get(session.user_id)?.public_metadata ?? {};
    const organization =
      PERSONAS[persona].memberships?.find((one) => one.id === session.last_active_organization_id) ?? null;
    return sign(
      {
        ...claims(persona, { issuer, party: party(), now: seconds(), life, sid: session.id, role, name, organization }),
        ...overrides,
      },
      { cat: SESSION, ...header },
    );
  };

  const rotate = async ({ keepKid = false, keepOld = false }) => {
    const kid = keepKid ? keys[0].jwk.kid : `ins_2hublocal${String(Date.now()).slice(-6)}`;
    keys = [await newKey(kid), ...(keepOld && !keepKid ? keys : [])];
    return { keys: keys.map((key) => key.jwk.kid) };
  };

  // Webhooks: Svix signs each attempt anew and retries a message without a 2xx response.
  const emit = (type, data, more = {}) => {
    const delivery = { id: more.id ?? `msg_${randomBytes(12).toString('hex')}`, type, attempts: [] };
    deliveries.push(delivery);
    const text = JSON.stringify({
      type,
      object: 'event',
      data,
      timestamp: more.timestamp ?? Date.now(),
      instance_id: 'ins_2hublocal0001',
      event_attributes: { http_request: { client_ip: '', user_agent: '' } },
    });
    const attempt = async () => {
      const at = more.at ? new Date(more.at) : new Date();
      const signature = new Webhook(more.secret ?? webhookSecret).sign(delivery.id, at, text);
      const status = await deliver(
        `${party()}/webhooks/clerk`,
        trust,
        {
          'svix-id': delivery.id,
          'svix-timestamp': String(Math.floor(at / 1000)),
          'svix-signature': signature,
          'content-type': 'application/json',
        },
        text,
      );
      delivery.attempts.push({ at: Date.now(), status });
      return status;
    };
    const all = async () => {
      for (const wait of more.once ? [0] : [0, 500, 2000]) {
        await new Promise((next) => setTimeout(next, wait));
        if ((await attempt()) < 300) break;
      }
      return delivery;
    };
    if (!delivering && !more.once) return Promise.resolve(delivery);
    const sent = all();
    pending.add(sent);
    return sent.finally(() => pending.delete(sent));
  };
  const end = (session, status = 'revoked') => {
    session.status = status;
    session.updated_at = Date.now();
    emit(`session.${status}`, session).catch((error) => log(error.stack));
    return session;
  };
  const update = (user, change) => {
    Object.assign(user, change, { updated_at: Date.now() });
    emit('user.updated', user).catch((error) => log(error.stack));
    return user;
  };
  const merge = (old, change) =>
    Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value !== null));

  const backend = async (request, response, url) => {
    stats.backend.push(`${request.method} ${url.pathname}`);
    if (broken('backend', response)) return undefined;
    if (request.headers.authorization !== `Bearer ${secretKey}`) return problem(response, 401, 'authorization_invalid');
    if (request.headers['clerk-api-version'] !== API_VERSION) return problem(response, 400, 'api_version_invalid');
    const [, , kind, key, verb] = url.pathname.split('/');
    const user = kind === 'users' && users.get(key);
    const session = kind === 'sessions' && sessions.get(key);
    const query = url.searchParams;
    switch (`${request.method} ${kind}${key ? '/id' : ''}${verb ? `/${verb}` : ''}`) {
      case 'GET jwks':
        return json(response, 200, { keys: keys.map((one) => one.jwk) });
      case 'GET clients/id': {
        if (key !== 'handshake_payload') return problem(response, 404, 'resource_not_found');
        const payload = nonces.get(query.get('nonce'));
        // A nonce can be used once.
        nonces.delete(query.get('nonce'));
        return payload
          ? json(response, 200, { nonce: query.get('nonce'), payload: payload.token, directives: payload.directives })
          : problem(response, 404, 'resource_not_found');
      }
      case 'GET sessions': {
        if (!query.get('user_id') && !query.get('client_id')) return problem(response, 422, 'form_param_missing');
        const listed = [...sessions.values()].filter((one) =>
          ['user_id', 'client_id', 'status'].every((name) => !query.get(name) || one[name] === query.get(name)),
        );
        const page = listed.slice(Number(query.get('offset') ?? 0)).slice(0, Number(query.get('limit') ?? 10));
        return json(
          response,
          200,
          query.get('paginated') === 'true' ? { data: page, total_count: listed.length } : page,
        );
      }
      // Ended sessions stay here with their status: Clerk lists them (getSessionList(), `status: 'revoked'`), and does not say for how
      // long. That it may forget one is in tests/integration/browser_sessions.rs.
      case 'GET sessions/id':
        return session ? json(response, 200, session) : problem(response, 404, 'resource_not_found');
      case 'POST sessions/id/refresh': {
        const wanted = await body(request);
        const live = session?.status === 'active' && users.has(session.user_id);
        if (
          !live ||
          wanted.refresh_token !== `refresh-${key}` ||
          decodeJwt(wanted.expired_token).sid !== key ||
          wanted.request_origin !== party()
        )
          return problem(response, 401, 'refresh_token_invalid');
        return json(response, 200, {
          object: 'cookies',
          cookies: await directives({ session: key, uat: seconds(), token: session.client_id }, null),
        });
      }
      case 'POST sessions/id/revoke':
        return session ? json(response, 200, end(session)) : problem(response, 404, 'resource_not_found');
      case 'GET users/id':
        return user ? json(response, 200, user) : problem(response, 404, 'resource_not_found');
      case 'DELETE users/id': {
        if (!user) return problem(response, 404, 'resource_not_found');
        users.delete(key);
        for (const one of sessions.values()) if (one.user_id === key) end(one, 'removed');
        emit('user.deleted', { id: key, object: 'user', deleted: true }).catch((error) => log(error.stack));
        return json(response, 200, { id: key, object: 'user', deleted: true });
      }
      case 'POST users/id/ban':
        if (!user) return problem(response, 404, 'resource_not_found');
        for (const one of sessions.values()) if (one.user_id === key && one.status === 'active') end(one);
        return json(response, 200, update(user, { banned: true }));
      case 'POST users/id/unban':
        return user
          ? json(response, 200, update(user, { banned: false }))
          : problem(response, 404, 'resource_not_found');
      case 'POST users/id/lock':
        return user
          ? json(response, 200, update(user, { locked: true, lockout_expires_in_seconds: 3600 }))
          : problem(response, 404, 'resource_not_found');
      case 'POST users/id/unlock':
        return user
          ? json(response, 200, update(user, { locked: false, lockout_expires_in_seconds: null }))
          : problem(response, 404, 'resource_not_found');
      case 'PATCH users/id/metadata': {
        if (!user) return problem(response, 404, 'resource_not_found');
        const change = await body(request);
        return json(
          response,
          200,
          update(user, {
            public_metadata: merge(user.public_metadata, change.public_metadata),
            private_metadata: merge(user.private_metadata, change.private_metadata),
          }),
        );
      }
      default:
        return problem(response, 404, 'resource_not_found');
    }
  };

  /**
   * Returns the browser's client: named by the dev browser token of a URL, or by a cookie of a production instance's
   * own host.
   */
  const client = (request, query) => {
    const token = production ? cookie(request, '__client') : query.get('__clerk_db_jwt');
    const known = clients.get(token);
    if (known) return known;
    const made = { token: token || id(production ? 'client' : 'dvb'), session: null, uat: 0 };
    clients.set(made.token, made);
    return made;
  };
  const plainAndSuffixed = (name) => [name, `${name}_${suffix}`];
  const liveSession = (one) => {
    const session = one.session && sessions.get(one.session);
    return session?.status === 'active' && users.has(session.user_id) ? session : null;
  };
  /** The cookies that a production instance sets itself, on the parent domain. */
  const onDomain = (name, value, more = `Max-Age=${YEAR}`) =>
    `${name}=${value}; Path=/; Domain=${production.domain}; ${more}; Secure; SameSite=Lax`;
  const ownCookies = (one) =>
    production
      ? [
          `__client=${one.token}; Path=/; Max-Age=${YEAR}; Secure; HttpOnly; SameSite=Lax`,
          ...plainAndSuffixed('__client_uat').map((name) => onDomain(name, liveSession(one) ? one.uat : 0)),
        ]
      : [];

  /**
   * Returns the cookies that bring a browser up to date, as Clerk's handshake sends them; `carrier` is the cookie in
   * which they arrive.
   */
  const directives = async (one, carrier) => {
    const session = liveSession(one);
    const uat = session ? one.uat : 0;
    const cookies = [];
    const both = (name, value, attributes) =>
      cookies.push(...plainAndSuffixed(name).map((each) => `${each}=${value}; ${attributes}`));
    if (production) {
      // A copy on the application's own host is deleted; the parent domain's remains the only one.
      both('__client_uat', '', `Path=/; ${EXPIRED}`);
      if (carrier) cookies.push(`${carrier}=; Path=/; Domain=${production.domain}; ${EXPIRED}`);
      cookies.push(...plainAndSuffixed('__client_uat').map((name) => onDomain(name, uat)));
      if (session) both('__session', await token(session), `Path=/; Max-Age=${YEAR}; Secure; SameSite=Lax`);
      else both('__session', '', `Path=/; ${EXPIRED}`);
    } else {
      both('__clerk_db_jwt', one.token, `Path=/; Max-Age=${YEAR}; Secure; SameSite=None`);
      both('__client_uat', uat, `Path=/; Max-Age=${YEAR}; Secure; SameSite=Lax`);
      if (session) both('__session', await token(session), `Path=/; Max-Age=${YEAR}; Secure; SameSite=Lax`);
      else both('__session', '', `Path=/; ${EXPIRED}; Max-Age=0; Secure; SameSite=Lax`);
    }
    if (session && refreshing)
      cookies.push(
        `__refresh_${suffix}=refresh-${session.id}; Path=/; Max-Age=${YEAR}; Secure; HttpOnly; SameSite=Lax`,
      );
    return cookies;
  };

  const handshake = async (request, response, query) => {
    if (broken('frontend', response)) return undefined;
    stats.handshakes.push(query.get('__clerk_hs_reason'));
    const back = new URL(query.get('redirect_url'));
    if (back.origin !== party()) return problem(response, 400, 'redirect_url_invalid');
    const one = client(request, query);
    const named = query.get('format') === 'nonce' && carrier === 'nonce';
    const name = named ? '__clerk_handshake_nonce' : '__clerk_handshake';
    const cookies = await directives(one, name);
    const payload = await sign({ handshake: cookies });
    const nonce = randomBytes(16).toString('hex');
    if (named) nonces.set(nonce, { token: payload, directives: cookies });
    const headers = { 'cache-control': 'no-store' };
    if (production)
      headers['set-cookie'] = [ownCookies(one)[0], onDomain(name, named ? nonce : payload, 'Max-Age=300; HttpOnly')];
    else back.searchParams.set(name, named ? nonce : payload);
    return response.writeHead(307, { ...headers, location: back.href }).end();
  };

  const accepts = (url) => URL.canParse(url) && [party(), ...origins].includes(new URL(url).origin);

  // The requests of clerk-js, in the shapes of Clerk's Frontend API. Sources: clerk/javascript
  // packages/clerk-js/src/core/fapiClient.ts (methods in `_method`, credentials included), core/auth/devBrowser.ts,
  // core/resources/{Environment,Client,Session,Token,User}.ts.
  const frontend = async (request, response, url) => {
    const { origin } = request.headers;
    if (!origin || !accepts(origin)) return problem(response, 400, 'origin_invalid');
    const shared = {
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
      'cache-control': 'no-store',
    };
    if (request.method === 'OPTIONS') {
      const headers = {
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '',
        'access-control-max-age': '600',
      };
      return response.writeHead(204, { ...shared, ...headers }).end();
    }
    for (const [name, value] of Object.entries(shared)) response.setHeader(name, value);
    if (broken('frontend', response)) return undefined;
    const one = client(request, url.searchParams);
    const [, , kind, , sid, verb] = url.pathname.split('/');
    const own = sid && sessions.get(sid)?.client_id === one.token && liveSession({ session: sid });
    const described = async (session) => {
      const [name, { name: called = name, memberships = [] }] = Object.entries(PERSONAS).find(
        ([, { sub }]) => sub === session.user_id,
      );
      const [first_name, last_name = ''] = called.split(' ');
      const member = ({ id: organization, slg, rol }) => ({
        object: 'organization_membership',
        id: `orgmem_${organization.slice(4)}`,
        role: `org:${rol}`,
        permissions: [],
        public_metadata: {},
        organization: {
          object: 'organization',
          id: organization,
          name: slg,
          slug: slg,
          public_metadata: {},
          created_at: session.created_at,
          updated_at: session.updated_at,
        },
        created_at: session.created_at,
        updated_at: session.updated_at,
      });
      const user = {
        ...users.get(session.user_id),
        private_metadata: undefined,
        first_name,
        last_name,
        email_addresses: [],
        phone_numbers: [],
        web3_wallets: [],
        external_accounts: [],
        enterprise_accounts: [],
        passkeys: [],
        organization_memberships: memberships.map(member),
      };
      return {
        ...session,
        actor: null,
        tasks: null,
        factor_verification_age: [1, -1],
        user,
        public_user_data: { first_name, last_name, user_id: session.user_id },
        last_active_token: { object: 'token', jwt: await token(session, { azp: origin }) },
      };
    };
    const whole = async () => {
      const live = [...sessions.values()].filter(
        (session) => session.client_id === one.token && liveSession({ session: session.id }),
      );
      return {
        object: 'client',
        id: `client_${one.token}`,
        sessions: await Promise.all(live.map(described)),
        sign_in: null,
        sign_up: null,
        last_active_session_id: liveSession(one)?.id ?? null,
        cookie_expires_at: null,
        created_at: Date.now(),
        updated_at: Date.now(),
      };
    };
    const respondDeleted = async (some) => {
      some.forEach((session) => end(session, 'removed'));
      if (!liveSession(one)) Object.assign(one, { session: null, uat: 0 });
      return json(response, 200, { response: some.at(-1) ?? null, client: await whole() });
    };
    switch (
      `${url.searchParams.get('_method') ?? request.method} ${[kind, sid && 'sessions/id', verb].filter(Boolean).join('/')}`
    ) {
      case 'POST dev_browser':
        return json(response, 200, { object: 'dev_browser', id: one.token });
      case 'GET environment':
      case 'PATCH environment':
        return json(response, 200, environment());
      case 'GET client':
        return json(response, 200, { response: await whole(), client: null });
      case 'DELETE client':
        return respondDeleted(
          [...sessions.values()].filter((session) => session.client_id === one.token && session.status === 'active'),
        );
      case 'POST client/sessions/id/tokens':
        return own
          ? json(response, 200, { object: 'token', jwt: await token(own, { azp: origin }) })
          : problem(response, 404, 'resource_not_found');
      case 'POST client/sessions/id/touch':
        return own
          ? json(response, 200, { response: await described(own), client: await whole() })
          : problem(response, 404, 'resource_not_found');
      case 'POST client/sessions/id/end':
      case 'POST client/sessions/id/remove':
        return own ? respondDeleted([own]) : problem(response, 404, 'resource_not_found');
      default:
        return problem(response, 404, 'resource_not_found');
    }
  };
  const environment = () => {
    const urls = [
      'after_sign_in',
      'after_sign_up',
      'after_sign_out_one',
      'after_sign_out_all',
      'after_switch_session',
      'home',
    ].map((name) => [`${name}_url`, `${party()}/`]);
    const pages = [
      ['sign_in', 'sign-in'],
      ['sign_up', 'sign-up'],
      ['user_profile', 'user'],
    ].map(([name, page]) => [`${name}_url`, `${issuer}/${page}`]);
    return {
      object: 'environment',
      id: '',
      maintenance_mode: false,
      auth_config: { object: 'auth_config', id: '', single_session_mode: bounces, reverification: true },
      display_config: {
        object: 'display_config',
        id: '',
        instance_environment_type: production ? 'production' : 'development',
        application_name: 'The local stack',
        theme: {},
        ...Object.fromEntries([...urls, ...pages]),
      },
      user_settings: {
        attributes: {},
        social: {},
        sign_in: { second_factor: { required: false } },
        sign_up: { mode: 'public' },
      },
      organization_settings: { enabled: true, max_allowed_memberships: 5 },
    };
  };

  /** The personas as links; a chosen one gets a session of this browser and returns to the page that it came from. */
  const signIn = (request, response, query, path) => {
    const hub = party();
    const wanted = query.get('redirect_url') ?? `${hub}/`;
    const back = accepts(wanted) ? wanted : `${hub}/`;
    // The accounts portal has its own host; only the Frontend API's has the cookie.
    if (production && request.headers.host !== new URL(issuer).host)
      return response.writeHead(302, { location: `${issuer}${path}?${query}` }).end();
    const persona = query.get('as');
    const one = client(request, query);
    const chosen = persona && Object.hasOwn(PERSONAS, persona);
    if (chosen || (bounces && liveSession(one))) {
      if (chosen) {
        const session = begin(PERSONAS[persona].sub, {
          client: one.token,
          organization: PERSONAS[persona].o?.id ?? null,
        });
        Object.assign(one, { session: session.id, uat: seconds() });
      }
      const to = new URL(back);
      if (!production) to.searchParams.set('__clerk_db_jwt', one.token);
      return response
        .writeHead(302, { location: to.href, 'cache-control': 'no-store', 'set-cookie': ownCookies(one) })
        .end();
    }
    const keep = new URLSearchParams([...query].filter(([name]) => name !== 'as'));
    const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
    const row = ([name, { who }]) =>
      `<li><a href="${escaped(`${path}?as=${name}&${keep}`)}">${name}</a>: ${who}. <a href="/dev/token/${name}">token</a></li>`;
    const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Sign in (local stand-in)</title><link rel="icon" href="data:,">
<style>body{font:1rem/1.6 system-ui;max-width:42rem;margin:3rem auto;padding:0 1rem}</style><main><h1>Sign in</h1><p>This stands in for Clerk on your machine. Choose who you are:</p><ul>${Object.entries(PERSONAS).map(row).join('')}</ul></main>
<script>
// clerk-js says behind the # where to go back to, as Clerk's own pages read it.
const { redirect_url: wanted } = Object.fromEntries(new URLSearchParams(location.hash.replace(/^#\\/?\\??/, '')));
for (const link of wanted ? document.querySelectorAll('a[href*="as="]') : []) {
  const url = new URL(link.href);
  url.searchParams.set('redirect_url', wanted);
  link.href = url.href;
}
</script></html>`;
    return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
  };

  /** The sign-out of another application of this instance; in development it reaches no cookie of the Hub. */
  const signOut = (request, response, query) => {
    const one = client(request, query);
    const session = liveSession(one);
    if (session) end(session, 'ended');
    Object.assign(one, { session: null, uat: 0 });
    return response
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'set-cookie': ownCookies(one) })
      .end('<!doctype html><html lang="en"><title>Signed out (local stand-in)</title><h1>Signed out</h1></html>');
  };

  const levers = {
    'GET /dev/personas': (_, response) => json(response, 200, PERSONAS),
    'GET /dev/stats': (_, response) => json(response, 200, stats),
    'GET /dev/messages': (_, response) => json(response, 200, deliveries),
    // Messages in flight arrive first, so that none reaches the next test.
    'POST /dev/reset': async (_, response) => {
      await Promise.allSettled(pending);
      reset();
      deliveries = [];
      delivering = true;
      refreshing = false;
      carrier = 'nonce';
      life = 60;
      bounces = Boolean(production);
      Object.assign(stats, { jwks: 0, tokens: 0, backend: [], handshakes: [] });
      await onReset();
      json(response, 200, {});
    },
    'POST /dev/rotate-keys': async (request, response) => json(response, 200, await rotate(await body(request))),
    'POST /dev/outage': async (request, response) => {
      const { mode, part = 'jwks' } = await body(request);
      if (!MODES.includes(mode) || !PARTS.includes(part))
        return json(response, 400, { error: `mode is one of ${MODES.join(', ')}; part one of ${PARTS.join(', ')}` });
      modes[part] = mode;
      return json(response, 200, modes);
    },
    'POST /dev/sessions': async (request, response) => {
      const { persona, organization } = await body(request);
      json(
        response,
        200,
        begin(PERSONAS[persona].sub, {
          organization: organization === undefined ? (PERSONAS[persona].o?.id ?? null) : organization,
        }),
      );
    },
    'POST /dev/instance': async (request, response) => {
      const wanted = await body(request);
      refreshing = wanted.refresh ?? refreshing;
      carrier = wanted.carrier ?? carrier;
      life = wanted.life ?? life;
      bounces = wanted.bounces ?? bounces;
      json(response, 200, { refreshing, carrier, life, bounces });
    },
    'POST /dev/deliver': async (request, response) => {
      delivering = (await body(request)).deliver !== false;
      json(response, 200, { delivering });
    },
    'POST /dev/webhook': async (request, response) => {
      const { type, data, ...more } = await body(request);
      json(response, 200, await emit(type, data, { once: true, ...more }));
    },
    'POST /dev/sign': async (request, response) => {
      const { payload, header, by = 'jose' } = await body(request);
      if (by === 'jose') return json(response, 200, { token: await sign(payload, header) });
      // Clerk's own helper, for the tests that compare the Hub with Clerk's SDK.
      const { signJwt } = await import('@clerk/backend/jwt');
      const all = { alg: 'RS256', kid: keys[0].jwk.kid, typ: 'JWT', ...header };
      return json(response, 200, {
        token: await signJwt(payload, await exportJWK(keys[0].privateKey), { algorithm: 'RS256', header: all }),
      });
    },
  };

  const handle = async (request, response, url) => {
    const lever = levers[`${request.method} ${url.pathname}`];
    if (lever) return lever(request, response);
    if (request.method === 'GET' && url.pathname.startsWith('/dev/token/')) {
      const persona = url.pathname.slice('/dev/token/'.length);
      if (!Object.hasOwn(PERSONAS, persona))
        return json(response, 404, { error: `personas: ${Object.keys(PERSONAS).join(', ')}` });
      const session = sessions.get(url.searchParams.get('sid') ?? PERSONAS[persona].sid);
      // Clerk returns no token for a session that has ended.
      if (session?.status !== 'active' || !users.has(session.user_id))
        return problem(response, 404, 'resource_not_found');
      const part = (name) => JSON.parse(Buffer.from(url.searchParams.get(name) ?? 'e30', 'base64url'));
      return json(response, 200, { token: await token(session, part('claims'), part('header')), expires_in: 60 });
    }
    if (url.pathname === '/v1/client/handshake' && request.method === 'GET')
      return handshake(request, response, url.searchParams);
    if (/^\/v1\/(client|dev_browser|environment)(\/|$)/.test(url.pathname)) return frontend(request, response, url);
    if (url.pathname.startsWith('/v1/')) return backend(request, response, url);
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /.well-known/jwks.json':
        stats.jwks += 1;
        return broken('jwks', response)
          ? undefined
          : json(response, 200, { keys: keys.map((key) => key.jwk) }, { 'cache-control': 'public, max-age=300' });
      case 'GET /sign-in':
      case 'GET /sign-up':
        return signIn(request, response, url.searchParams, url.pathname);
      case 'GET /sign-out':
        return signOut(request, response, url.searchParams);
      case 'GET /user':
        return response
          .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
          .end(
            '<!doctype html><html lang="en"><title>Account (local stand-in)</title><h1>Your account</h1><p>Clerk’s account page stands here.</p></html>',
          );
      default:
        return problem(response, 404, 'resource_not_found');
    }
  };

  const server = await serve(port, handle, log);
  const secure = production && (await serve(production.port, handle, log, production.tls));
  return { stop: () => Promise.all([server.stop(), secure?.stop()]), issuer, suffix, organizations: ORGANIZATIONS };
}

/** Returns a cookie of a request. */
const cookie = (request, name) =>
  request.headers.cookie
    ?.split('; ')
    .find((one) => one.startsWith(`${name}=`))
    ?.slice(name.length + 1);

async function newKey(kid) {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}

/** Posts a message to the Hub; returns the status, 0 if there is no response. */
function deliver(url, ca, headers, text) {
  return new Promise((resolve) => {
    const request = https.request(
      url,
      {
        method: 'POST',
        ca,
        headers: { ...headers, 'content-length': Buffer.byteLength(text) },
        lookup: loopback,
        timeout: 15_000,
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(0));
    request.end(text);
  });
}
