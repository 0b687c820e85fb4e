// Free ports: the wanted one if it is free, else another below the ephemeral range, with a printed notice.

import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { startedAt } from './running.mjs';

// A reserved port is not in use until its server listens; stacks of other checkouts that start meanwhile see the
// reservation here.
const PROMISED = path.join(os.tmpdir(), 'stacklumen-hub-ports');

const free = (port) =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

const given = new Set();
const promised = new Set();
process.on('exit', () => promised.forEach((file) => fs.rmSync(file, { force: true })));

/** Returns the wanted port, or the next free one after it; never the same twice in one run. */
export async function port(what, wanted, say = () => {}) {
  for (let candidate = wanted; candidate < wanted + 200; candidate += 1) {
    if (given.has(candidate) || !(await free(candidate)) || !promise(candidate)) continue;
    given.add(candidate);
    if (candidate !== wanted) say(`port ${wanted} is in use, ${what} uses ${candidate}`);
    return candidate;
  }
  throw new Error(`no free port for ${what}, starting at ${wanted}`);
}

/** Reserves a port for this process, unless a live process has reserved it; the reservation ends with this process. */
function promise(port) {
  fs.mkdirSync(PROMISED, { recursive: true, mode: 0o777 });
  const file = path.join(PROMISED, String(port));
  const own = `${file}.${process.pid}`;
  try {
    // Linked as a whole: a file that is created and then written is empty for a moment, and would appear to be that of
    // a process that ended.
    fs.writeFileSync(own, `${process.pid} ${startedAt(process.pid)}`);
    for (let tries = 0; tries < 2; tries += 1) {
      try {
        fs.linkSync(own, file);
        promised.add(file);
        return true;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      if (!forgotten(file, `${own}.old`)) return false;
    }
    return false;
  } catch {
    // If no reservation can be written, the check of the port itself must suffice.
    return true;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

/** Removes the reservation of a process that has ended; returns false for a live one. */
function forgotten(file, aside) {
  const found = read(file);
  const [pid, started] = found.split(' ');
  if (started && startedAt(pid) === started) return false;
  try {
    fs.renameSync(file, aside);
    // Another process may have replaced it meanwhile; its reservation is restored.
    if (read(aside) !== found) fs.linkSync(aside, file);
    fs.rmSync(aside, { force: true });
  } catch {
    // Another process was first; the next attempt sees its reservation.
  }
  return true;
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Waits until `probe` returns something true, polled every `every` milliseconds; fails early when `failed` returns a
 * reason.
 */
export async function waitUntil(what, probe, { seconds = 60, every = 100, failed = () => null } = {}) {
  let last;
  for (
    const end = Date.now() + seconds * 1000;
    Date.now() < end;
    await new Promise((next) => setTimeout(next, every))
  ) {
    const reason = failed();
    if (reason) throw new Error(`${what} ended: ${reason}`);
    try {
      const found = await probe();
      if (found) return found;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`${what} did not respond within ${seconds} s${last ? `: ${last.message}` : ''}`);
}
