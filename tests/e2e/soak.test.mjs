// The memory that an isolate retains of each request, in its own workerd: none. `make soak` does the same with 50,000
// requests of each kind.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { isFlat, isolate, kinds, send, soak } from '../../bench/soak.mjs';
import { FOLDER } from './client.mjs';

const REQUESTS = 2000;
const KINDS = kinds((...args) => hub.token(...args));
let hub;

describe('an isolate retains nothing of a request', () => {
  before(async () => {
    hub = await isolate({ folder: `${FOLDER}/soak` });
    for (const make of Object.values(KINDS)) await send(hub.worker, make, 32);
  });
  after(() => hub?.stop());

  // A cache grows until it is full, which takes `make soak`.
  for (const [kind, make] of Object.entries(KINDS).filter(([name]) => name !== 'never-seen token')) {
    test(kind, async () => {
      const { statuses, grown } = await soak(hub, make, REQUESTS);
      assert.ok(
        isFlat(grown, REQUESTS),
        `${kind}: the second half of ${REQUESTS} requests added ${JSON.stringify(grown)}; ${JSON.stringify(statuses)}`,
      );
    });
  }

  test('L-3: the stub accepts the messages of the queue, so that no failing queue is measured', async () => {
    const counts = async () => (await fetch(`${hub.urls.stub}/counts`)).json();
    const before = await counts();
    assert.deepEqual(await send(hub.worker, KINDS['staff read'], 100), { 200: 100 });
    const after = await counts();
    const more = (path) => (after[path] ?? 0) - (before[path] ?? 0);
    assert.ok(more('/message') >= 100, `${more('/message')} messages`);
    assert.equal(more('/rest/v1/rpc/record_requests'), 0);
  });
});
