// An upstream that responds at once, so that only the Worker's own cost is measured: `node bench/stub.mjs PORT`. GET
// /counts returns the number of requests of each path.

import http from 'node:http';

const rows = JSON.stringify(
  Array.from({ length: 20 }, (_, n) => ({
    id: `00000000-0000-4000-8000-0000000000${n + 10}`,
    subject: 'Header overlaps the menu on phones',
    status: 'open',
  })),
);
const counts = {};
const QUEUED = JSON.stringify({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } });

http
  .createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      if (request.url === '/counts')
        return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(counts));
      const [path] = request.url.split('?');
      counts[path] = (counts[path] ?? 0) + 1;
      // Cloudflare's queue, as called by a Worker's binding: without metrics in the response, workerd makes `send`
      // fail.
      if (request.url === '/message')
        return response.writeHead(200, { 'content-type': 'application/json' }).end(QUEUED);
      if (request.method === 'POST') return response.writeHead(201, { 'content-range': '*/*' }).end();
      response
        .writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-range': '0-19/*' })
        .end(rows);
    });
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
