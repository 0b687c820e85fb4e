// A child process with a log file, that dies with its whole group and tells why it died.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const running = new Set();
// Whatever ends this process ends the children too; each leads its own group, so that none of theirs stays behind.
process.on('exit', () => running.forEach((child) => signal(child, 'SIGKILL')));

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // It is gone already.
  }
}

/** Starts a command; its output goes to `log`. */
export function start(command, args, { env = {}, cwd, log }) {
  fs.mkdirSync(path.dirname(log), { recursive: true });
  const output = fs.openSync(log, 'w');
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', output, output], detached: true });
  fs.closeSync(output);
  running.add(child);
  const part = { pid: child.pid, ended: null, log, onEnd: () => {} };
  part.done = new Promise((resolve) => {
    const end = (why) => {
      if (part.ended) return;
      part.ended = why;
      running.delete(child);
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
    signal(child, 'SIGTERM');
    const patience = setTimeout(() => signal(child, 'SIGKILL'), 5000);
    await part.done;
    clearTimeout(patience);
    signal(child, 'SIGKILL');
  };
  return part;
}
