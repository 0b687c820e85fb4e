// `make db-check URL=postgres://…`: checks any database for gaps in its catalog (A-1, A-3) and for rows that were
// changed without a row in the audit log (L-1). It only reads: the query of the catalog is the text in the newest
// migration, whatever the database itself has.

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

const MIGRATIONS = 'supabase/migrations';
/** The actor that supabase/seed.sql names. */
const SEED = 'system:seed';

/** Returns the query of the catalog, from the newest migration that contains it. */
export function catalogQuery(folder = MIGRATIONS) {
  const files = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .reverse();
  for (const file of files) {
    const [, text] = fs.readFileSync(path.join(folder, file), 'utf8').split('$catalog$');
    if (text) return text;
  }
  throw new Error(`no migration in ${folder} has a text between $catalog$ tags`);
}

/** Runs all checks; returns the findings and the notes beside them. */
export async function checkDatabase(client) {
  const findings = [];
  const notes = [];
  await client.query("begin read only; set local search_path = ''; set local statement_timeout = '300s'");
  const {
    rows: [known],
  } = await client.query(`select to_regnamespace('hub') is not null as hub, exists (
    select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'hub_private' and p.proname = 'find_drift') as drift,
    exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'hub_private' and p.proname = 'column_findings') as columns`);
  if (!known.hub) {
    notes.push('This database has no schema hub: the Hub was never migrated here, or this is another database.');
  }
  findings.push(...(await client.query(catalogQuery())).rows);
  if (known.columns) {
    const columns = await tryQuery(client, 'select object, finding from hub_private.column_findings()');
    findings.push(...(columns.rows ?? [{ object: 'hub_private.column_findings()', finding: columns.error }]));
  }
  notes.push(`catalog: ${count(findings.length, 'finding')}`);
  if (known.drift) {
    const drift = await tryQuery(client, 'select entity, entity_id, finding from hub_private.find_drift()');
    findings.push(
      ...(drift.rows ?? []).map((row) => ({ object: `hub.${row.entity} ${row.entity_id}`, finding: row.finding })),
    );
    if (drift.error) findings.push({ object: 'hub_private.find_drift()', finding: drift.error });
    notes.push(`drift: ${drift.error ?? count(drift.rows.length, 'row')}`);
    // Migrations, repairs and the seed also bypass the Hub, so these are counted by actor and are no findings.
    const other = await tryQuery(
      client,
      `select actor_id, count(*)::int as rows, max(occurred_at)::text as last from hub.team_activities
      where out_of_band and action <> 'baseline' group by actor_id order by rows desc, actor_id`,
    );
    notes.push(`by another way than the Hub: ${other.error ?? byActor(other.rows)}`);
    if (other.rows?.some((row) => row.actor_id === SEED))
      notes.push(`${SEED} is supabase/seed.sql, which writes the data of a local stack straight into the database`);
  } else {
    notes.push('drift: not checked, because this database has no hub_private.find_drift()');
  }
  await client.query('rollback');
  return { findings, notes };
}

/** Formats as `7 rows, the last at …: 5 by system:seed, 2 by user_…`; the most frequent actors by name. */
function byActor(rows) {
  if (rows.length === 0) return count(0, 'row');
  const sum = (some) => some.reduce((all, row) => all + row.rows, 0);
  const last = rows
    .map((row) => row.last)
    .sort()
    .at(-1);
  const named = rows.slice(0, 5).map((row) => `${row.rows} by ${row.actor_id}`);
  const others = sum(rows.slice(5));
  return `${count(sum(rows), 'row')}, the last at ${last}: ${[...named, ...(others > 0 ? [`${others} by others`] : [])].join(', ')}`;
}

const count = (number, what) => `${number} ${what}${number === 1 ? '' : 's'}`;

/** A missing privilege, with the role of the connection, is distinguished from a finding. */
async function tryQuery(client, text) {
  await client.query('savepoint query');
  try {
    return { rows: (await client.query(text)).rows };
  } catch (error) {
    await client.query('rollback to savepoint query');
    return { error: `query failed: ${error.message}` };
  }
}

async function main() {
  const url = process.env.URL;
  if (!url) return fail('URL is missing: make db-check URL=postgres://user:password@host:5432/database');
  const client = await connected(url).catch((error) =>
    fail(`the database cannot be reached: ${without(url, error.message || error.code)}`),
  );
  if (!client) return;
  try {
    const { findings, notes } = await checkDatabase(client);
    for (const { object, finding } of findings) console.log(`${object}: ${finding}`);
    for (const note of notes) console.log(`-- ${note}`);
    process.exitCode = findings.length > 0 ? 1 : 0;
  } catch (error) {
    fail(`the query of the database failed: ${without(url, error.message)}`);
  } finally {
    await client.end().catch(() => {});
  }
}

async function connected(url) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 15_000 });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Messages of a driver may quote their input. */
function without(url, text) {
  const [, secret] = url.match(/^[^/]*\/\/[^:/?#]*:(.*)@/) ?? [];
  let plain = String(text).replaceAll(url, 'the URL');
  for (const part of [secret, secret && decoded(secret)]) if (part) plain = plain.replaceAll(part, '…');
  return plain;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function fail(reason) {
  console.error(reason);
  process.exitCode = 2;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
