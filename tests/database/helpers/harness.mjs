// Shared by the database's test files: a separate server with every migration applied, and a connection that leaves
// nothing.

import fs from 'node:fs';
import pg from 'pg';
import { port } from '../../../dev/ports.mjs';
import { deleteData, migrate, startPostgres } from '../../../dev/postgres.mjs';
import { claim } from '../../../dev/running.mjs';
import { template } from '../template.mjs';

/** Users, rows of two owners and the outcome of a statement, in the session's own pg_temp. */
export const helpers = fs.readFileSync('supabase/tests/helpers.sql', 'utf8');

/** Starts PostgreSQL on deleted data; `wanted` is the port to try first. */
export async function fresh(version, name, wanted, { migrated = true } = {}) {
  const dataDir = `.local/${name}-${version}`;
  // Ends the server of a run that was killed.
  await claim(`${dataDir}.json`);
  deleteData(dataDir);
  deleteWhenPassed(dataDir);
  const server = await startPostgres({
    version,
    dataDir,
    port: await port('postgres', wanted + version),
    from: migrated ? template(version) : undefined,
  });
  if (migrated) await migrate(server.ownerUrl);
  return server;
}

/**
 * Deletes the data of a server when this file's tests have passed and ended it; those of a failure remain for
 * inspection.
 */
export function deleteWhenPassed(dataDir) {
  process.on('exit', (code) => {
    if (code === 0) deleteData(dataDir);
  });
}

/** Runs `use(client)` in a transaction that is always rolled back. */
export async function rolledBack(url, use) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('begin');
    return await use(client);
  } finally {
    await client.query('rollback').catch(() => {});
    await client.end();
  }
}
