// The Hub itself: wrangler dev in front of workerd, over TLS or, for the tests of the boundary, over plain http.

import fs from 'node:fs';
import https from 'node:https';
import http from 'node:http';
import path from 'node:path';
import { answers } from './ports.mjs';
import { start } from './process.mjs';

const bin = path.resolve('node_modules/.bin');

/** Starts it; `vars` are the Hub's variables, `tls` the certificate's files. */
export async function startHub({ port, inspectorPort, protocol = 'https', vars, tls, folder, log }) {
  fs.mkdirSync(folder, { recursive: true });
  // What its cache kept is of another start; the stand-ins have other keys now.
  fs.rmSync(path.join(folder, protocol), { recursive: true, force: true });
  const file = path.join(folder, `${protocol}.vars`);
  const line = ([name, value]) => `${name}='${value}'\n`;
  fs.writeFileSync(file, `# Throw-away values of the local stack.\n${Object.entries(vars).map(line).join('')}`, { mode: 0o600 });
  const secure = protocol === 'https' ? ['--https-key-path', tls.key, '--https-cert-path', tls.cert] : [];
  const part = start(
    path.join(bin, 'node'),
    [
      path.resolve('node_modules/wrangler/bin/wrangler.js'), 'dev',
      '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(inspectorPort),
      '--local-protocol', protocol, ...secure, '--env-file', file, '--persist-to', path.join(folder, protocol),
      '--show-interactive-dev-session=false', '--test-scheduled',
    ],
    { log, env: { PATH: `${bin}:${process.env.PATH}`, CI: '1', WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: path.join(folder, 'wrangler-logs'), NO_COLOR: '1' } },
  );
  await answers('the Hub', () => responds(`${protocol}://localhost:${port}/robots.txt`, tls?.text), { seconds: 900, failed: part.why });
  return part;
}

/** Whether anything answers; which answer is the tests' question. */
function responds(url, ca) {
  return new Promise((resolve, reject) => {
    const client = url.startsWith('https') ? https : http;
    const request = client.get(url, { ca, timeout: 2000, family: 4 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode < 500);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}
