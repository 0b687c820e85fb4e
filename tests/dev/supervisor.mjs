// Shared by the tests of `make dev`: a supervisor with its own folder and ports, and the state that a stopped one must
// not leave.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';

/** The commands of dev/main.mjs on one folder; `shift` moves its ports. */
export function at(folder, shift) {
  const env = { ...process.env, HUB_DEV_FOLDER: folder, HUB_DEV_SHIFT: String(shift) };

  /** Starts it and waits for a line; by `make` it leads its own process group, as a terminal's foreground job does. */
  async function supervisor({ until = 'Press Ctrl-C to stop the stack', byMake = false, more = {} } = {}) {
    const child = byMake
      ? spawn(
          'make',
          ['--no-print-directory', '--eval', `dev-test:\n\t@exec ${process.execPath} dev/main.mjs`, 'dev-test'],
          { env: { ...env, ...more }, detached: true },
        )
      : spawn(process.execPath, ['dev/main.mjs'], { env: { ...env, ...more } });
    const run = { child, output: '' };
    run.ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (run.output += part));
    let code;
    run.ended.then((ended) => (code = ended));
    for (const end = Date.now() + 90_000; Date.now() < end && code === undefined; await pause(20)) {
      if (run.output.includes(until)) return run;
    }
    child.kill('SIGKILL');
    throw new Error(`it did not say "${until}" (${code}):\n${run.output}`);
  }

  /** Returns the processes whose command line names the folder, or which a supervisor of it started. */
  function left() {
    const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    return pids.filter((pid) => {
      try {
        return (
          fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) ||
          fs.readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HUB_DEV_FOLDER=${folder}`)
        );
      } catch {
        return false;
      }
    });
  }

  async function nothingLeft() {
    for (const end = Date.now() + 8000; Date.now() < end && left().length > 0;) await pause(100);
    assert.deepEqual(left().map(commandLine), []);
    assert.ok(!fs.existsSync(`${folder}/running.json`), 'the record is still there');
  }

  const command = (...args) =>
    spawnSync(process.execPath, ['dev/main.mjs', ...args], { env, encoding: 'utf8', timeout: 60_000 });
  return { env, supervisor, left, nothingLeft, command };
}

export const pause = (ms) => new Promise((next) => setTimeout(next, ms));

export function commandLine(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return 'a process that has just ended';
  }
}
