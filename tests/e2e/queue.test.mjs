// L-3 under load, through miniflare's queue: requests by the thousand while its consumer fails, the database restarts
// and the Worker dies.
//
// REQUESTS=10000 sets the number. The Hub that receives the requests only sends messages to the queue; the other Hub of
// the stack consumes them, so that the queue outlives the Worker, as Cloudflare's does.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import { FOLDER, client, database_is, raw, sql, stack, token, until } from './client.mjs';

const REQUESTS = Number(process.env.REQUESTS ?? 10_000);
const LANES = 24;

describe('L-3: the queue', () => {
  let running;
  let agent;
  before(async () => {
    running = await stack();
    await running.restart('producer');
    agent = new https.Agent({ keepAlive: true, maxSockets: LANES, ca: running.certificate });
  });
  after(async () => {
    await database_is('ok');
    agent?.destroy();
    await running?.halt('producer');
  });

  const send = (method, path, headers, body) =>
    new Promise((resolve) => {
      const request = https.request(
        `${running.urls.producer}/rest/v1/${path}`,
        { agent, method, headers },
        (response) => {
          response.resume();
          response.on('end', () => resolve({ id: response.headers['x-request-id'], status: response.statusCode }));
          response.on('error', () => resolve(null));
        },
      );
      request.on('error', () => resolve(null));
      request.setTimeout(30_000, () => request.destroy());
      request.end(body);
    });

  test(`${REQUESTS} requests, every third batch failing, one restart of the database, two of the Worker: each has one row`, async () => {
    const leads = (await sql('select id from hub.leads limit 20')).map(({ id }) => id);
    const tokens = {};
    const bearer = async (persona) => {
      const held = tokens[persona];
      if (held && held.until > Date.now()) return held.value;
      const value = `Bearer ${await token(persona)}`;
      tokens[persona] = { value, until: Date.now() + 30_000 };
      return value;
    };
    const json = { 'content-type': 'application/json', 'if-match': '*' };
    const kinds = [
      {
        kind: 'a client reads',
        send: async () => send('GET', 'contact_tickets?select=id&limit=1', { authorization: await bearer('alice') }),
      },
      {
        kind: 'staff list',
        isRead: true,
        send: async () => send('GET', 'leads?select=id,status&limit=2', { authorization: await bearer('sales') }),
      },
      {
        kind: 'a change',
        send: async (n) =>
          send(
            'PATCH',
            `leads?id=eq.${leads[n % 20]}`,
            { authorization: await bearer('sales'), ...json },
            JSON.stringify({ notes: `n ${n}` }),
          ),
      },
      {
        kind: 'refused with a session',
        send: async () => send('GET', 'leads', { authorization: await bearer('carol') }),
      },
      { kind: 'refused without one', send: async () => send('GET', 'leads', {}) },
    ];
    const completed = new Map();
    let [sent, lost, quiet] = [0, 0, false];
    const lane = async () => {
      while (sent < REQUESTS) {
        const n = sent++;
        const one = kinds[n % kinds.length];
        // A customer's read is recorded after its response, for some milliseconds in the Worker alone: no request reads
        // just before it dies.
        while (quiet && !['staff list', 'a change', 'refused with a session'].includes(one.kind)) await pause(50);
        const response = await one.send(n);
        if (response?.id) completed.set(response.id, { ...one, status: response.status });
        else lost += 1;
      }
    };
    const at = async (share) => until(`request ${share}`, () => sent >= REQUESTS * share, 300);

    await database_is('flaky', { function: 'record_requests', every: 3 });
    const began = Date.now();
    const load = Promise.all(Array.from({ length: LANES }, lane));
    for (const share of [0.25, 0.7]) {
      await at(share);
      quiet = true;
      await pause(300);
      process.kill(-running.parts.producer.pid, 'SIGKILL');
      await running.parts.producer.done;
      await running.restart('producer');
      quiet = false;
      if (share === 0.25) {
        await at(0.5);
        await running.restart('postgres');
      }
    }
    await load;
    const seconds = (Date.now() - began) / 1000;
    await pause(300);

    const ids = [...completed.keys()];
    // A change has its row from its own transaction; the completion is recorded after the response, and may be lost
    // with the Worker.
    const changes = ids.filter((id) => completed.get(id).kind === 'a change' && completed.get(id).status === 204);
    const missing = async () =>
      (
        await sql(
          `select w.id from unnest($1::text[]) as w (id) where not exists
        (select from hub.request_log r where r.request_id = w.id and (r.status is not null or w.id = any($2)))`,
          [ids, changes],
        )
      ).map(({ id }) => id);
    await until('every row', async () => (await missing()).length === 0, 90).catch(async (error) => {
      const lacking = await missing();
      assert.fail(
        `${error.message}: ${lacking.length} of ${ids.length} lack, such as ${lacking.slice(0, 5).map((id) => `${completed.get(id).kind} ${completed.get(id).status} ${id}`)}`,
      );
    });
    const upstream = await (await fetch(`${running.urls.supabase}/dev/upstream`)).json();
    await database_is('ok');
    console.log(
      `${sent} requests in ${seconds.toFixed(0)} s, ${ids.length} completed, ${lost} interrupted; ${upstream.calls} batches written, ${Math.floor(upstream.calls / 3)} of them failed; rows complete ${((Date.now() - began) / 1000 - seconds).toFixed(1)} s after the last answer`,
    );

    assert.ok(lost <= 6 * LANES && ids.length + lost === sent, `${ids.length} completed, ${lost} interrupted`);
    assert.ok(upstream.calls >= 3, 'no batch failed');
    const rows = await sql(
      'select request_id, count(*)::int as count, min(status) as status from hub.request_log where request_id = any($1) group by 1',
      [ids],
    );
    assert.equal(rows.length, ids.length);
    for (const { request_id, count, status } of rows) {
      const one = completed.get(request_id);
      assert.equal(count, 1);
      if (status !== null || !changes.includes(request_id))
        assert.equal(status, one.status, `${one.kind} ${request_id}`);
    }
    const incomplete = rows.filter(({ status }) => status === null).length;
    assert.ok(incomplete <= 2 * LANES, `${incomplete} changes are not completed`);
    const recordedReads = ids.filter((id) => completed.get(id).isRead && completed.get(id).status === 200);
    const [{ once, all }] = await sql(
      "select count(distinct request_id)::int as once, count(*)::int as all from hub.team_activities where action = 'list' and request_id = any($1)",
      [recordedReads],
    );
    assert.deepEqual([once, all], [recordedReads.length, recordedReads.length], 'each read once');
  });

  test('a row waits on the queue while it cannot be written, and requests of staff succeed', async () => {
    await database_is('flaky', { function: 'record_requests', every: 1, when: 'before' });
    const response = await send('GET', 'leads?select=id&limit=1', { authorization: `Bearer ${await token('sales')}` });
    assert.equal(response.status, 200);
    const found = async () => (await sql('select from hub.request_log where request_id = $1', [response.id])).length;
    await until(
      'a failed batch',
      async () => ((await (await fetch(`${running.urls.supabase}/dev/upstream`)).json()).calls ?? 0) > 0,
    );
    assert.equal(await found(), 0);
    await database_is('ok');
    await until('the row', async () => (await found()) === 1, 30);
  });

  test('12 permanently rejected rows and 12 others alternately: the others are written at once, the rejected are stored, and an admin retries them', async () => {
    await running.restart('impatient');
    await sql("alter table hub.request_log add constraint no_more check (route <> '/rest/v1/leads') not valid");
    const fetchId = async (path) => (await raw(path, { base: running.urls.impatient })).headers['x-request-id'];
    const log = () => fs.readFileSync(`${FOLDER}/logs/impatient.log`, 'utf8');
    const written = async (ids) =>
      (await sql('select request_id from hub.request_log where request_id = any($1)', [ids])).length;
    const [refused, accepted] = [[], []];
    try {
      for (let turn = 0; turn < 12; turn += 1) {
        refused.push(await fetchId('/rest/v1/leads'));
        accepted.push(await fetchId('/rest/v1/contact_tickets'));
        // Each in its own message.
        await pause(30);
      }
      const rejected = () =>
        sql('select request_id, code, content from hub.request_log_rejected where request_id = any($1)', [refused]);
      await until('every other row', async () => (await written(accepted)) === 12, 15);
      await until('every refused row', async () => (await rejected()).length === 12, 15);
      assert.equal(await written(refused), 0);
      for (const { code, content, request_id } of await rejected()) {
        assert.equal(code, '23514');
        assert.equal(JSON.parse(content).request_id, request_id);
        // The Worker's log line reaches the file a little later than the row its table.
        const line = new RegExp(`"event":"request_log.row_rejected".*"request_id":"${request_id}"`);
        await until(`the line of ${request_id}`, async () => line.test(log()), 15);
      }
      assert.doesNotMatch(log(), /"queue":"hub-request-log-dlq"/, 'a dead letter');
    } finally {
      await sql('alter table hub.request_log drop constraint no_more');
      await running.halt('impatient');
    }
    // The server closes an idle connection after 5 s; a request that is sent on one at that moment fails.
    await fetch(`${running.urls.hub}/healthz`).catch(() => {});
    const { data, error } = await (
      await client('admin')
    ).rpc('retry_rejected_requests', { reason: 'the constraint is gone' });
    assert.equal(error, null);
    assert.ok(data.written >= 12 && data.refused === 0, JSON.stringify(data));
    assert.equal(await written(refused), 12);
    const auditRows = await sql(
      "select actor_id, reason, count(*)::int as rows from hub.team_activities where entity = 'request_log_rejected' and action = 'delete' and not out_of_band group by 1, 2",
    );
    assert.deepEqual(auditRows, [
      { actor_id: 'user_2hubadmin0000000000000005', reason: 'the constraint is gone', rows: data.written },
    ]);
  });
});

const pause = (milliseconds) => new Promise((next) => setTimeout(next, milliseconds));
