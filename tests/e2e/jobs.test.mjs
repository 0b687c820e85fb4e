// The scheduled jobs, fired as Cloudflare would fire them (L-2, I-2).

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { FOLDER, raw, sql, stack, until } from './client.mjs';

const fire = (cron) => raw(`/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}`);
const partitions = async () =>
  (await sql("select count(*)::int as count from pg_inherits where inhparent = 'hub.team_activities'::regclass"))[0]
    .count;

test('L-2: the maintenance job creates missing partitions and deletes old revocations, and may be repeated', async () => {
  const [{ name }] = await sql(
    "select max(relname) as name from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'hub.team_activities'::regclass",
  );
  const whole = await partitions();
  await sql(`drop table hub_private.${name}`);
  await sql(
    "insert into hub.revoked_sessions (subject, reason, expires_at) values ('sess_2hublongago0000000000000', 'test', now() - interval '31 days')",
  );
  for (let run = 0; run < 2; run += 1) {
    assert.equal((await fire('17 3-5 * * *')).status, 200);
    await until('the partition', async () => (await partitions()) === whole);
  }
  await until(
    'the revocation to go',
    async () =>
      (await sql("select 1 from hub.revoked_sessions where subject = 'sess_2hublongago0000000000000'")).length === 0,
  );
});

test('another cron runs nothing', async () => {
  const [{ name }] = await sql(
    "select max(relname) as name from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'hub.team_activities'::regclass",
  );
  const before = await partitions();
  await sql(`drop table hub_private.${name}`);
  await fire('0 0 * * *');
  await new Promise((next) => setTimeout(next, 500));
  assert.equal(await partitions(), before - 1);
  await fire('17 3-5 * * *');
  await until('the partition', async () => (await partitions()) === before);
});

test('A-3: the checks run in steps until each has its row, and not again in the same night', async () => {
  const rows = async () =>
    (await sql("select name from hub.checks where name <> 'retention'")).map(({ name }) => name).sort();
  assert.deepEqual(await rows(), []);
  await sql("insert into hub_private.check_progress (name, part) values ('drift', 7)");
  assert.equal((await fire('43 3-5 * * *')).status, 200);
  // Half of one was done already: it continued from there.
  await until('the checks', async () => (await rows()).length === 2, 60);
  assert.deepEqual(await rows(), ['drift', 'out_of_band']);
  await fire('43 3-5 * * *');
  await new Promise((next) => setTimeout(next, 1000));
  assert.equal((await rows()).length, 2);
});

test('an operator is alerted to a fault through the webhook', async () => {
  const { urls } = await stack();
  const postedAlerts = async () =>
    (await (await fetch(`${urls.supabase}/dev/alerts`)).json()).flatMap(({ alerts }) => alerts);
  await postedAlerts();
  await sql("insert into hub.request_log_rejected (id, content, code, message) values ('of a test', 'x', '', '')");
  try {
    await fire('*/15 * * * *');
    const alerts = await until('the alert', async () => {
      const some = await postedAlerts();
      return some.length > 0 && some;
    });
    assert.ok(
      alerts.some(({ alert, text }) => alert === 'rejected_requests' && /request rows are rejected/.test(text)),
      JSON.stringify(alerts),
    );
    // The queue reports how many dead letters it has, and there are none.
    assert.ok(!alerts.some(({ alert }) => alert === 'dead_letters'), JSON.stringify(alerts));
    assert.doesNotMatch(fs.readFileSync(`${FOLDER}/logs/hub.log`, 'utf8'), /dead_letters.count_failed/);
  } finally {
    await sql("delete from hub.request_log_rejected where id = 'of a test'");
  }
});
