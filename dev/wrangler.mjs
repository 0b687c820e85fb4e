// The Hub itself: wrangler dev in front of workerd, over TLS or, for the tests of the request checks, over plain http.

import fs from 'node:fs';
import https from 'node:https';
import http from 'node:http';
import path from 'node:path';
import { waitUntil } from './ports.mjs';
import { start } from './process.mjs';

const bin = path.resolve('node_modules/.bin');

/** Variants of the deployed Hub, each with its changes of wrangler.toml. */
const VARIANTS = {
  /**
   * Consumes no messages: they are left to the Hub that shares its `folder`, as an isolate leaves them to Cloudflare.
   */
  producer: (blocks) => blocks.filter((block) => !/^\[(\[queues\.consumers\]|triggers)/.test(block)),
  /** Connected to a production instance of Clerk. */
  production: (blocks) => blocks,
  /** Drops a message after its second delivery. */
  impatient: (blocks) => blocks.map((block) => block.replace('max_retries = 30', 'max_retries = 1')),
};

/** Starts the Hub; `vars` are its variables, `tls` the certificate's files, `variant` one of VARIANTS. */
export async function startHub({ port, inspectorPort, protocol = 'https', variant, vars, tls, folder, log }) {
  fs.mkdirSync(folder, { recursive: true });
  const own = path.join(folder, variant ?? protocol);
  // The stored cache is from another start; the stand-ins have other keys now.
  fs.rmSync(own, { recursive: true, force: true });
  const config = variant ? ['--config', changed(folder, variant)] : [];
  const file = path.join(folder, `${variant ?? protocol}.vars`);
  const line = ([name, value]) => `${name}='${value}'\n`;
  fs.writeFileSync(file, `# Throw-away values of the local stack.\n${Object.entries(vars).map(line).join('')}`, {
    mode: 0o600,
  });
  // Wrangler reads only the variables and required secrets of wrangler.toml from a file; an optional secret is passed
  // as an argument.
  const deployed = fs.readFileSync('wrangler.toml', 'utf8');
  const optional = Object.keys(vars).filter(
    (name) => !new RegExp(`^${name} = |^required = .*"${name}"`, 'm').test(deployed),
  );
  const more = optional.flatMap((name) => ['--var', `${name}:${vars[name]}`]);
  const secure = protocol === 'https' ? ['--https-key-path', tls.key, '--https-cert-path', tls.cert] : [];
  const part = start(
    path.join(bin, 'node'),
    [
      path.resolve('node_modules/wrangler/bin/wrangler.js'),
      'dev',
      ...config,
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--inspector-port',
      String(inspectorPort),
      // The routes of wrangler.toml are the deployment's; here the Hub sees the host of the client's request.
      '--infer-origin-from-routes=false',
      '--local-protocol',
      protocol,
      ...secure,
      '--env-file',
      file,
      ...more,
      '--persist-to',
      own,
      '--show-interactive-dev-session=false',
      '--test-scheduled',
    ],
    {
      log,
      env: {
        PATH: `${bin}:${process.env.PATH}`,
        CI: '1',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_LOG_PATH: path.join(folder, 'wrangler-logs'),
        WRANGLER_REGISTRY_PATH: path.join(
          folder,
          variant === 'producer' ? 'registry-https' : `registry-${variant ?? protocol}`,
        ),
        NO_COLOR: '1',
      },
    },
  );
  await waitUntil('the Hub', () => responds(`${protocol}://localhost:${port}/robots.txt`, tls?.text), {
    seconds: 900,
    failed: part.why,
  });
  return part;
}

/** Writes wrangler.toml for a variant: with its own name, and without a build. */
function changed(folder, variant) {
  const file = path.join(folder, `${variant}.toml`);
  const blocks = fs
    .readFileSync('wrangler.toml', 'utf8')
    .split(/\n(?=\[)/)
    .filter((block) => !block.startsWith('[build]'));
  const text = VARIANTS[variant](blocks).join('\n');
  fs.writeFileSync(
    file,
    text
      .replace(/^name = "(.*)"/m, `name = "$1-${variant}"`)
      .replace(/^main = "(.*)"/m, (_, main) => `main = "${path.resolve(main)}"`),
  );
  return file;
}

/** Returns whether there is a response, of any status; the tests check which one. */
function responds(url, ca) {
  return new Promise((resolve, reject) => {
    const client = url.startsWith('https') ? https : http;
    const request = client.get(url, { ca, timeout: 2000, family: 4 }, (response) => {
      response.resume();
      resolve(response.statusCode < 500);
    });
    request.on('timeout', () => request.destroy(new Error('no response')));
    request.on('error', reject);
  });
}
