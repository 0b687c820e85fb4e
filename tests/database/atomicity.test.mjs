// L-1: no change without its row in the audit log. The row is prevented from being written in every possible way, and
// each time the change must be rejected and rolled back; after the repair, the same change succeeds. Through PostgREST,
// because transactions begin and end there.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { waitUntil } from '../../dev/ports.mjs';
import { faults, start } from './helpers/direct-access.mjs';
import { fullDiskMethods } from './helpers/full-disk.mjs';

const one = { headers: { 'x-hub-max-affected': 'leads=1' } };
let direct, fetchAs, sql, admin, month;

before(async () => {
  direct = await start('.local/atomicity', 600);
  ({ fetchAs, sql } = direct);
  admin = await direct.open();
  // Otherwise the schema guards record, and reject, the statements that break it here.
  await admin.query('set event_triggers = off');
  month = `hub_private.team_activities_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;
});
after(async () => {
  await admin?.end();
  await direct?.stack.stop();
});

/** Each kind of change, by staff and by a customer, on separate rows. */
async function changes() {
  const lead = async (name) =>
    (
      await fetchAs('admin', 'POST', 'leads', {
        body: { name, email: 'a@example.com' },
        headers: { prefer: 'return=representation' },
      })
    ).json[0].id;
  const [moved, noted, deleted] = [await lead('Moved'), await lead('Noted'), await lead('Gone')];
  const ticket = (await fetchAs('alice', 'POST', 'rpc/open_ticket', { body: { subject: 'Broken', body: 'Text' } })).json
    .id;
  return {
    'a call': () =>
      fetchAs('sales', 'POST', 'rpc/move_lead', { body: { lead: moved, status: 'contacted', version: 1 } }),
    'an update': () =>
      fetchAs('sales', 'PATCH', `leads?id=eq.${noted}`, { body: { notes: direct.requestId() }, ...one }),
    'an insert': () =>
      fetchAs('support', 'POST', 'ticket_messages', { body: { ticket_id: ticket, body: direct.requestId() } }),
    'a removal': () => fetchAs('admin', 'DELETE', `leads?id=eq.${deleted}`, one),
    'an update by a client': () =>
      fetchAs('alice', 'PATCH', `contact_tickets?id=eq.${ticket}`, { body: { subject: direct.requestId() } }),
  };
}

/** The whole state: rows, audit log and request log. */
async function everything() {
  const tables = [
    'leads',
    'contact_tickets',
    'ticket_messages',
    'chat_threads',
    'chat_messages',
    'team_activities',
    'request_log',
  ];
  const parts = tables.map(
    (name) => `(select count(*) || ' ' || sum(hashtextextended(r::text, 0)::numeric) from hub.${name} r) as ${name}`,
  );
  return (await sql(`select ${parts.join(', ')}`))[0];
}

const all = (wanted) => Promise.all(Object.entries(wanted).map(async ([name, change]) => [name, await change()]));

/** Checks one failure; `breaks` may return responses itself, if the failure occurs during the changes. */
async function refused({ prepares, breaks, mends, code, only }) {
  const wanted = await changes();
  for (const name of Object.keys(wanted)) if (only && name !== only) delete wanted[name];
  let untouched, responses;
  try {
    await prepares?.();
    untouched = await everything();
    responses = (await breaks(wanted)) ?? (await all(wanted));
  } finally {
    await mends?.();
  }
  for (const [name, { status, json }] of responses)
    assert.ok(
      (status === 0 || status >= 400) && code.includes(json?.code),
      `${name}: ${status} ${JSON.stringify(json)}`,
    );
  assert.deepEqual(await everything(), untouched);
  await waitUntil('PostgREST', async () => (await fetchAs('sales', 'GET', 'leads?limit=1')).status === 200);
  for (const [name, { status, json, id }] of await all(wanted)) {
    assert.ok(status >= 200 && status < 300, `${name}, mended: ${status} ${JSON.stringify(json)}`);
    const [left] = await sql(
      `select (select count(*)::integer from hub.team_activities a where a.request_id = $1 and not a.out_of_band) as audit_rows,
      (select count(*)::integer from hub.request_log r where r.request_id = $1) as requests`,
      [id],
    );
    assert.deepEqual(left, { audit_rows: 1, requests: 1 }, name);
  }
  return responses;
}

/** Locks the partition of the current month while changes wait for it. */
async function locked(wanted, meanwhile = () => {}) {
  const other = await direct.open();
  try {
    await other.query(`begin; set local deadlock_timeout = '60s'; lock table ${month} in share mode`);
    const responses = all(wanted);
    await waiting(Object.keys(wanted).length);
    await meanwhile(other);
    return await responses;
  } finally {
    await other.end();
  }
}

const WAITING = "from pg_stat_activity where usename = 'authenticator' and wait_event_type = 'Lock'";
const waiting = (count) =>
  waitUntil('those who wait', async () => (await sql(`select ${count} = count(*) as there ${WAITING}`))[0].there, {
    every: 20,
    seconds: 10,
  });
const setForAllRoles = (setting) =>
  sql(['hub_staff', 'hub_customer'].map((role) => `alter role ${role} ${setting}`).join('; '));
const NUMBERS = 'hub.team_activities_id_seq';
const START_ANEW = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'";

describe('L-1: the row of the audit log cannot be written, so the change is rejected', () => {
  // Pairs of a statement that breaks it and one that repairs it.
  const broken = [
    [
      'the month has no partition',
      '23514',
      () => `alter table hub.team_activities detach partition ${month}`,
      () => `alter table hub.team_activities attach partition ${month} ${bounds()}`,
    ],
    [
      'the owner of the function may not write it',
      '42501',
      () => 'revoke insert on hub.team_activities from postgres',
      () => 'grant insert on hub.team_activities to postgres',
    ],
    [
      'it breaks a rule',
      '23514',
      () => "alter table hub.team_activities add constraint none check (actor_role = 'nobody') not valid",
      () => 'alter table hub.team_activities drop constraint none',
    ],
    [
      'a trigger on it raises',
      'P0001',
      () => trigger("raise exception 'no'"),
      () => 'drop trigger broken on hub.team_activities',
    ],
    [
      'a trigger on it swallows it',
      'P0001',
      () => trigger('return null'),
      () => 'drop trigger broken on hub.team_activities',
    ],
    // A plan that a rule emptied depends on no table and is never replanned: such sessions continue to reject until
    // they end.
    [
      'a rule sends it nowhere',
      'P0001',
      () => 'create rule broken as on insert to hub.team_activities do instead nothing',
      () => `drop rule broken on hub.team_activities; ${START_ANEW}`,
    ],
    [
      'the numbers have run out',
      '2200H',
      () => `alter sequence ${NUMBERS} maxvalue 1000000000; select setval('${NUMBERS}', 1000000000)`,
      () =>
        `alter sequence ${NUMBERS} no maxvalue; select setval('${NUMBERS}', (select max(id) from hub.team_activities))`,
    ],
    [
      'the request row cannot be written',
      '42501',
      () => 'revoke insert on hub.request_log from postgres',
      () => 'grant insert on hub.request_log to postgres',
    ],
  ];
  for (const [what, code, breaks, mends] of broken) {
    test(what, async () => {
      await sql(
        "create or replace function hub_private.broken() returns trigger language plpgsql as 'begin return new; end'",
      );
      await refused({
        code: [code],
        breaks: () => admin.query(breaks()).then(() => undefined),
        mends: () => admin.query(mends()),
      });
    });
  }

  test('the statement times out during the change', async () => {
    await setForAllRoles("set statement_timeout = '700ms'");
    await direct.reload();
    await refused({ code: ['57014'], breaks: (wanted) => locked(wanted) });
    await setForAllRoles("set statement_timeout = '8s'");
    await direct.reload();
  });

  test('the lock is not available', async () => {
    await setForAllRoles("set lock_timeout = '700ms'");
    await direct.reload();
    await refused({ code: ['55P03'], breaks: (wanted) => locked(wanted) });
    await setForAllRoles('reset lock_timeout');
    await direct.reload();
  });

  test('two sessions block each other', async () => {
    await refused({
      only: 'an update',
      code: ['40P01'],
      breaks: (wanted) =>
        locked(wanted, (other) =>
          other.query("select 1 from hub.leads where name = 'Noted' for update").catch(() => {}),
        ),
    });
  });

  test('the connection is terminated during the change', async () => {
    await refused({
      code: ['57P01', 'PGRST001', 'PGRST000'],
      breaks: (wanted) => locked(wanted, () => sql(`select pg_terminate_backend(pid) ${WAITING}`)),
    });
  });

  test('the statement is cancelled during the change', async () => {
    await refused({
      code: ['57014'],
      breaks: (wanted) => locked(wanted, () => sql(`select pg_cancel_backend(pid) ${WAITING}`)),
    });
  });

  test('no connection is available', async () => {
    const breaks = () => sql(`alter role authenticator connection limit 0; ${START_ANEW}`).then(() => undefined);
    await refused({
      code: ['57P01', 'PGRST000', 'PGRST001', 'PGRST002', 'PGRST003', '53300'],
      breaks,
      mends: () => sql('alter role authenticator connection limit -1'),
    });
  });

  test('transactions are read-only', async () => {
    const prepares = () => setForAllRoles('set transaction_read_only = on').then(direct.reload);
    // The setting can only be reverted in this way.
    const mends = () =>
      setForAllRoles('reset all')
        .then(() => setForAllRoles("set statement_timeout = '8s'"))
        .then(direct.reload);
    await refused({ code: ['25006'], prepares, breaks: () => {}, mends });
  });

  test('the disk is full', async (t) => {
    const found = await fullDiskMethods(sql);
    assert.ok(found.length > 0, 'neither mount nor prlimit works here, so this cannot be seen');
    for (const method of found) {
      t.diagnostic(`by ${method.name}`);
      await refused({
        code: method.code,
        prepares: () => method.fills(admin, month),
        breaks: () => {},
        mends: () => method.frees(admin, month),
      });
    }
  });
});

function bounds() {
  const first = new Date(`${new Date().toISOString().slice(0, 7)}-01T00:00:00Z`);
  const next = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1));
  return `for values from ('${first.toISOString()}') to ('${next.toISOString()}')`;
}

const trigger = (
  does,
) => `create or replace function hub_private.broken() returns trigger language plpgsql as 'begin ${does.replaceAll("'", "''")}; end';
  create trigger broken before insert on hub.team_activities for each row execute function hub_private.broken()`;

test('L-1: after all of it the audit log and the rows agree', async () => {
  assert.deepEqual((await faults(sql)).slice(0, 5), []);
});
