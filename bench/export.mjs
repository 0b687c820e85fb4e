// An export of the complete audit log by the Hub in workerd (L-1): time to the first byte, rows per second, and the
// memory of the Worker's process compared with the start. `bench/audit-queries.mjs` creates the rows.

import { port } from '../dev/ports.mjs';
import { AS_TLS, startWorkerd } from '../dev/workerd.mjs';

/** Exports in each format, twice from one process: constant memory stops growing in the first one. Prints a table. */
export async function measureExports(stack, client, say) {
  const modules = ['build/index.js', 'build/index_bg.wasm'];
  const vars = { ...stack.vars, POSTGREST_URL: stack.urls.postgrest };
  say(
    '\n| export | rows | MiB | first byte ms | seconds | rows per second | memory before, MiB | maximum in the 1st, 2nd, 3rd, 4th quarter |',
  );
  say('| --- | --: | --: | --: | --: | --: | --: | --- |');
  for (const [name, accept] of [
    ['NDJSON', 'application/x-ndjson'],
    ['CSV', 'text/csv'],
  ]) {
    const worker = await startWorkerd({
      name: 'export',
      port: await port('hub', 24790),
      folder: '.local/bench-audit/workerd',
      modules,
      vars,
    });
    try {
      const bearer = async () => `Bearer ${(await (await fetch(`${stack.urls.clerk}/dev/token/admin`)).json()).token}`;
      const headers = { ...AS_TLS, accept, 'x-hub-purpose': 'legal', authorization: await bearer() };
      const fetchPage = (limit) => fetch(`${worker.url}/rest/v1/team_activities?${limit}`, { headers });
      // Keys, connections and code are loaded before the memory is read.
      for (let n = 0; n < 5; n += 1) await (await fetchPage('limit=1000')).arrayBuffer();
      const before = worker.cost().memory;
      const {
        rows: [{ count }],
      } = await client.query('select count(*)::integer as count from hub.team_activities');
      for (const again of ['', ' again']) {
        headers.authorization = await bearer();
        const quarters = [0, 0, 0, 0];
        const began = performance.now();
        const response = await fetchPage('');
        if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
        let [bytes, lines, first] = [0, 0, 0];
        const watching = setInterval(() => {
          const quarter = Math.min(3, Math.floor((4 * lines) / count));
          quarters[quarter] = Math.max(quarters[quarter], worker.cost().memory);
        }, 50);
        for await (const part of response.body) {
          first ||= performance.now() - began;
          bytes += part.length;
          for (const byte of part) if (byte === 10) lines += 1;
        }
        clearInterval(watching);
        const seconds = (performance.now() - began) / 1000;
        const mebibytes = (size) => (size / 1024).toFixed(0);
        const rows = lines - (accept === 'text/csv' ? 1 : 0);
        say(
          `| ${name}${again} | ${rows} | ${mebibytes(bytes / 1024)} | ${first.toFixed(0)} | ${seconds.toFixed(1)} | ${(rows / seconds).toFixed(0)} | ${mebibytes(before)} | ${quarters.map(mebibytes).join(', ')} |`,
        );
      }
    } finally {
      await worker.stop();
    }
  }
}
