// the API description, as a tool uses it: valid by an independent validator, and each operation that it lists
// works.

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Validator } from '@seriousme/openapi-schema-validator';
import { fetchAs, post, raw, recorded, stack, token, until } from './client.mjs';

const AUDIENCES = ['alice', 'admin', 'sales', 'support'];
const described = async (persona, headers = {}) => fetchAs(persona, '', { headers });

describe('GET /rest/v1/', () => {
  for (const persona of AUDIENCES) {
    test(`is a valid Swagger 2.0 document for ${persona}, and lists no table without access`, async () => {
      const response = await described(persona);
      assert.equal(response.status, 200, response.text);
      assert.equal(response.headers['content-type'], 'application/openapi+json; charset=utf-8');
      const validator = new Validator();
      const { valid, errors } = await validator.validate(response.json);
      assert.ok(valid, JSON.stringify(errors, null, 1));
      assert.equal(validator.version, '2.0');
      const row = await recorded(response.headers['x-request-id']);
      assert.equal(row.route, '/rest/v1/');
      assert.equal(row.status, 200);

      const reads = Object.entries(response.json.paths).filter(
        ([path, methods]) => methods.get && !path.startsWith('/rpc/'),
      );
      assert.ok(reads.length >= 4);
      for (const [path] of reads) {
        const columns = Object.keys(response.json.definitions[path.slice(1)].properties);
        // A HEAD shows no column, so every column may be named without a read record.
        const found = await fetchAs(persona, `${path.slice(1)}?select=${columns.join(',')}&limit=1`, {
          method: 'HEAD',
          headers: { 'x-hub-purpose': 'support' },
        });
        assert.ok(found.status < 400, `${path}: ${found.status}`);
      }
    });
  }

  test('requires a session and a known role, and is shared with no other origin', async () => {
    assert.equal((await raw('/rest/v1/')).status, 401);
    assert.equal((await described('nobody')).json.code, 'HUB201');
    const foreign = await described('alice', { origin: 'https://elsewhere.example' });
    assert.equal(foreign.headers['access-control-allow-origin'], undefined);
  });

  test('I-2: is not returned to a revoked session', async () => {
    const { urls, keys } = await stack();
    const { id: sid } = await (await post('clerk', '/dev/sessions', { persona: 'dave' })).json();
    const authorization = `Bearer ${await token('dave', { sid })}`;
    assert.equal((await raw('/rest/v1/', { headers: { authorization } })).status, 200);
    await fetch(`${urls.clerk}/v1/sessions/${sid}/revoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.clerk.secretKey}`, 'clerk-api-version': '2026-05-12' },
    });
    await until(
      'the revocation',
      async () => (await raw('/rest/v1/', { headers: { authorization } })).json.code === 'HUB103',
    );
  });

  test('lists for an impersonated session the tables that it may read', async () => {
    const claims = Buffer.from(JSON.stringify({ act: { sub: 'user_2hubadmin0000000000000005' } })).toString(
      'base64url',
    );
    const response = await raw('/rest/v1/', {
      headers: { authorization: `Bearer ${await token('alice', { claims })}` },
    });
    assert.equal(response.status, 200, response.text);
    assert.deepEqual(Object.keys(response.json.paths['/contact_tickets']), ['get']);
    assert.equal(response.json.paths['/rpc/open_ticket'], undefined);
  });
});
