// `make dev`, `make dev-reset` and `make dev-seed`: the supervisor of the local stack.

import fs from 'node:fs';
import path from 'node:path';
import { PERSONAS } from './personas.mjs';
import { deleteData, seed } from './postgres.mjs';
import { stopAll } from './process.mjs';
import { claim, live } from './running.mjs';
import { RECORD, startStack } from './stack.mjs';

// The tests of this file use their own folder and ports.
const FOLDER = process.env.HUB_DEV_FOLDER ?? '.local/dev';
const SHIFT = Number(process.env.HUB_DEV_SHIFT ?? 0);
const say = (line) => console.log(line);

/** The origins of browser apps, from ORIGINS; https as in production, and http on loopback only. */
function origins() {
  const named = (process.env.ORIGINS ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter(Boolean);
  for (const text of named) {
    const { protocol, hostname, origin } = URL.canParse(text) ? new URL(text) : {};
    const allowed =
      origin === text &&
      (protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)));
    if (!allowed)
      throw new Error(`ORIGINS: ${text} is not an https origin, nor an http one on loopback (http://localhost:5173)`);
  }
  return named;
}

/** Returns the stack that runs already, if its process is alive. */
const running = () => live(path.join(FOLDER, RECORD));

async function run() {
  const other = running();
  if (other)
    throw new Error(
      `the stack is already running (process ${other.supervisor.pid})${other.urls ? ` at ${other.urls.hub}` : ''}; stop it with Ctrl-C there`,
    );
  const apps = origins();
  let ending = false;
  const end = async (code) => {
    // A second Ctrl-C does not wait.
    if (ending) process.exit(130);
    ending = true;
    say('\nstopping …');
    // A stack that is only partly started is stopped too; the record is removed with this process.
    await stopAll();
    say('stopped');
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0));
  const stack = await startStack({ dataDir: FOLDER, shift: SHIFT, origins: apps, say }).catch((error) => {
    if (!ending) throw error;
  });
  if (ending) return;
  stack.onDeath((name, why, tail) => {
    if (ending) return;
    console.error(`\n${name} exited unexpectedly (${why})\n${tail}`);
    end(1);
  });
  show(stack, apps);
}

function show({ urls, keys, vars }, apps) {
  const rows = [
    ['the Hub', urls.hub],
    ['security page', `${urls.hub}/security`],
    ['health', `${urls.hub}/healthz`],
    ['sign in', `${urls.hub}/sign-in`],
    ['Clerk stand-in', urls.clerk],
    ['Supabase stand-in', urls.supabase],
    ['PostgREST', urls.postgrest],
    ['PostgreSQL', urls.database],
    ...Object.entries(PERSONAS).map(([name, { who }]) => [
      `persona ${name}`,
      `${who}: ${urls.clerk}/dev/token/${name}`,
    ]),
  ];
  const wide = Math.max(...rows.map(([what]) => what.length));
  const certificate = path.join(FOLDER, 'localhost.pem');
  // A script to paste, with a client that is signed in as an admin.
  const asAdmin = (lines) => `NODE_EXTRA_CA_CERTS=${certificate} node_modules/.bin/node --input-type=module <<'EOF'
import { createClient } from '@supabase/supabase-js';
const hub = createClient('${urls.hub}', '${keys.publishable}', {
  accessToken: async () => (await (await fetch('${urls.clerk}/dev/token/admin')).json()).token,
});
const show = ({ data, error }) => console.dir(error ?? data, { depth: null });
${lines}
EOF`;
  say(`\n${rows.map(([what, where]) => `  ${what.padEnd(wide)}  ${where}`).join('\n')}

A token is valid for 60 seconds. Four examples:

1. Read tickets as Alice, with curl. Requests for leads, or with select=assigned_to, are rejected with an explanation.

TOKEN=$(curl -s ${urls.clerk}/dev/token/alice | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
curl -s --cacert ${certificate} -H "Authorization: Bearer $TOKEN" '${urls.hub}/rest/v1/contact_tickets?select=id,subject&limit=3'

2. Change a ticket as staff, with supabase-js, and read its row in the audit log.

${asAdmin(`const { data: [ticket] } = await hub.from('contact_tickets').select('id, subject, version').eq('status', 'open').limit(1);
const change = hub.from('contact_tickets').update({ status: 'solved' }).eq('id', ticket.id).eq('version', ticket.version);
show(await change.select('subject, status, version').single());
const audit = hub.from('team_activities').select('actor_name, action, before, after').eq('entity_id', ticket.id).eq('actor_kind', 'staff');
// The values of clients' records are sensitive: the purpose of the read is recorded before they are returned.
show(await audit.setHeader('x-hub-purpose', 'quality'));`)}

3. Open ${urls.hub}/account, sign in as Carol, wait a minute and reload: the session continues. Revoke it as an admin, and reload again.

${asAdmin(`show(await hub.rpc('revoke_sessions', { person: '${PERSONAS.carol.sub}', reason: 'example' }));`)}

   To reset all users, at Clerk and in the database:

curl -s -X POST ${urls.clerk}/dev/reset

4. Simulate an outage of Clerk, and see ${urls.hub}/healthz and the responses to tokens. Modes: 503, hang, garbage, ok.

curl -s -X POST ${urls.clerk}/dev/rotate-keys
curl -s -X POST ${urls.clerk}/dev/outage -d '{"mode":"503"}'
curl -s -X POST ${urls.clerk}/dev/outage -d '{"mode":"ok"}'

${
  apps.length === 0
    ? 'To allow a browser app of another origin, start with: make dev ORIGINS=http://localhost:5173'
    : `Allowed browser origins: ${apps.join(', ')}. examples/browser-app is an example; open the Hub once, so that the browser accepts
its certificate, and run:

cd examples/browser-app && npm ci && \\
VITE_HUB_URL=${urls.hub} VITE_HUB_KEY=${keys.publishable} \\
VITE_CLERK_PUBLISHABLE_KEY=${vars.CLERK_PUBLISHABLE_KEY} VITE_CLERK_PROXY_URL=${urls.clerk} \\
npm run dev -- --port ${new URL(apps[0]).port || 5173}`
}

Press Ctrl-C to stop the stack.`);
}

async function reset() {
  if (running()) throw new Error('the stack is running; stop it first with Ctrl-C');
  // Ends the processes that a killed start left on these data.
  await claim(path.join(FOLDER, RECORD));
  deleteData(path.join(FOLDER, 'postgres'));
  fs.rmSync(FOLDER, { recursive: true, force: true });
  say('deleted the local data');
}

async function reseed() {
  const rows = Number.parseInt(process.env.ROWS ?? '200', 10);
  if (!(rows > 0 && rows <= 1_000_000)) throw new Error('ROWS must be a number from 1 to 1000000');
  const live = running();
  const stack = live ?? (await startStack({ dataDir: FOLDER, shift: SHIFT, hub: false, say }));
  say(`seeding ${rows} tickets …`);
  const started = Date.now();
  await seed(stack.urls.database, rows);
  say(`done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  await stack.stop?.();
}

const commands = { run, reset, seed: reseed };
const command = commands[process.argv[2] ?? 'run'];
if (!command) {
  console.error(`usage: node dev/main.mjs [${Object.keys(commands).join(' | ')}]`);
  process.exit(2);
}
try {
  await command();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}
