// the types of types/ compile in a program of supabase-js, and uses beyond an audience's rights do not.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

const FOLDER = 'tests/types';
const compile = (project) => spawnSync('node_modules/.bin/tsc', ['-p', project], { encoding: 'utf8', timeout: 60_000 });

test('each use within an audience’s rights compiles, and each other use is an error', () => {
  const done = compile(FOLDER);
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.ok(fs.readFileSync(`${FOLDER}/clients.ts`, 'utf8').match(/@ts-expect-error/g).length > 15);
});

test('types that grant more do not pass', () => {
  const folder = '.local/types-test';
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(`${folder}/types`, { recursive: true });
  fs.cpSync(FOLDER, `${folder}/tests/types`, { recursive: true });
  for (const name of ['admin', 'sales', 'support']) fs.copyFileSync(`types/${name}.ts`, `${folder}/types/${name}.ts`);
  // A customer with the types of an admin.
  fs.copyFileSync('types/admin.ts', `${folder}/types/customer.ts`);
  const done = compile(`${folder}/tests/types`);
  assert.notEqual(done.status, 0);
  assert.match(done.stdout, /Unused '@ts-expect-error' directive/);
  fs.rmSync(folder, { recursive: true });
});
