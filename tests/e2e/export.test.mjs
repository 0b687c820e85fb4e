// L-1, A-2: the audit log as a file, through supabase-js and over the wire: complete, filtered, recorded, and never
// held in memory as a whole.

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { fetchAs, client, readRecords, recorded, sql } from './client.mjs';

const SALES = 'user_2hubsales0000000000000006';
const file = (persona, path, accept, headers = {}) =>
  fetchAs(persona, path, { headers: { accept, 'x-hub-purpose': 'legal', ...headers } });

describe('an export of the audit log', () => {
  test('NDJSON: every matching row, once, the newest first; filter, purpose and count are in the audit log', async () => {
    const wanted = await sql(
      "select id, action, reason from hub.team_activities where actor_id = $1 and action <> 'export' order by id desc",
      [SALES],
    );
    assert.ok(wanted.length > 3);
    const response = await file(
      'admin',
      `team_activities?select=id,action,reason&actor_id=eq.${SALES}&action=neq.export`,
      'application/x-ndjson',
    );
    assert.deepEqual(
      [response.status, response.headers['content-type'], response.headers['cache-control']],
      [200, 'application/x-ndjson; charset=utf-8', 'no-store'],
    );
    assert.match(response.headers['content-disposition'], /^attachment; filename="team_activities\.ndjson"$/);
    assert.deepEqual(
      response.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      wanted.map(({ id, ...row }) => ({ id: Number(id), ...row })),
    );
    const [row] = await readRecords(response.headers['x-request-id']);
    assert.deepEqual(
      [row.action, row.entity, row.purpose, row.actor_role],
      ['export', 'team_activities', 'legal', 'admin'],
    );
    assert.match(row.filter, /actor_id=eq\.user_2hubsales/);
    const { row_count, outcome, status } = await recorded(response.headers['x-request-id']);
    assert.deepEqual([row_count, outcome, status], [wanted.length, 'allowed', 200]);
  });

  test('CSV by supabase-js itself: a header line, and fields that contain lines, quotes and commas', async () => {
    const reason = 'two\nlines, "quoted"';
    await sql("select set_config('hub.reason', $1, false)", [reason]);
    const [{ id }] = await sql("insert into hub.leads (name, email) values ('Csv', 'csv@example.com') returning id");
    await sql("select set_config('hub.reason', '', false)");
    const admin = await client('admin');
    const { data, error } = await admin.from('team_activities').select('id,entity,reason').eq('entity_id', id).csv();
    assert.equal(error, null);
    const [header, ...rest] = data.split('\n');
    assert.equal(header, 'id,entity,reason');
    assert.match(rest.join('\n'), /^\d+,leads,"two\nlines, ""quoted"""\n$/);
    const none = await admin.from('team_activities').select('id,entity').eq('entity_id', 'nothing').csv();
    assert.deepEqual([none.error, none.data], [null, 'id,entity\n']);
  });

  test('request rows too: by outcome, as many as were requested', async () => {
    for (let n = 0; n < 3; n += 1) await recorded((await fetchAs('carol', 'leads')).headers['x-request-id']);
    const response = await file(
      'admin',
      'request_log?select=id,outcome&outcome=eq.refused&limit=3&order=id.asc',
      'application/x-ndjson',
    );
    const rows = response.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      rows.map(({ outcome }) => outcome),
      ['refused', 'refused', 'refused'],
    );
    assert.deepEqual(
      rows.map(({ id }) => id),
      rows.map(({ id }) => id).sort((one, other) => one - other),
    );
  });

  test('A-2: no other role, not without a purpose, not with a stale second factor; other formats are not an export', async () => {
    const path = 'team_activities?select=id&limit=1';
    for (const [persona, status, code, headers] of [
      ['support', 404, 'HUB202'],
      ['alice', 404, 'HUB202'],
      ['stale', 403, 'HUB203'],
      ['admin', 403, 'HUB328', { 'x-hub-purpose': undefined }],
    ]) {
      const response = await file(persona, path, 'text/csv', headers);
      assert.deepEqual([response.status, response.json.code], [status, code], persona);
    }
    assert.equal((await file('admin', 'leads?select=id', 'text/csv')).json.code, 'HUB301');
  });

  test('twenty thousand rows are complete during concurrent writes', async () => {
    await sql(`insert into hub.team_activities (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, owner_id, salt, values_hash)
      select 'system:many', 'system', 'system', 'test', 'export', 'leads', n::text, 'org_2hubacme00000000000000001', '\\x00', hub_private.values_hash('\\x00', null, null) from generate_series(1, 20000) n`);
    const writing = Promise.all(
      [1, 2, 3].map((n) =>
        fetchAs('sales', `leads?id=eq.${'0'.repeat(8)}-0000-4000-8000-00000000000${n}`, {
          method: 'PATCH',
          body: { notes: 'x' },
        }),
      ),
    );
    const response = await file(
      'admin',
      'team_activities?select=id,entity_id&actor_id=eq.system:many',
      'application/x-ndjson',
    );
    await writing;
    const numbers = response.text
      .trim()
      .split('\n')
      .map((line) => Number(JSON.parse(line).entity_id));
    assert.equal(numbers.length, 20_000);
    assert.equal(new Set(numbers).size, 20_000);
  });
});
