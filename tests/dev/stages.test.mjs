// `make test` itself, between programs that only report their calls: the stages that run, their counts, and their end.

import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pause } from './supervisor.mjs';

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), 'hub-stages-'));
const BIN = path.join(FOLDER, 'node_modules/.bin');
const OWN = path.join(FOLDER, 'bin');
const script = (file, text) => fs.writeFileSync(file, `#!/usr/bin/env bash\n${text}\n`, { mode: 0o755 });
const FILES = { database: ['one'], dev: ['one'], e2e: ['keys', 'pages', 'queue', 'visits'] };

// The real test.sh and common.sh.
for (const folder of ['dev/setup', 'node_modules/.bin', 'bin', ...Object.keys(FILES).map((name) => `tests/${name}`)])
  fs.mkdirSync(path.join(FOLDER, folder), { recursive: true });
for (const name of ['dev/test.sh', 'dev/setup/common.sh']) fs.copyFileSync(name, path.join(FOLDER, name));
for (const [folder, names] of Object.entries(FILES))
  for (const name of names) fs.writeFileSync(path.join(FOLDER, `tests/${folder}/${name}.test.mjs`), '');

/** Runs a stage; `node` is the script that stands in for Node's test runner, which has the files in `$files`. */
function stage(name, { node = '', free = '99999999' } = {}) {
  script(
    path.join(BIN, 'node'),
    `files=$(printf '%s\\n' "$@" | grep '\\.test\\.mjs$' | xargs -r -n1 basename | sed 's/\\.test\\.mjs$//' | xargs)\n[ -n "$files" ] || exit 0\n${node}`,
  );
  script(path.join(OWN, 'make'), '');
  script(path.join(OWN, 'df'), `printf 'Filesystem\\n/dev/x 1 1 ${free} 1%% /\\n'`);
  const env = {
    ...process.env,
    PATH: `${OWN}:${process.env.PATH}`,
    HUB_CACHE: path.join(FOLDER, 'cache'),
    TMPDIR: FOLDER,
  };
  // A terminal's foreground job has its own process group.
  const child = spawn('bash', [path.join(FOLDER, 'dev/test.sh'), name], { env, detached: true });
  const run = { child, output: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (run.output += part));
  run.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
  return run;
}
const PRINTS = 'echo "ran $files"; echo "ℹ pass $(wc -w <<<"$files")"; echo "ℹ fail 0"';

describe('the stages', () => {
  after(() => fs.rmSync(FOLDER, { recursive: true }));

  test('of the e2e files each runs once, on one of two stacks, and all are counted', async () => {
    const run = stage('e2e', { node: `echo "in \${TEST_FOLDER:-.local/test}"; ${PRINTS}` });
    assert.equal(await run.ended, 0, run.output);
    assert.match(run.output, /in \.local\/test\nran pages visits\n/);
    assert.match(run.output, /in \.local\/test-apart\nran keys queue\n/);
    assert.match(run.output, /\n4 passed, 0 failed\n$/);
  });

  for (const [failing, passed] of [
    ['pages', 2],
    ['queue', 2],
  ]) {
    test(`a failure beside ${failing} is detected, counted and named`, async () => {
      const run = stage('e2e', {
        node: `case "$files" in *${failing}*) echo "✖ ${failing}"; echo "ℹ pass 0"; echo "ℹ fail 2"; exit 1 ;; esac; ${PRINTS}`,
      });
      assert.equal(await run.ended, 1);
      assert.match(run.output, new RegExp(`✖ ${failing}\n[^]*\nfailed: e2e\n\n${passed} passed, 2 failed\n$`));
    });
    test(`${failing} that breaks before it counts is a failure`, async () => {
      const run = stage('e2e', { node: `case "$files" in *${failing}*) exit 1 ;; esac; ${PRINTS}` });
      assert.equal(await run.ended, 1);
      assert.match(run.output, new RegExp(`\nfailed: e2e\n\n${passed} passed, 1 failed\n$`));
    });
  }

  test('of the database report a full disk, once, and start nothing', async () => {
    const run = stage('database', { node: PRINTS, free: '1024000' });
    assert.equal(await run.ended, 1);
    assert.match(
      run.output,
      /Not enough disk space: 1000 MB free in .*; the test databases require \d+ MB\.\n-- database: \d+ s\n\nfailed: database\n\n0 passed, 1 failed\n$/,
    );
    assert.equal(run.output.match(/Not enough disk space/g).length, 1);
    assert.doesNotMatch(run.output, /ran /);
  });

  const LASTS = 'trap "exit 130" INT; echo $$ >>"$HUB_CACHE/pids"; while :; do sleep 0.05; done';
  for (const [what, name, runners] of [
    ['and no other begins', '', 1],
    ['and what runs beside it too', 'e2e', 2],
  ]) {
    test(`end with Ctrl-C, ${what}`, async () => {
      const file = path.join(FOLDER, 'cache/pids');
      fs.rmSync(file, { force: true });
      script(path.join(OWN, 'cargo'), LASTS);
      const run = stage(name, { node: LASTS });
      const pids = () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\n') : []);
      while (pids().length < runners) {
        assert.equal(run.child.exitCode, null, run.output);
        await pause(20);
      }
      process.kill(-run.child.pid, 'SIGINT');
      assert.equal(await run.ended, 130, run.output);
      assert.equal(pids().length, runners);
      for (const pid of pids()) assert.ok(!fs.existsSync(`/proc/${pid}`), `${pid} still runs`);
      assert.doesNotMatch(run.output, /passed/);
    });
  }
});
