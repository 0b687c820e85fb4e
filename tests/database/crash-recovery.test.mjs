// L-1, L-3: PostgREST and PostgreSQL are killed under a load of staff changes, and afterwards each committed change has
// its row in the audit log and its request row, and neither exists without the change. KILLS sets the number.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { waitUntil } from '../../dev/ports.mjs';
import { faults, start, wait } from './helpers/direct-access.mjs';

const KILLS = Number(process.env.KILLS ?? 12);
const CONNECTIONS = 8;
const KINDS = ['PostgREST', 'the first process of PostgreSQL', 'one backend of PostgreSQL', 'all of PostgreSQL'];

// When a backend dies during a request, PostgREST responds 400 with an empty code: that is no rejection, and the
// outcome of the change is unknown.
const refused = ({ status, json }) => status >= 400 && status < 500 && Boolean(json?.code);
const made = ({ status }) => status >= 200 && status < 300;

const done = [];
const kills = [];
let direct,
  fetchAs,
  sql,
  inFlight = 0;

before(async () => {
  direct = await start('.local/kills', 610);
  ({ fetchAs, sql } = direct);
});
after(() => direct?.stack.stop());

/** The repeated work of each connection; every value written is the request's own id, and no other's. */
function work(leads, tickets) {
  const any = (from) => from[Math.floor(Math.random() * from.length)];
  const most = (table, count) => ({ 'x-hub-max-affected': `${table}=${count}` });
  const mine = [];
  return [
    (id) =>
      fetchAs('sales', 'PATCH', `leads?id=eq.${any(leads)}`, { id, body: { notes: id }, headers: most('leads', 1) }),
    (id) =>
      fetchAs('admin', 'PATCH', `leads?id=in.(${leads.slice(0, 3).join(',')})`, {
        id,
        body: { assigned_to: `user_${id}` },
        headers: most('leads', 3),
      }),
    (id) =>
      fetchAs('support', 'PATCH', `contact_tickets?id=eq.${any(tickets)}`, {
        id,
        body: { assigned_to: `user_${id}` },
        headers: most('contact_tickets', 1),
      }),
    (id) => fetchAs('support', 'POST', 'ticket_messages', { id, body: { ticket_id: any(tickets), body: id } }),
    async (id) => {
      const response = await fetchAs('admin', 'POST', 'leads', {
        id,
        body: { name: id, email: 'a@example.com' },
        headers: { prefer: 'return=representation' },
      });
      if (response.status === 201) mine.push(response.json[0]);
      return response;
    },
    // From the version that was read, and to a valid next status: no other connection changes this lead.
    async (id) => {
      const lead = mine.at(-1);
      if (!lead) return null;
      const response = await fetchAs('sales', 'POST', 'rpc/move_lead', {
        id,
        body: {
          lead: lead.id,
          status: lead.status === 'contacted' ? 'qualified' : 'contacted',
          version: lead.version,
          reason: id,
        },
      });
      if (response.status === 200)
        mine[mine.length - 1] = {
          ...lead,
          status: lead.status === 'contacted' ? 'qualified' : 'contacted',
          version: response.json,
        };
      else mine.pop();
      return response;
    },
    async (id) => {
      const lead = mine.shift();
      return lead ? fetchAs('admin', 'DELETE', `leads?id=eq.${lead.id}`, { id, headers: most('leads', 1) }) : null;
    },
  ];
}

async function connection(leads, tickets, goesOn) {
  const kinds = work(leads, tickets);
  while (goesOn()) {
    const id = direct.requestId();
    inFlight += 1;
    const response = await kinds[Math.floor(Math.random() * kinds.length)](id);
    inFlight -= 1;
    if (response) done.push(response);
    if (response && !made(response)) await wait(20);
  }
}

async function end(kind) {
  const { stack } = direct;
  if (kind === KINDS[0]) await stack.kill('postgrest');
  else if (kind === KINDS[2]) {
    // The backend of a running change, if there is one; the server ends all the others and restarts them by itself.
    await waitUntil(
      'a backend',
      async () => {
        const [{ pid }] = await sql(
          "select pid from pg_stat_activity where usename = 'authenticator' order by (state = 'active' or state like 'idle in%') desc, random() limit 1",
        );
        return process.kill(pid, 'SIGKILL');
      },
      { every: 5 },
    );
  } else await stack.kill('postgres', kind === KINDS[3]);
}

describe(`L-1: ${KILLS} kills under load`, () => {
  test('the load continues through all of them', async (t) => {
    const rowsOf = async (table) =>
      (
        await sql(`select id from hub.${table} where ${table === 'leads' ? 'true' : "status <> 'closed'"} limit 12`)
      ).map((row) => row.id);
    const [leads, tickets] = [await rowsOf('leads'), await rowsOf('contact_tickets')];
    let running = true;
    const load = Array.from({ length: CONNECTIONS }, () => connection(leads, tickets, () => running));
    try {
      for (let n = 0; n < KILLS; n += 1) {
        const kind = KINDS[n % KINDS.length];
        await waitUntil('the load', async () => (await fetchAs('sales', 'GET', 'leads?limit=1')).status === 200, {
          every: 20,
        });
        await wait(100 + Math.random() * 300);
        // All of them may pause after a failure.
        await waitUntil('a request on its way', () => inFlight > 0, { every: 1 });
        kills.push({ kind, inFlight, acknowledged: done.length });
        await end(kind);
        if (kind === KINDS[0]) await direct.stack.restart('postgrest');
        else if (kind !== KINDS[2]) await direct.stack.restart('postgres');
      }
      await waitUntil('the load', async () => (await fetchAs('sales', 'GET', 'leads?limit=1')).status === 200, {
        every: 20,
      });
      await wait(200);
    } finally {
      running = false;
      await Promise.all(load);
    }
    const count = (wanted) => done.filter(wanted).length;
    const unknown = count((one) => !made(one) && !refused(one));
    t.diagnostic(
      `${done.length} changes requested: ${count(made)} made, ${count(refused)} refused, ${unknown} failed, ${count(({ status }) => status === 0)} of these without an answer`,
    );
    for (const kind of KINDS)
      t.diagnostic(
        `${kind}: ${kills.filter((one) => one.kind === kind).length} kills, ${kills.filter((one) => one.kind === kind).reduce((sum, one) => sum + one.inFlight, 0)} requests on their way`,
      );
    assert.equal(kills.length, KILLS);
    assert.ok(
      kills.every((one) => one.inFlight > 0),
      'a kill met no load',
    );
    // Each occurred while changes were made, and some of those in flight lost their response.
    assert.ok(count(made) > KILLS * 5 && unknown > 0);
  });

  test('each row has as many rows of the audit log as changes, and the last one has the stored values', async () => {
    assert.deepEqual((await faults(sql)).slice(0, 5), []);
  });

  test('a confirmed change is stored, with its rows under the same request id; a rejected one is not', async (t) => {
    const rows = await sql(
      `select a.request_id, count(*)::integer as audit_rows, bool_and(r.request_id is not null) as requested,
        bool_and(strpos(coalesce(a.after::text, '') || coalesce(a.reason, '') , a.request_id) > 0 or a.action = 'delete') as own
      from hub.team_activities a left join hub.request_log r on r.request_id = a.request_id where a.request_id = any ($1) group by 1`,
      [done.map(({ id }) => id)],
    );
    const auditByRequest = new Map(rows.map((row) => [row.request_id, row]));
    const requested = new Set(
      (await sql('select request_id from hub.request_log where request_id = any ($1)', [done.map(({ id }) => id)])).map(
        (row) => row.request_id,
      ),
    );
    let lost = 0;
    for (const response of done) {
      const { id, status, json } = response;
      const found = auditByRequest.get(id);
      if (made(response))
        assert.ok(
          found && found.requested && found.own,
          `${id}: ${status} ${JSON.stringify(json)}, and in the audit log ${JSON.stringify(found)}`,
        );
      else if (refused(response))
        assert.ok(
          !found && !requested.has(id),
          `${id}: refused with ${status} ${JSON.stringify(json)}, and still there`,
        );
      else if (found) lost += 1;
      // The outcome of the others is unknown; but each is stored completely or not at all.
      assert.equal(
        requested.has(id),
        found !== undefined,
        `${id}: ${status} ${JSON.stringify(json)}, request row and audit log differ`,
      );
      if (found) assert.ok(found.requested && found.own, id);
    }
    t.diagnostic(`${lost} changes were stored and their responses lost`);
  });
});
