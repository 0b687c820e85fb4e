// The scheduled jobs, fired as Cloudflare would fire them (L-2, I-2).

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { raw, sql, until } from './client.mjs';

const fire = (cron) => raw(`/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}`);
const partitions = async () => (await sql("select count(*)::int as count from pg_inherits where inhparent = 'hub.team_activities'::regclass"))[0].count;

test('L-2: the house job makes missing partitions and forgets old revocations; twice is as good as once', async () => {
  const [{ name }] = await sql("select max(relname) as name from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'hub.team_activities'::regclass");
  const whole = await partitions();
  await sql(`drop table hub_private.${name}`);
  await sql("insert into hub.revoked_sessions (subject, reason, expires_at) values ('sess_2hublongago0000000000000', 'test', now() - interval '31 days')");
  for (let run = 0; run < 2; run += 1) {
    assert.equal((await fire('17 3 * * *')).status, 200);
    await until('the partition', async () => (await partitions()) === whole);
  }
  await until('the revocation to go', async () => (await sql("select 1 from hub.revoked_sessions where subject = 'sess_2hublongago0000000000000'")).length === 0);
});

test('another cron runs nothing', async () => {
  const [{ name }] = await sql("select max(relname) as name from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'hub.team_activities'::regclass");
  const before = await partitions();
  await sql(`drop table hub_private.${name}`);
  await fire('0 0 * * *');
  await new Promise((next) => setTimeout(next, 500));
  assert.equal(await partitions(), before - 1);
  await fire('17 3 * * *');
  await until('the partition', async () => (await partitions()) === before);
});
