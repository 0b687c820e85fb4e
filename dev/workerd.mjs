// One Worker in one workerd process, without wrangler's inspector and proxy; and the resource use of that process, from
// /proc.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { waitUntil } from './ports.mjs';
import { start } from './process.mjs';

const binary = path.resolve('node_modules/workerd/bin/workerd');
const TICK_US = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK']));

/**
 * Starts it; `modules` are files, the first one the Worker. The client sets https and TLS 1.3 by the two headers of
 * `AS_TLS`. `queue` is the address of the stand-in for Cloudflare's queue: it accepts POST /message. `inspector` is a
 * port for V8's inspector.
 */
export async function startWorkerd({ name, port, folder, modules, vars, queue, inspector }) {
  const module = (file) => {
    const kind = file.endsWith('.wasm') ? 'wasm' : 'esModule';
    return `(name = "${path.basename(file)}", ${kind} = embed "${path.relative(folder, path.resolve(file))}")`;
  };
  const binding = ([key, text]) => `(name = "${key}", text = ${JSON.stringify(text)})`;
  const bindings = [
    ...Object.entries(vars).map(binding),
    ...(queue ? ['(name = "REQUEST_LOG_QUEUE", queue = "queue")'] : []),
  ];
  const config = path.join(folder, `${name}.capnp`);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [${modules.map(module).join(', ')}], compatibilityDate = "2026-07-01",
      bindings = [${bindings.join(', ')}], globalOutbound = "internet")),
${queue ? `    (name = "queue", external = (address = "${queue}", http = ())),\n` : ''}    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", service = "main", http = (forwardedProtoHeader = "x-forwarded-proto", cfBlobHeader = "cf-blob"))],
);
`,
  );
  const began = process.hrtime.bigint();
  const part = start(binary, ['serve', config, ...(inspector ? [`--inspector-addr=127.0.0.1:${inspector}`] : [])], {
    log: path.join(folder, `${name}.log`),
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntil(name, async () => (await fetch(`${url}/robots.txt`, { headers: AS_TLS })).status > 0, {
    seconds: 20,
    every: 2,
    failed: part.why,
  });
  const startedMs = Number(process.hrtime.bigint() - began) / 1e6;
  return { name, url, startedMs, stop: part.stop, cost: () => cost(part.pid) };
}

/** The headers for what Cloudflare's edge would report of the connection. */
export const AS_TLS = { 'x-forwarded-proto': 'https', 'cf-blob': '{"tlsVersion":"TLSv1.3"}' };

/** CPU time since the start in microseconds, and memory in KiB. */
function cost(pid) {
  const [, rest] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ');
  const memory = Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]);
  return { cpu: (Number(fields[11]) + Number(fields[12])) * TICK_US, memory };
}
