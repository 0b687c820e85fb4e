// The installations of `make`: for each command its requirements and no more, and a message for those that cannot be
// installed from here.

import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), 'hub-setup-'));
const SETUP = path.join(FOLDER, 'dev/setup');
const BIN = path.join(FOLDER, 'bin');
const CALLS = path.join(FOLDER, 'calls');
const script = (file, text) => fs.writeFileSync(file, `#!/usr/bin/env bash\n${text}\n`, { mode: 0o755 });

// The real all.sh and common.sh between steps that only report their call.
for (const folder of [SETUP, BIN]) fs.mkdirSync(folder, { recursive: true });
for (const name of ['all.sh', 'common.sh']) fs.copyFileSync(`dev/setup/${name}`, path.join(SETUP, name));
for (const name of ['node', 'rust', 'tools', 'chromium'])
  script(path.join(SETUP, `${name}.sh`), `echo ${name} "$@" >>${CALLS}`);
for (const name of ['curl', 'npm', 'openssl', 'rustup']) script(path.join(BIN, name), '');

/** Runs all.sh as if this were Node's version; returns its calls. */
function setup(args, node = 'v22.1.0') {
  script(path.join(BIN, 'node'), node ? `echo ${node}` : 'exit 127');
  fs.rmSync(CALLS, { force: true });
  const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}`, HUB_CACHE: path.join(FOLDER, 'cache') };
  const { status, stderr } = spawnSync('bash', [path.join(SETUP, 'all.sh'), ...args], { env, encoding: 'utf8' });
  const calls = fs.existsSync(CALLS)
    ? fs
        .readFileSync(CALLS, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.trim())
    : [];
  return { status, stderr, calls };
}

describe('the setup', () => {
  after(() => fs.rmSync(FOLDER, { recursive: true }));

  for (const [args, wanted] of [
    [['node'], ['node']],
    [['build'], ['node', 'rust', 'tools']],
    [['check'], ['node', 'rust', 'tools', 'tools cargo-deny']],
    [['test'], ['node', 'rust', 'tools', 'node examples/browser-app', 'chromium']],
    [[], ['node', 'rust', 'tools', 'tools cargo-deny', 'node examples/browser-app', 'chromium']],
  ]) {
    test(`of ${args[0] ?? 'everything'} installs ${wanted.join(', ')}`, () =>
      assert.deepEqual(setup(args), { status: 0, stderr: '', calls: wanted }));
  }

  test('rejects an unknown argument', () => {
    const { status, stderr, calls } = setup(['chromium']);
    assert.equal(status, 1);
    assert.match(stderr, /usage/);
    assert.deepEqual(calls, []);
  });

  for (const version of ['v18.20.4', 'v9.0.0', '', 'garbage']) {
    test(`reports the required Node when node --version prints ${version || 'nothing'}`, () => {
      const { status, stderr, calls } = setup(['build'], version);
      assert.equal(status, 1);
      assert.match(stderr, /Node\.js 20 or newer with npm is required/);
      if (version) assert.match(stderr, new RegExp(version.replaceAll('.', '\\.')));
      assert.deepEqual(calls, []);
    });
  }

  test('accepts Node 20 and later', () => {
    for (const version of ['v20.0.0', 'v100.1.0']) assert.equal(setup(['node'], version).status, 0, version);
  });

  test('of `make dev`, `make dev-reset` and `make db-check` installs their requirements', () => {
    const wants = (target) => {
      const { stdout } = spawnSync('make', ['--no-print-directory', '-n', '-B', target], { encoding: 'utf8' });
      return new Set(stdout.match(/dev\/setup\/all\.sh.*/g).map((line) => line.trim()));
    };
    assert.deepEqual(wants('dev'), new Set(['dev/setup/all.sh build']));
    assert.deepEqual(wants('dev-reset'), new Set(['dev/setup/all.sh node']));
    assert.deepEqual(wants('db-check'), new Set(['dev/setup/all.sh node']));
    assert.deepEqual(wants('check'), new Set(['dev/setup/all.sh check']));
    assert.deepEqual(wants('test'), new Set(['dev/setup/all.sh test']));
  });

  test('builds cargo-deny for `make check` alone', () => {
    fs.copyFileSync('dev/setup/tools.sh', path.join(SETUP, 'tools.sh'));
    fs.copyFileSync('Cargo.lock', path.join(FOLDER, 'Cargo.lock'));
    script(path.join(BIN, 'cargo'), `echo "$@" >>${CALLS}`);
    assert.deepEqual(
      setup(['build']).calls.filter((call) => call.includes('cargo-deny')),
      [],
    );
    assert.match(setup(['check']).calls.join('\n'), /install cargo-deny/);
  });
});
