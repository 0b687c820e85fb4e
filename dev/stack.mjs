// The whole local stack, started in order: for `make dev` and for the tests that drive a real client.

import fs from 'node:fs';
import path from 'node:path';
import { startClerk } from './fake-clerk.mjs';
import { startHub } from './wrangler.mjs';
import { PRODUCTION_DOMAIN, certificate, keys as throwAway } from './keys.mjs';
import { waitUntil, port } from './ports.mjs';
import { deleteData, migrate, query, seed, startPostgres } from './postgres.mjs';
import { binary, startPostgrest } from './postgrest.mjs';
import { claim } from './running.mjs';
import { startSupabase } from './fake-supabase-gateway.mjs';

const WANTED = {
  postgres: 24321,
  postgrest: 24322,
  admin: 24323,
  supabase: 24324,
  clerk: 24325,
  hub: 8787,
  inspector: 24326,
};
/** The file in the data folder that records the processes of this stack. */
export const RECORD = 'running.json';
/** Hubs that a test starts with `restart(name)`; `production` requires `clerkLive` before it. */
const VARIANTS = ['producer', 'impatient', 'production'];
/** The production instance of Clerk that a test starts with `restart('clerkLive')`. */
const LIVE = { clerkLive: 24335, clerkLiveTls: 24336 };

/**
 * Starts Postgres, PostgREST, the Supabase proxy, the Clerk stand-in and the Hub, each when the one before responds.
 *
 * @param {object} options
 * @param {string} options.dataDir  the folder of data, keys and logs
 * @param {boolean} [options.fresh] delete the data first
 * @param {string} [options.from]   a data folder of PostgreSQL that has been stopped: new data begin as a copy of it
 * @param {number} [options.shift]  added to every wanted port, so that two stacks do not meet
 * @param {boolean} [options.hub]   omit the Hub if false
 * @param {boolean} [options.http]  a second Hub over plain http for the request checks, and the variants of ASKED
 * @param {string[]} [options.origins] of browser apps that may call the Hub
 * @param {(line: string) => void} [options.say]
 * @returns `{ urls, keys, vars, certificate, parts, stop(), halt(name), kill(name), restart(name), onDeath(listener) }`
 */
export async function startStack({
  dataDir,
  fresh = false,
  from,
  shift = 0,
  hub = true,
  http = false,
  origins = [],
  say = () => {},
}) {
  const folder = path.resolve(dataDir);
  const data = path.join(folder, 'postgres');
  const log = (name) => path.join(folder, 'logs', `${name}.log`);
  fs.mkdirSync(path.join(folder, 'logs'), { recursive: true });
  // Before anything is started for it.
  const { version } = binary();
  const claimed = await claim(path.join(folder, RECORD));
  if (claimed.orphans.length > 0)
    say(`ended processes of a previous run that was killed: ${claimed.orphans.join(', ')}`);
  const writer = (name) => {
    fs.writeFileSync(log(name), '');
    return (line) => fs.appendFileSync(log(name), `${String(line).trimEnd()}\n`);
  };
  if (fresh) deleteData(data);
  const ports = {};
  for (const [name, wanted] of Object.entries(WANTED)) ports[name] = await port(name, wanted + shift, say);
  const others = http ? ['http', ...VARIANTS] : [];
  for (const [place, name] of others.entries()) {
    ports[name] = await port(name, 8887 + 10 * place + shift, say);
    ports[`${name}Inspector`] = await port('inspector', 24327 + place + shift, say);
  }
  if (http) for (const [name, wanted] of Object.entries(LIVE)) ports[name] = await port(name, wanted + shift, say);
  const keys = await throwAway(folder);
  const tls = certificate(folder);
  const urls = {
    hub: `https://localhost:${ports.hub}`,
    ...Object.fromEntries(
      others.map((name) => [name, `${name === 'http' ? 'http' : 'https'}://localhost:${ports[name]}`]),
    ),
    ...(http
      ? {
          production: `https://hub.${PRODUCTION_DOMAIN}:${ports.production}`,
          clerkLive: `http://127.0.0.1:${ports.clerkLive}`,
          clerkLiveTls: `https://clerk.${PRODUCTION_DOMAIN}:${ports.clerkLiveTls}`,
        }
      : {}),
    clerk: `http://127.0.0.1:${ports.clerk}`,
    supabase: `http://127.0.0.1:${ports.supabase}`,
    postgrest: `http://127.0.0.1:${ports.postgrest}`,
  };
  // A development instance; clerk-js recognizes one by its host's name, and `proxyUrl` names the stand-in as its
  // Frontend API.
  const publishableKey = `pk_test_${Buffer.from(`local-${ports.clerk}.clerk.accounts.dev$`).toString('base64url')}`;
  const vars = {
    HUB_ENV: 'local',
    HUB_ORIGIN: urls.hub,
    CLERK_PUBLISHABLE_KEY: publishableKey,
    CLERK_ISSUER: urls.clerk,
    CLERK_JWKS_URL: `${urls.clerk}/.well-known/jwks.json`,
    CLERK_API_URL: urls.clerk,
    CLERK_ACCOUNTS_URL: urls.clerk,
    CLERK_SECRET_KEY: keys.clerk.secretKey,
    CLERK_WEBHOOK_SECRETS: keys.clerk.webhookSecret,
    CLERK_AUTHORIZED_PARTIES: [urls.hub, ...origins].join(','),
    SUPABASE_URL: urls.supabase,
    SUPABASE_PUBLISHABLE_KEY: keys.publishable,
    HUB_SIGNING_KEYS: keys.signing,
    ALERT_WEBHOOK_URL: `${urls.supabase}/dev/alerts`,
  };
  // As deployed: issuer and sign-in pages follow from the publishable key. Only the upstreams that the Worker fetches
  // are on loopback.
  const { CLERK_ISSUER, CLERK_ACCOUNTS_URL, ...rest } = vars;
  const liveVars = http && {
    ...rest,
    HUB_ORIGIN: urls.production,
    CLERK_AUTHORIZED_PARTIES: urls.production,
    CLERK_PUBLISHABLE_KEY: `pk_live_${Buffer.from(`clerk.${PRODUCTION_DOMAIN}:${ports.clerkLiveTls}$`).toString('base64')}`,
    CLERK_JWKS_URL: `${urls.clerkLive}/.well-known/jwks.json`,
    CLERK_API_URL: urls.clerkLive,
    CLERK_SECRET_KEY: keys.clerk.liveSecretKey,
  };

  // A reset restores the users at Clerk, and lifts the Hub's own revocations.
  const lift = () =>
    query(
      urls.database,
      "set hub.actor_id = 'system:dev'; set hub.actor_kind = 'system'; delete from hub.revoked_sessions",
    );
  const parts = {};
  let stopping = false;
  let reportDeath = () => {};
  const another = (name, more) =>
    startHub({
      port: ports[name],
      inspectorPort: ports[`${name}Inspector`],
      vars,
      folder: path.join(folder, 'wrangler'),
      log: log(name),
      ...more,
    });
  const starters = {
    postgres: async () => {
      const server = await startPostgres({ dataDir: data, from, port: ports.postgres, log: log('postgres') });
      [urls.database, urls.owner, urls.authenticator] = [server.url, server.ownerUrl, server.authenticatorUrl];
      return server;
    },
    postgrest: () =>
      startPostgrest({
        databaseUrl: urls.authenticator,
        jwks: keys.verifying,
        port: ports.postgrest,
        adminPort: ports.admin,
        log: log('postgrest'),
      }),
    supabase: () =>
      startSupabase({
        port: ports.supabase,
        postgrestPort: ports.postgrest,
        publishable: keys.publishable,
        log: writer('supabase'),
      }),
    clerk: () =>
      startClerk({
        origins,
        onReset: lift,
        port: ports.clerk,
        party: () => urls.hub,
        trust: tls.text,
        publishableKey,
        ...keys.clerk,
        log: writer('clerk'),
      }),
    ...(hub ? { hub: () => another('hub', { inspectorPort: ports.inspector, tls }) } : {}),
    ...(hub && http ? { http: () => another('http', { protocol: 'http' }) } : {}),
    ...Object.fromEntries(
      VARIANTS.map((variant) => [
        variant,
        () => another(variant, { variant, tls, ...(variant === 'production' ? { vars: liveVars } : {}) }),
      ]),
    ),
    clerkLive: () =>
      startClerk({
        port: ports.clerkLive,
        party: () => urls.production,
        trust: tls.text,
        publishableKey: liveVars.CLERK_PUBLISHABLE_KEY,
        webhookSecret: keys.clerk.webhookSecret,
        secretKey: keys.clerk.liveSecretKey,
        production: { domain: PRODUCTION_DOMAIN, port: ports.clerkLiveTls, tls },
        log: writer('clerk-live'),
      }),
  };
  const begin = async (name) => {
    parts[name] = await starters[name]();
    parts[name].onEnd = (why) => {
      if (!stopping) reportDeath(name, why, parts[name].tail?.() ?? '');
    };
  };
  const halt = async (name) => {
    const part = parts[name];
    if (!part) return;
    delete parts[name];
    part.onEnd = () => {};
    await part.stop();
  };
  // As in a crash; for Postgres, `whole` kills every process of it, so that none is left to notice.
  const kill = async (name, whole) => {
    const part = parts[name];
    delete parts[name];
    part.onEnd = () => {};
    await part.kill(whole);
  };
  const stop = async () => {
    stopping = true;
    // The database last, so that requests in flight still find it.
    await Promise.all(
      Object.keys(parts)
        .filter((name) => name !== 'postgres')
        .map(halt),
    );
    await halt('postgres');
    claimed.release();
  };
  const stack = {
    urls,
    keys,
    vars,
    liveVars,
    certificate: tls.text,
    parts,
    stop,
    halt,
    kill,
    restart: async (name) => {
      await halt(name);
      await begin(name);
      if (name === 'postgres' && parts.postgrest) await ready(ports.admin);
    },
    onDeath: (listener) => {
      reportDeath = listener;
    },
  };
  try {
    for (const name of Object.keys(starters).filter((name) => !VARIANTS.includes(name) && name !== 'clerkLive')) {
      say(name === 'postgrest' ? `postgrest … (${version})` : `${name} …`);
      await begin(name);
      if (name === 'postgres') await prepare(urls, say);
    }
    claimed.note({ urls });
    return stack;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function prepare(urls, say) {
  const applied = await migrate(urls.owner);
  if (applied.length > 0) say(`  ${applied.length} migrations applied`);
  // Read from the data: a start may have been interrupted between the last migration and the seed.
  const {
    rows: [{ empty }],
  } = await query(
    urls.database,
    `select not exists (select from hub.contact_tickets) and not exists (select from hub.leads)
    and not exists (select from hub.team_activities where actor_id = 'system:seed') as empty`,
  );
  if (empty) {
    await seed(urls.database);
    say('  seeded');
  }
}

const ready = (adminPort) =>
  waitUntil('PostgREST', async () => (await fetch(`http://127.0.0.1:${adminPort}/ready`)).ok);
