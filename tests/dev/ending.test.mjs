// The end of a local stack: by Ctrl-C in a terminal, by SIGKILL at any moment, and the next start after each.

import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { port } from '../../dev/ports.mjs';
import { query, startPostgres } from '../../dev/postgres.mjs';
import { claim, startedAt } from '../../dev/running.mjs';
import { at, pause } from './supervisor.mjs';

const FOLDER = '.local/dev-ending';
const RECORD = path.join(FOLDER, 'running.json');
const { supervisor, left, nothingLeft, command } = at(FOLDER, 450);
const record = () => JSON.parse(fs.readFileSync(RECORD, 'utf8'));
const tickets = async () =>
  (await query(record().urls.database, 'select count(*)::int as many from hub.contact_tickets')).rows[0].many;

describe('ports', () => {
  test('are assigned once, to one of several concurrent processes', async () => {
    const code =
      "const { port } = await import('./dev/ports.mjs'); for (let n = 0; n < 5; n += 1) console.log(await port('x', 25400)); setTimeout(() => {}, 60_000);";
    const children = Array.from({ length: 4 }, () => spawn(process.execPath, ['--input-type=module', '-e', code]));
    const given = await Promise.all(
      children.map(
        (child) =>
          new Promise((resolve) => {
            let text = '';
            child.stdout.on(
              'data',
              (part) => (text += part).trim().split('\n').length === 5 && resolve(text.trim().split('\n')),
            );
          }),
      ),
    );
    assert.equal(new Set(given.flat()).size, 20, String(given));
    // A port reserved by a killed process is free again.
    const ended = children.map((child) => new Promise((resolve) => child.on('exit', resolve)));
    children.forEach((child) => child.kill('SIGKILL'));
    await Promise.all(ended);
    assert.equal(await port('x', 25400), 25400);
  });
});

describe('a local stack', () => {
  after(() => command('reset'));

  test('comes up with its seed after starts that were killed at each step', async () => {
    for (const until of ['postgres …', 'postgrest …', 'hub …']) {
      const run = await supervisor({ until });
      await pause(until === 'hub …' ? 1500 : 150);
      run.child.kill('SIGKILL');
      await run.ended;
    }
    const run = await supervisor();
    assert.match(run.output, /ended processes of a previous run that was killed: .*(node|postgres)/);
    assert.equal(await tickets(), 200);
    run.child.kill('SIGTERM');
    assert.equal(await run.ended, 0, run.output);
    await nothingLeft();
  });

  test('ends in order when Ctrl-C reaches make and everything in its process group', async () => {
    const run = await supervisor({ byMake: true });
    process.kill(-run.child.pid, 'SIGINT');
    await run.ended;
    assert.match(run.output, /stopping …\s+stopped/);
    await nothingLeft();
  });

  test('starts again after its supervisor was killed: ends the remaining processes, retains the data', async () => {
    const killed = await supervisor();
    killed.child.kill('SIGKILL');
    await killed.ended;
    const orphans = record().children;
    assert.deepEqual(orphans.map(({ command: name }) => name).sort(), ['node', 'postgres', 'postgrest']);
    const run = await supervisor();
    try {
      for (const orphan of orphans)
        assert.notEqual(startedAt(orphan.pid), orphan.started, `${orphan.command} still runs`);
      assert.doesNotMatch(run.output, /is in use/);
      assert.doesNotMatch(run.output, /migrations applied|seeded/);
      assert.equal(await tickets(), 200);
    } finally {
      run.child.kill('SIGINT');
    }
    assert.equal(await run.ended, 0, run.output);
    await nothingLeft();
  });

  test('never ends a process that got the id of one it had started', async () => {
    const innocent = spawn('sleep', ['60']);
    const orphan = spawn('sleep', ['60']);
    const ended = new Promise((resolve) => orphan.on('exit', (_, signal) => resolve(signal)));
    const of = ({ pid }, started) => ({ pid, started, command: 'sleep', signal: 'SIGTERM' });
    const file = path.join(FOLDER, 'claimed.json');
    fs.mkdirSync(FOLDER, { recursive: true });
    fs.writeFileSync(
      file,
      JSON.stringify({
        // A supervisor that has ended, whose process id belongs to another process now.
        supervisor: { pid: innocent.pid, started: startedAt(innocent.pid).replace(/\d+$/, '1') },
        mark: 'of another start',
        children: [
          of(innocent, startedAt(innocent.pid).replace(/\d+$/, '1')),
          of(innocent, 'another boot/' + startedAt(innocent.pid).split('/')[1]),
          of(orphan, startedAt(orphan.pid)),
        ],
      }),
    );
    const claimed = await claim(file);
    assert.deepEqual(claimed.orphans, ['sleep']);
    assert.equal(await ended, 'SIGTERM');
    assert.equal(innocent.exitCode ?? innocent.signalCode, null);
    claimed.release();
    assert.ok(!fs.existsSync(file));
    innocent.kill();
  });

  test('reports what to do when a server that it did not start runs on its data, and leaves its postmaster.pid', async (t) => {
    const dataDir = path.join(FOLDER, 'postgres');
    const number = await port('postgres', 24990);
    const server = await startPostgres({ dataDir, port: number });
    // Without it, a failure here would fail every later run in this folder.
    t.after(() => server.stop());
    const {
      rows: [{ folder }],
    } = await query(server.url, "select current_setting('data_directory') as folder");
    const pidFile = path.join(folder, 'postmaster.pid');
    const before = fs.readFileSync(pidFile, 'utf8');
    for (const args of [[], ['reset']]) {
      const refused = command(...args);
      assert.equal(refused.status, 1, refused.stdout);
      assert.match(refused.stderr, new RegExp(`another PostgreSQL server is running on .*kill -INT ${server.pid}`));
      assert.doesNotMatch(refused.stderr, /TypeError/);
      assert.equal(fs.readFileSync(pidFile, 'utf8'), before);
    }
    await query(server.url, 'select');
    await server.stop();
    // A file left by a crash, whose process id another process has now, does not prevent the server's start.
    fs.writeFileSync(pidFile, before.replace(/^\d+/, String(process.pid)));
    const again = await startPostgres({ dataDir, port: number });
    await again.stop();
    assert.deepEqual(left(), []);
  });
});
