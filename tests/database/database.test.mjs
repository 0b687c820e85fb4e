// The database on its own, on the PostgreSQL versions that Supabase has: the SQL tests of supabase/tests, and the
// catalog against TABLES and FUNCTIONS (A-1, A-2, A-3, L-1).

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { migrate, query, seed } from '../../dev/postgres.mjs';
import { fresh, helpers, rolledBack } from './helpers/harness.mjs';

const FOLDER = 'supabase/tests';
const files = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.sql') && name !== 'helpers.sql');

for (const version of [17, 15]) {
  describe(`PostgreSQL ${version}`, () => {
    let server;

    before(async () => {
      server = await fresh(version, 'database', 24521, { migrated: false });
    });
    after(() => server?.stop());

    test('the migrations apply, as a role that is no superuser, and a second run has no effect', async () => {
      const { rows } = await query(server.url, "select current_setting('server_version_num')::int / 10000 as major");
      assert.equal(rows[0].major, version);
      assert.equal((await migrate(server.ownerUrl)).length, fs.readdirSync('supabase/migrations').length);
      assert.deepEqual(await migrate(server.ownerUrl), []);
    });

    for (const file of files) {
      test(fs.readFileSync(`${FOLDER}/${file}`, 'utf8').split('\n')[0].replace('-- ', `${file}: `), async () => {
        await rolledBack(server.url, async (client) => {
          // A timestamp does not depend on the database's time zone: one of the two has daylight saving time.
          await client.query(`set local timezone = '${version === 15 ? 'America/New_York' : 'UTC'}'`);
          await client.query(helpers);
          await client.query(fs.readFileSync(`${FOLDER}/${file}`, 'utf8'));
        }).catch((error) => assert.fail(`${error.message}\n${error.where ?? ''}`));
      });
    }

    test('the catalog equals TABLES and FUNCTIONS, in both directions', () => {
      const done = spawnSync('cargo', ['test', '--locked', '--features', 'database-tests', '--test', 'schema'], {
        env: { ...process.env, HUB_TEST_DATABASE_URL: server.url, RUST_BACKTRACE: '0' },
        encoding: 'utf8',
      });
      assert.equal(done.status, 0, done.stdout + done.stderr);
      assert.match(done.stdout, /test result: ok\. \d{2} passed/);
    });

    test('L-1, L-3: every record that the Hub builds of a request is accepted, for any request', () => {
      const done = spawnSync('cargo', ['test', '--locked', '--features', 'database-tests', '--test', 'records'], {
        env: { ...process.env, HUB_TEST_DATABASE_URL: server.url, RUST_BACKTRACE: '0' },
        encoding: 'utf8',
      });
      assert.equal(done.status, 0, done.stdout + done.stderr);
      assert.match(done.stdout, /test result: ok\. [1-9] passed/);
    });

    test('the seed can be repeated and leaves rows of every table for every owner', async () => {
      for (const rows of [200, 60, 200]) await seed(server.url, rows);
      const { rows } = await query(
        server.url,
        `
        select (select count(*)::int from hub.contact_tickets) as tickets, (select count(*)::int from hub.leads) as leads,
          (select count(distinct owner_id)::int from hub.contact_tickets) as owners, (select count(*)::int from hub.ticket_messages where internal) as notes,
          (select count(*)::int from hub.chat_messages) as chats, (select count(*)::int from hub.team_activities) as activities`,
      );
      const { tickets, leads, owners, notes, chats, activities } = rows[0];
      assert.deepEqual([tickets, leads, owners], [200, 50, 3]);
      assert.ok(notes > 0 && chats > 50 && activities > 10);
      // L-1: the seed is written directly, over a connection without a request's settings, and its rows have their
      // values and their hash too.
      const bare = await query(
        server.url,
        "select count(*)::int as rows from hub.team_activities where action in ('insert', 'update') and (salt is null or after is null or row_hash is null)",
      );
      assert.equal(bare.rows[0].rows, 0);
      assert.deepEqual((await query(server.url, 'select * from hub_private.find_drift()')).rows, []);
    });
  });
}
