// A child process with a log file, that ends with its whole group and reports why it ended.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { began, ended, releaseAll } from './running.mjs';

const running = new Map();
let closing = false;
// Any end of this process ends the children too; each leads its own group, so that none of their children remains, and
// so that a terminal's Ctrl-C reaches this process alone, which ends them in order.
process.on('exit', () => {
  running.forEach((_, child) => signal(child, 'SIGKILL'));
  releaseAll();
});

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // The process has ended already.
  }
}

/** Starts a command; its output goes to `log`, and `stopSignal` requests its end. */
export function start(command, args, { env = {}, cwd, uid, gid, log, stopSignal = 'SIGTERM' }) {
  if (closing) throw new Error('the stack is being stopped');
  fs.mkdirSync(path.dirname(log), { recursive: true });
  const output = fs.openSync(log, 'w');
  const child = spawn(command, args, {
    cwd,
    uid,
    gid,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    detached: true,
  });
  fs.closeSync(output);
  const part = { pid: child.pid, ended: null, log, onEnd: () => {} };
  running.set(child, part);
  if (child.pid) began(child.pid, command, stopSignal);
  part.done = new Promise((resolve) => {
    const end = (why) => {
      if (part.ended) return;
      part.ended = why;
      running.delete(child);
      ended(child.pid);
      part.onEnd(why);
      resolve(why);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, name) => end(name ? `signal ${name}` : `code ${code}`));
  });
  part.tail = () => fs.readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  part.kill = async () => {
    part.onEnd = () => {};
    signal(child, 'SIGKILL');
    await part.done;
  };
  part.why = () => part.ended && `${part.ended}; the end of ${log}:\n${part.tail()}`;
  part.stop = async () => {
    part.onEnd = () => {};
    if (part.ended) return;
    signal(child, stopSignal);
    const patience = setTimeout(() => signal(child, 'SIGKILL'), 5000);
    await part.done;
    clearTimeout(patience);
    signal(child, 'SIGKILL');
  };
  return part;
}

/** Ends every child at once, and starts no more. */
export async function stopAll() {
  closing = true;
  await Promise.all([...running.values()].map((part) => part.stop()));
}
