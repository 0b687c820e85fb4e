// Free ports: the wanted one if nobody has it, else another below the ephemeral range, said aloud.

import net from 'node:net';

const free = (port) =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

const given = new Set();

/** The wanted port, or the next free one after it; never the same twice in one run. */
export async function port(what, wanted, say = () => {}) {
  for (let candidate = wanted; candidate < wanted + 200; candidate += 1) {
    if (given.has(candidate) || !(await free(candidate))) continue;
    given.add(candidate);
    if (candidate !== wanted) say(`port ${wanted} is taken, ${what} uses ${candidate}`);
    return candidate;
  }
  throw new Error(`no free port from ${wanted} on for ${what}`);
}

/** Waits until `probe` gives something true, asked `every` so many milliseconds; fails early when `failed` says why. */
export async function answers(what, probe, { seconds = 60, every = 100, failed = () => null } = {}) {
  let last;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await new Promise((next) => setTimeout(next, every))) {
    const reason = failed();
    if (reason) throw new Error(`${what} ended: ${reason}`);
    try {
      const found = await probe();
      if (found) return found;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`${what} did not answer within ${seconds} s${last ? `: ${last.message}` : ''}`);
}
