// The processes that a stack has started, recorded beside its data: the next start ends what a killed one left, and
// nothing else.

import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { waitUntil } from './ports.mjs';

/** The mark in the environment of every process that this one starts, and of their children. */
const MARK = 'HUB_STACK';
const mark = randomUUID();
process.env[MARK] = mark;

const children = new Map();
const files = new Map();

/**
 * Returns the start time of a process: with its id it identifies one process, also after the id was reused or the
 * system rebooted.
 */
export function startedAt(pid) {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    // A zombie holds no resources and handles no signal.
    return fields[0] === 'Z' ? null : `${boot()}/${fields[19]}`;
  } catch {
    return null;
  }
}

const boot = () => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const lives = ({ pid, started }) => started !== null && startedAt(pid) === started;

/** Records a child; `signal` is the one that requests its end. */
export function began(pid, command, signal) {
  children.set(pid, { pid, started: startedAt(pid), command: path.basename(command), signal });
  write();
}

/** Records that a child has ended. */
export function ended(pid) {
  children.delete(pid);
  write();
}

/** Returns the record of a stack whose supervisor is alive. */
export function live(file) {
  const record = read(file);
  return record && lives(record.supervisor) ? record : null;
}

/**
 * Claims a stack for this process, after it has ended what a killed supervisor left. Returns the commands that were
 * ended, and `note(more)` to add to the record and `release()` to remove it.
 */
export async function claim(file) {
  const other = live(file);
  if (other && other.supervisor.pid !== process.pid)
    throw new Error(`the stack is already running (process ${other.supervisor.pid})`);
  const orphans = other ? [] : await endOrphans(read(file));
  files.set(file, {});
  write();
  return {
    orphans,
    note: (more) => {
      Object.assign(files.get(file), more);
      write();
    },
    release: () => release(file),
  };
}

/** Removes every record; for the end of this process, when its children have ended. */
export function releaseAll() {
  for (const file of [...files.keys()]) release(file);
}

function release(file) {
  files.delete(file);
  fs.rmSync(file, { force: true });
}

function read(file) {
  try {
    const record = JSON.parse(fs.readFileSync(file, 'utf8'));
    return record.supervisor && Array.isArray(record.children) ? record : null;
  } catch {
    return null;
  }
}

function write() {
  for (const [file, more] of files) {
    const record = {
      supervisor: { pid: process.pid, started: startedAt(process.pid) },
      mark,
      children: [...children.values()],
      ...more,
    };
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // Written atomically: a supervisor may be killed while it writes.
    fs.writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  }
}

/**
 * Ends the recorded processes that are still the same, and those that carry the mark; first by their signal, then by
 * SIGKILL.
 */
async function endOrphans(record) {
  if (!record) return [];
  const known = record.children.filter(lives);
  const ids = new Set(known.map(({ pid }) => pid));
  for (const pid of marked(record.mark))
    if (!ids.has(pid)) known.push({ pid, started: startedAt(pid), command: 'a child of it', signal: 'SIGTERM' });
  const signal = (one, name) => {
    try {
      if (lives(one)) process.kill(one.pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  for (const one of known) signal(one, one.signal);
  const patience = Date.now() + 3000;
  await waitUntil(
    'the end of what a killed start left',
    () => {
      const left = known.filter(lives);
      if (Date.now() > patience) left.forEach((one) => signal(one, 'SIGKILL'));
      return left.length === 0;
    },
    { seconds: 10, every: 50 },
  );
  return known.map(({ command }) => command);
}

/** Returns the processes whose environment carries this mark. */
function marked(value) {
  const wanted = `${MARK}=${value}`;
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(wanted);
      } catch {
        return false;
      }
    });
}
