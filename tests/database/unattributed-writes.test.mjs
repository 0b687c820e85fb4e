// A-3, L-1: a write without a user and without a named job is rejected by every path; and a write that bypassed the Hub
// is marked as such, however much of the Hub's path it forges.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { PERSONAS } from '../../dev/personas.mjs';
import { faults, start } from './helpers/direct-access.mjs';

const { sub, sid } = PERSONAS.sales;
let direct, fetchAs, sql, urls, lead;

before(async () => {
  direct = await start('.local/unattributed', 620);
  ({ fetchAs, sql } = direct);
  ({ urls } = direct.stack);
  [{ id: lead }] = await sql('select id from hub.leads limit 1');
});
after(() => direct?.stack.stop());

const state = async () =>
  (
    await sql(`select (select sum(hashtextextended(l::text, 0)::numeric)::text from hub.leads l) as leads, (select count(*)::integer from hub.leads) as count,
  (select count(*)::integer from hub.team_activities) as audit_rows, (select count(*)::integer from hub.request_log) as requests`)
  )[0];
const last = async () =>
  (
    await sql(
      'select login_role, out_of_band, actor_id, actor_kind, request_id, after from hub.team_activities order by id desc limit 1',
    )
  )[0];

/** Statements in one transaction of a direct connection. */
async function byHand(url, ...statements) {
  const client = await direct.open(url);
  try {
    await client.query('begin');
    for (const statement of statements) await client.query(statement);
    await client.query('commit');
  } finally {
    await client.end();
  }
}
const setSettings = (settings) =>
  `select ${Object.entries(settings)
    .map(([name, value]) => `set_config('${name}', '${value}', true)`)
    .join(', ')}`;

describe('A-3: a write without a user or a named job is rejected', () => {
  const now = Math.floor(Date.now() / 1000);
  const staff = { role: 'hub_staff', sub, sid, sat: now, stacklumen_role: 'sales' };
  const without = (claims, name) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
  const nobodies = {
    'no token': null,
    'staff without a sub': without(staff, 'sub'),
    'staff without a session': without(staff, 'sid'),
    'staff without a role': without(staff, 'stacklumen_role'),
    'a job as staff': { ...staff, sub: 'system:maintenance' },
    'a client as staff': { ...staff, stacklumen_role: undefined, owner: sub },
    'a job without a name': { role: 'hub_system' },
    'a job whose name is no job': { role: 'hub_system', sub: 'maintenance' },
    'a person as a job': { ...staff, role: 'hub_system' },
    'a client without a sub': { role: 'hub_customer', owner: sub, sid, sat: now },
    'a client without an owner': { role: 'hub_customer', sub, sid, sat: now },
    'the service role': { ...staff, role: 'service_role' },
    authenticated: { ...staff, role: 'authenticated' },
    anon: { ...staff, role: 'anon' },
    'the role of nobody': { ...staff, role: 'hub_nobody' },
    'the owner of the tables': { ...staff, role: 'postgres' },
    'a superuser': { ...staff, role: 'supabase_admin' },
    // A named job has no privilege to write a lead by itself.
    'a named job': { role: 'hub_system', sub: 'system:maintenance' },
  };
  for (const [who, claims] of Object.entries(nobodies)) {
    test(`through PostgREST: ${who}`, async () => {
      const untouched = await state();
      const result = [
        await fetchAs(claims, 'PATCH', `leads?id=eq.${lead}`, { body: { notes: who } }),
        await fetchAs(claims, 'POST', 'leads', { body: { name: who, email: 'a@example.com' } }),
        await fetchAs(claims, 'DELETE', `leads?id=eq.${lead}`),
        await fetchAs(claims, 'POST', 'rpc/move_lead', { body: { lead, status: 'lost', version: 1, reason: who } }),
      ];
      for (const { status, json } of result)
        assert.ok([401, 403, 404].includes(status), `${status} ${JSON.stringify(json)}`);
      assert.deepEqual(await state(), untouched);
    });
  }

  test('the same by staff is accepted', async () => {
    const untouched = await state();
    const { status } = await fetchAs(staff, 'PATCH', `leads?id=eq.${lead}`, { body: { notes: 'by Sam' } });
    assert.deepEqual([status, (await state()).audit_rows], [204, untouched.audit_rows + 1]);
  });

  const statements = [
    `update hub.leads set notes = 'unattributed'`,
    `insert into hub.leads (name, email) values ('Nobody', 'a@example.com')`,
    'delete from hub.leads',
  ];
  const attempts = {
    'postgres, who owns the tables': ['owner'],
    'a superuser': ['database'],
    'a superuser in replica mode': ['database', "set session_replication_role = 'replica'"],
    'postgres, with half an actor': ['owner', "set hub.actor_id = 'user_2hubsales0000000000000006'"],
    authenticator: ['authenticator'],
    'authenticator as staff, whom before_request() has not seen': ['authenticator', 'set role hub_staff'],
    'authenticator as staff, with a claim that was not verified': [
      'authenticator',
      'set role hub_staff',
      `set request.jwt.claims = '${JSON.stringify(staff)}'`,
    ],
    'authenticator as the service role': ['authenticator', 'set role service_role'],
    'authenticator as a job': ['authenticator', 'set role hub_system'],
  };
  for (const [who, [url, ...first]] of Object.entries(attempts)) {
    test(`by SQL: ${who}`, async () => {
      const untouched = await state();
      for (const statement of statements) {
        // Where row-level security hides every row, there is nothing to reject; an insert has a row.
        const hidden = who.includes('as staff') && !statement.startsWith('insert');
        const result = byHand(urls[url], ...first, statement);
        await (hidden ? result : assert.rejects(result, { code: '42501' }));
      }
      assert.deepEqual(await state(), untouched);
    });
  }
});

describe('L-1: a direct change is recorded, and marked', () => {
  const actor = { 'hub.actor_id': sub, 'hub.actor_kind': 'staff', 'hub.staff_role': 'sales' };
  const change = (notes) => `update hub.leads set notes = '${notes}' where id = '${lead}'`;
  const forged = async () =>
    (
      await sql(
        "select finding from hub_private.find_forged(now() - interval '1 hour', clock_timestamp()) where login_role = 'authenticator' order by id desc limit 1",
      )
    )[0]?.finding;

  test('by postgres and by a superuser, with any claimed actor, with the values', async () => {
    for (const [url, login] of [
      ['owner', 'postgres'],
      ['database', 'supabase_admin'],
    ]) {
      for (const kind of ['staff', 'customer', 'system']) {
        // The Hub's complete path except the login.
        await byHand(
          urls[url],
          setSettings({
            ...actor,
            'hub.actor_kind': kind,
            'request.method': 'PATCH',
            'request.path': '/leads',
            'hub.request_id': direct.requestId(),
          }),
          change(`${login} ${kind}`),
        );
        const { login_role, out_of_band, actor_kind, after: values } = await last();
        assert.deepEqual(
          { login_role, out_of_band, actor_kind, values },
          { login_role: login, out_of_band: true, actor_kind: kind, values: { notes: `${login} ${kind}` } },
        );
      }
    }
  });

  test('by authenticator with forged settings alone', async () => {
    await byHand(
      urls.authenticator,
      'set local role hub_staff',
      setSettings({ ...actor, 'request.jwt.claims': '{}' }),
      change('by hand'),
    );
    const { login_role, out_of_band, actor_id } = await last();
    assert.deepEqual([login_role, out_of_band, actor_id], ['authenticator', true, sub]);
  });

  test('by authenticator with a forged request: the nightly check finds that the Hub has no record of it', async () => {
    await byHand(
      urls.authenticator,
      'set local role hub_staff',
      setSettings({
        ...actor,
        'request.method': 'PATCH',
        'request.path': '/leads',
        'hub.request_id': direct.requestId(),
      }),
      change('forged'),
    );
    assert.equal((await last()).out_of_band, false);
    assert.equal(await forged(), 'a request that the Hub does not know');
  });

  const claims = JSON.stringify({ role: 'hub_staff', sub, sid, sat: 1, stacklumen_role: 'sales' });
  const whole = (id, method = 'PATCH') => [
    'set local role hub_staff',
    setSettings({
      'request.method': method,
      'request.path': '/leads',
      'request.jwt.claims': claims,
      'request.headers': JSON.stringify({ 'x-request-id': id, 'x-hub-route': '/rest/v1/leads' }),
    }),
    'select hub_private.before_request()',
  ];

  test('by authenticator with all steps of PostgREST: the nightly check finds that the Hub never sent a response', async () => {
    await byHand(urls.authenticator, ...whole(direct.requestId()), change('forged whole'));
    assert.equal((await last()).out_of_band, false);
    assert.equal(await forged(), 'a request that the Hub never answered');
  });

  test('by authenticator under the request id of another user, of another time, of a read', async () => {
    const insertRequest = async (who, minutes, method) => {
      const id = direct.requestId();
      const row = {
        occurred_at: new Date(Date.now() - minutes * 60_000).toISOString(),
        request_id: id,
        method,
        route: '/rest/v1/leads',
        who: 'staff:sales',
        actor_id: who,
        outcome: 'allowed',
        status: 204,
      };
      const { status } = await fetchAs(
        { role: 'hub_system', sub: 'system:request-log' },
        'POST',
        'rpc/record_requests',
        {
          body: { requests: [row] },
        },
      );
      assert.equal(status, 200);
      return id;
    };
    for (const [finding, id] of [
      ['the request of somebody else', await insertRequest(PERSONAS.admin.sub, 0, 'PATCH')],
      ['a request of another time', await insertRequest(sub, 30, 'PATCH')],
      ['a request that only read', await insertRequest(sub, 0, 'GET')],
    ]) {
      await byHand(urls.authenticator, ...whole(id), change(finding));
      assert.equal(await forged(), finding);
    }
  });

  test('a completed change by the Hub is found by no check, and the check stores its findings', async () => {
    const { id } = await fetchAs('sales', 'PATCH', `leads?id=eq.${lead}`, { body: { notes: 'by the Hub' } });
    const row = {
      occurred_at: new Date().toISOString(),
      request_id: id,
      method: 'PATCH',
      route: '/rest/v1/leads',
      who: 'staff:sales',
      actor_id: sub,
      outcome: 'allowed',
      status: 204,
    };
    await fetchAs({ role: 'hub_system', sub: 'system:request-log' }, 'POST', 'rpc/record_requests', {
      body: { requests: [row] },
    });
    const own = await sql(
      "select * from hub_private.find_forged('-infinity', 'infinity') f join hub.team_activities a using (id) where a.request_id = $1",
      [id],
    );
    assert.deepEqual([own, (await last()).out_of_band], [[], false]);
    const { status, json } = await fetchAs({ role: 'hub_system', sub: 'system:checks' }, 'POST', 'rpc/run_checks', {
      body: {},
    });
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(json.done, true);
    const check = json.checks.find(({ name }) => name === 'out_of_band');
    const found = new Set(check.findings.map(({ finding, login_role }) => `${login_role}: ${finding}`));
    assert.ok(!check.passed);
    for (const login of ['postgres', 'supabase_admin', 'authenticator'])
      assert.ok(found.has(`${login}: another way than the Hub`), [...found].join('; '));
  });

  test('a change in a transaction open until after a check is found by the next one', async () => {
    const client = await direct.open(urls.owner);
    try {
      await client.query(`begin; ${setSettings(actor)}; ${change('held open')}`);
      const check = async () =>
        (
          await fetchAs({ role: 'hub_system', sub: 'system:checks' }, 'POST', 'rpc/run_checks', { body: {} })
        ).json.checks.find(({ name }) => name === 'out_of_band');
      const rows = (result) =>
        result.findings
          .filter(
            ({ login_role, actor_id, action }) => login_role === 'postgres' && actor_id === sub && action === 'update',
          )
          .reduce((sum, { rows: count }) => sum + count, 0);
      const before = rows(await check());
      await client.query('commit');
      assert.equal(rows(await check()), before + 1);
    } finally {
      await client.end();
    }
  });

  test('the audit log is complete', async () => assert.deepEqual((await faults(sql)).slice(0, 5), []));
});
