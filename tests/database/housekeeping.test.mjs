// L-2, L-1: the nightly maintenance as it runs in production: two concurrent runs, beside users who change the very
// rows that are carried over, and with more to carry over than one run does. ROWS is the number of rows of each expired
// month.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import pg from 'pg';
import { query } from '../../dev/postgres.mjs';
import { fresh } from './helpers/harness.mjs';

const ROWS = Number(process.env.ROWS ?? 5000);
/**
 * The tasks of `src/handlers/maintenance.rs`, in this order, and its limit of steps, after which the rest is left to the next
 * run.
 */
const TASKS = ['partitions', 'deletions', 'retention'];
const MOST_STEPS = 100;
/**
 * The start of a call of the Hub's own, as PostgREST sends it: the claims, the role, the pre-request, and the
 * function's statement_timeout.
 */
const BEGIN = `begin; set local statement_timeout = '60s'; set local request.method = 'POST'; set local request.headers = '{}';
  set local request.jwt.claims = '{"role": "hub_system", "sub": "system:maintenance"}'; set local role = 'hub_system'; select hub_private.before_request()`;
const wait = (ms) => new Promise((next) => setTimeout(next, ms));

/** The months whose last day is more than 24 months ago, the oldest first, and the youngest that is retained. */
const OVER = [28, 27];
const RETAINED_MONTHS = 24;
const month = (ago) => `date_trunc('month', now() at time zone 'utc') - interval '${ago} months'`;

/**
 * Leads that are unchanged since their insert, so that the only hash of each is in an expired month; rows of the
 * retained month; and as many expired request rows, messages and revocations.
 */
const old = (rows) => `
  begin;
  set local hub.actor_id = 'system:test'; set local hub.actor_kind = 'system';
  create temporary table always on commit drop as select tgname from pg_trigger where tgrelid = 'hub.leads'::regclass and tgenabled = 'A';
  set local role postgres;
  select hub_private.make_partitions(${OVER[0]}, ${month(OVER[0])} + interval '12 hours');
  reset role;
  alter table hub.leads disable trigger user;
  ${OVER.map(
    (ago) => `
  with made as (insert into hub.leads (name, email) select 'Kept ${ago} ' || n, n || '@example.com' from generate_series(1, ${rows}) n returning *)
  insert into hub.team_activities (occurred_at, actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, salt, values_hash, row_hash)
  select ${month(ago)} + interval '13 hours', 'system:test', 'system', 'system', 'test', 'insert', 'leads', id::text, '\\x00', '\\x00', hub_private.row_hash('\\x00', to_jsonb(made)) from made;`,
  ).join('')}
  do $$ declare name text; begin for name in select tgname from always loop execute format('alter table hub.leads enable always trigger %I', name); end loop; end $$;
  insert into hub.team_activities (occurred_at, actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, salt, values_hash)
  select ${month(RETAINED_MONTHS)} + interval '1 hour', 'system:test', 'system', 'system', 'test', 'export', 'leads', '', '\\x00', hub_private.values_hash('\\x00', null, null) from generate_series(1, 100);
  insert into hub.request_log (occurred_at, request_id, method, route, who, outcome)
  select now() - interval '13 months', '02ARZ3ND' || lpad(n::text, 18, '0'), 'GET', '/', 'nobody', 'allowed' from generate_series(1, ${rows}) n;
  insert into hub.request_log (occurred_at, request_id, method, route, who, outcome)
  select now() - interval '11 months', '03ARZ3ND' || lpad(n::text, 18, '0'), 'GET', '/', 'nobody', 'allowed' from generate_series(1, 100) n;
  commit;
  analyze hub.leads, hub.team_activities, hub.request_log`;

for (const version of [17, 15]) {
  describe(`PostgreSQL ${version}`, () => {
    let server;
    const open = [];

    before(async () => {
      server = await fresh(version, 'housekeeping', 24621);
      await query(server.url, old(ROWS));
    });
    after(async () => {
      await Promise.all(open.map((client) => client.end()));
      await server?.stop();
    });

    const connect = async () => {
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      return open[open.push(client) - 1];
    };

    /** Returns a session of the Hub's own: each call is a transaction, prepared as PostgREST prepares it. */
    const connectMaintenance = async () => {
      const client = await connect();
      const begin = () => client.query(BEGIN);
      const end = (statement = 'commit') => client.query(statement);
      const runTask = async (task) =>
        (await client.query('select hub.keep_house($1) as report', [task])).rows[0].report;
      const step = async (task) => {
        await begin();
        try {
          const report = await runTask(task);
          await end();
          return report;
        } catch (error) {
          await end('rollback');
          throw error;
        }
      };
      /** Runs the job once; returns the results of its steps, and the duration of the longest. */
      const run = async (steps = MOST_STEPS) => {
        const reports = [];
        let longest = 0;
        for (const task of TASKS) {
          for (let left = steps, report = {}; left > 0 && !report.done; left -= report.busy ? 1 / 80 : 1) {
            const began = Date.now();
            report = await step(task);
            longest = Math.max(longest, Date.now() - began);
            reports.push(report);
            // An eightieth of the time that the job waits for a concurrent run.
            if (report.busy) await wait(250);
          }
        }
        return { reports, longest };
      };
      return { begin, runTask, end, step, run };
    };

    const rows = async (text) => (await query(server.url, text)).rows;
    const one = async (text) => Object.values((await rows(text))[0])[0];
    const over = () => one(`select count(*)::int from hub_private.months_over(now())`);
    const total = (reports, name) => reports.reduce((sum, report) => sum + (report[name] ?? 0), 0);
    const dropped = (reports) =>
      reports.flatMap((report) => report.retired?.findings ?? []).filter(({ rows: count }) => count > 0);

    test('L-2: a concurrent second run gets the result busy, and waits for nothing', async () => {
      const [first, second] = [await connectMaintenance(), await connectMaintenance()];
      await first.begin();
      const report = await first.runTask('deletions');
      assert.equal(report.requests_forgotten, ROWS);
      for (const task of [...TASKS, null])
        assert.deepEqual(await second.step(task), { done: false, busy: true }, String(task));
      await first.end('rollback');
      // The rolled back rows exist for the next one.
      assert.equal(
        await one("select count(*)::int from hub.request_log where occurred_at < now() - interval '12 months'"),
        ROWS,
      );
    });

    test('L-2: a step waits for no row that is being changed, and returns busy if it can do nothing else', async () => {
      const [{ step }, user] = [await connectMaintenance(), await connect()];
      const [{ first, last, others }] =
        await rows(`select (array_agg(entity_id order by id))[1] as first, (array_agg(entity_id order by id desc))[1] as last,
        (array_agg(entity_id order by id))[2:200] as others from hub.team_activities where entity = 'leads' and action = 'insert' and occurred_at < ${month(OVER[1])}`);
      const begin = () =>
        user.query("begin; set local hub.actor_id = 'system:test'; set local hub.actor_kind = 'system'");
      const change = (ids) => user.query("update hub.leads set notes = 'changed' where id = any ($1)", [ids]);
      const carried = () => one('select coalesce(sum(carried), 0)::int from hub_private.retention_progress');
      await begin();
      await change([first]);
      while (!(await step('retention')).busy);
      assert.equal(await carried(), 0);
      // Rolled back: the row needs its old hash carried over.
      await user.query('rollback');
      await begin();
      await change([last]);
      const going = step('retention');
      await wait(300);
      // Of rows that the step has locked by now, while the other transaction holds one that the step needs.
      await change(others);
      await user.query('commit');
      assert.ok(!(await going).done && (await carried()) > 0);
    });

    test('L-2, L-1: two concurrent runs, beside changes of the rows they carry over: both end, nothing is lost or carried twice', async () => {
      const maintenanceRuns = [await connectMaintenance(), await connectMaintenance()];
      let working = true;
      let changes = 0;
      // Each changes its own rows, some in one statement and some after another.
      const writers = [0, 1].map(async (mine) => {
        const client = await connect();
        while (working) {
          await client.query("begin; set local hub.actor_id = 'system:test'; set local hub.actor_kind = 'system'");
          for (let statements = 1 + (changes % 3); statements > 0; statements -= 1) {
            await client.query(
              "update hub.leads set notes = coalesce(notes, '') || 'x' where id in (select id from hub.leads where right(name, 1)::int % 2 = $1 order by random() limit 3)",
              [mine],
            );
          }
          await client.query('commit');
          changes += 1;
        }
      });
      const runs = await Promise.all(maintenanceRuns.map(({ run }) => run().finally(() => (working = false))));
      await Promise.all(writers);
      const reports = runs.flatMap((run) => run.reports);
      assert.ok(changes > 0 && runs.every((run) => run.reports.at(-1).done), JSON.stringify(reports.slice(-5)));
      assert.ok(runs.every(({ longest }) => longest < 60_000));
      assert.deepEqual(
        [total(reports, 'requests_forgotten'), await one('select count(*)::int from hub.request_log')],
        [ROWS, 100],
      );
      assert.deepEqual(
        dropped(reports).map(({ rows: count }) => count),
        OVER.map(() => ROWS),
      );
      const [{ carried, entities }] = await rows(
        "select count(*)::int as carried, count(distinct entity_id)::int as entities from hub.team_activities where action = 'baseline' and entity = 'leads'",
      );
      assert.deepEqual(
        [carried, carried],
        [entities, dropped(reports).reduce((sum, { carried_over: count }) => sum + count, 0)],
      );
      assert.equal(await one("select count(*)::int from hub.team_activities where action = 'export'"), 100);
      assert.equal(await one('select count(*)::int from hub_private.retention_progress'), 0);
      // Every live row has a hash that matches it, the changed ones too.
      assert.deepEqual(await rows('select * from hub_private.find_drift()'), []);
      assert.equal(await over(), 0);
    });

    test('L-2: a month with more to carry over than a run does continues in the next one, each step bounded, and nothing is lost', async () => {
      const before = await one("select count(*)::int from hub.team_activities where action = 'baseline'");
      await query(
        server.url,
        old(ROWS)
          .replaceAll('02ARZ3ND', '04ARZ3ND')
          .replaceAll('03ARZ3ND', '05ARZ3ND')
          .replaceAll("'Kept ", "'Kept again "),
      );
      const { run } = await connectMaintenance();
      const runs = [];
      // Two steps of each task a run: as if each run had the time of two steps.
      while ((await over()) > 0) {
        runs.push(await run(2));
        assert.ok(runs.length < 200);
      }
      const reports = runs.flatMap((each) => each.reports);
      assert.ok(runs.length > 1, `${runs.length} runs`);
      // Three seconds of carrying over, and the batch that was started in them.
      assert.ok(runs.every(({ longest }) => longest < 60_000));
      assert.deepEqual(
        dropped(reports).map(({ rows: count, carried_over: carried }) => [count, carried]),
        OVER.map(() => [ROWS, ROWS]),
      );
      const after = await one("select count(*)::int from hub.team_activities where action = 'baseline'");
      assert.equal(after - before, OVER.length * ROWS);
      assert.deepEqual(await rows('select * from hub_private.find_drift()'), []);
      if (process.env.ROWS)
        console.log(
          `PostgreSQL ${version}: ${OVER.length} months of ${ROWS} rows: ${runs.length} runs, ${reports.length} steps, the longest ${Math.max(...runs.map(({ longest }) => longest))} ms`,
        );
    });
  });
}
