// An upstream that answers at once, so that the Worker's own cost is what is left: `node bench/stub.mjs PORT`.

import http from 'node:http';

const rows = JSON.stringify(Array.from({ length: 20 }, (_, n) => ({ id: `00000000-0000-4000-8000-0000000000${n + 10}`, subject: 'Header overlaps the menu on phones', status: 'open' })));

http
  .createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      // Cloudflare's queue, as a Worker's binding asks it.
      if (request.url === '/message') return response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      if (request.method === 'POST') return response.writeHead(201, { 'content-range': '*/*' }).end();
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-range': '0-19/*' }).end(rows);
    });
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
