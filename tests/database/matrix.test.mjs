// A-1, A-2, A-3, L-1: every persona, every table, every verb, on rows of three owners: the rows read and changed are
// those of the golden file, and never those that the rows' own columns forbid. UPDATE_GOLDEN=1 rewrites the golden
// file.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { fresh, rolledBack } from './helpers/harness.mjs';
import { USERS, VERBS, cell, duties, judge, prepare, probe } from './helpers/access-matrix.mjs';

const GOLDEN = 'tests/golden/rows.txt';
const HEAD = `What each persona sees and changes of each table: rows, or why none. denied: no right; policy: no policy lets it; else an SQLSTATE or the
words of a trigger. Where a cell has several, first come the columns that the role is granted (for insert: a row as the own owner has it, then
as another has it), then the whole row. The last persona owns the tables and does not bypass row-level security here. Below each table: what
its triggers do to whoever owns the database, also with session_replication_role = replica where that makes a difference.
UPDATE_GOLDEN=1 node --test tests/database/matrix.test.mjs writes it anew.
`;

const row = (fields) =>
  `  ${fields
    .map((field, place) => field.padEnd(place === 2 ? 28 : 15))
    .join(' ')
    .trimEnd()}`;

for (const version of [17, 15]) {
  describe(`PostgreSQL ${version}`, () => {
    let server;
    before(async () => {
      server = await fresh(version, 'matrix', 24561);
    });
    after(() => server?.stop());

    test('A-1, A-2, A-3, L-1: rows read and rows changed, for every persona, table and verb of the catalog', async () => {
      const grid = [HEAD];
      let cells = 0;
      let wanted;
      await rolledBack(server.url, async (client) => {
        const { personas, tables } = await prepare(client);
        const {
          rows: [count],
        } = await client.query(`
          select (select count(*)::int from pg_class c where c.relnamespace = 'hub'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition) as tables,
            (select count(*)::int from pg_auth_members where member = 'authenticator'::regrole) as roles`);
        wanted = count.tables * (USERS.length + count.roles + 1) * VERBS.length;
        for (const table of tables) {
          assert.ok(table.rows.length > 0, `${table.name} has no row to try`);
          const owners = [...new Set(table.rows.map(({ owner_id }) => owner_id).filter(Boolean))].sort();
          grid.push(
            `\n${[`${table.name}: ${table.rows.length} rows`, ...owners.map((owner) => `${table.rows.filter((one) => one.owner_id === owner).length} of ${owner}`)].join(', ')}`,
          );
          grid.push(row(['', ...VERBS]));
          for (const persona of personas) {
            const line = [persona.name];
            for (const verb of VERBS) {
              const tried = await cell(client, table, persona, verb);
              judge(table, persona, verb, tried);
              line.push(tried.text);
              cells += 1;
            }
            grid.push(row(line));
          }
          for (const duty of duties(table)) {
            const found = await probe(client, table, duty);
            grid.push(found.replaceAll(/^/gm, '  '));
            // L-1, L-3: no row is deleted without a record; Clerk has its own record of its messages.
            const [what, who] = duty;
            if (who === 'nobody' && what !== 'insert' && table.name !== 'webhook_messages')
              assert.match(found, /no actor|append-only/, `${table.name}: ${found}`);
          }
        }
      });
      assert.equal(cells, wanted);
      const text = `${grid.join('\n')}\n`;
      if (process.env.UPDATE_GOLDEN && version === 17) fs.writeFileSync(GOLDEN, text);
      assert.equal(text, fs.readFileSync(GOLDEN, 'utf8'));
      console.log(`${cells} cells`);
    });
  });
}
