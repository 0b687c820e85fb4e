// A cluster of each version with every migration applied, from which the servers of the tests are copied: `node
// tests/database/template.mjs` creates those that do not exist. Without one a test's server creates its own, which
// takes some seconds more.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { port } from '../../dev/ports.mjs';
import { deleteData, migrate, startPostgres } from '../../dev/postgres.mjs';
import { claim } from '../../dev/running.mjs';

const folder = (version) => `.local/template-${version}`;

/** The inputs of a template. The migrations create partitions for the months around the day they are applied. */
function recipe(version) {
  const made = createHash('sha256').update(`${version} ${new Date().toISOString().slice(0, 10)}`);
  const migrations = fs
    .readdirSync('supabase/migrations')
    .sort()
    .map((name) => `supabase/migrations/${name}`);
  for (const file of ['package-lock.json', 'dev/postgres.mjs', ...migrations])
    made.update(file).update(fs.readFileSync(file));
  return made.digest('hex');
}

const made = (version) =>
  fs.existsSync(`${folder(version)}.recipe`) &&
  fs.readFileSync(`${folder(version)}.recipe`, 'utf8') === recipe(version);

/** Returns the data folder from which a server of this version may be copied, if it has the current migrations. */
export const template = (version) => (made(version) ? folder(version) : undefined);

async function make(version) {
  if (made(version)) return;
  const dataDir = folder(version);
  const claimed = await claim(`${dataDir}.json`);
  fs.rmSync(`${dataDir}.recipe`, { force: true });
  deleteData(dataDir);
  const server = await startPostgres({ version, dataDir, port: await port('postgres', 24641 + version) });
  await migrate(server.ownerUrl);
  await server.stop();
  fs.writeFileSync(`${dataDir}.recipe`, recipe(version));
  claimed.release();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await Promise.all([17, 15].map(make));
