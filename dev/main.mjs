// `make dev`, `make dev-reset` and `make dev-seed`: the supervisor of the local stack.

import fs from 'node:fs';
import path from 'node:path';
import { PERSONAS } from './personas.mjs';
import { forget, seed } from './postgres.mjs';
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
    const good =
      origin === text &&
      (protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)));
    if (!good)
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
      `the stack runs already (process ${other.supervisor.pid})${other.urls ? ` at ${other.urls.hub}` : ''}; stop it with Ctrl-C there`,
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
    console.error(`\n${name} died (${why})\n${tail}`);
    end(1);
  });
  show(stack, apps);
}

function show({ urls, keys, vars }, apps) {
  const rows = [
    ['the Hub', urls.hub],
    ['promises', `${urls.hub}/security`],
    ['health', `${urls.hub}/healthz`],
    ['sign in', `${urls.hub}/sign-in`],
    ['Clerk stand-in', urls.clerk],
    ['Supabase front', urls.supabase],
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
const show = (answer) => console.dir(answer.error ?? answer.data, { depth: null });
${lines}
EOF`;
  say(`\n${rows.map(([what, where]) => `  ${what.padEnd(wide)}  ${where}`).join('\n')}

A token lives 60 seconds. Four things to try:

1. As Alice, with curl. Then ask for leads, or for select=assigned_to, and read what comes back.

TOKEN=$(curl -s ${urls.clerk}/dev/token/alice | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
curl -s --cacert ${certificate} -H "Authorization: Bearer $TOKEN" '${urls.hub}/rest/v1/contact_tickets?select=id,subject&limit=3'

2. As staff, with supabase-js: a change, and its row in team_activities.

${asAdmin(`const { data: [ticket] } = await hub.from('contact_tickets').select('id, subject, version').eq('status', 'open').limit(1);
const change = hub.from('contact_tickets').update({ status: 'solved' }).eq('id', ticket.id).eq('version', ticket.version);
show(await change.select('subject, status, version').single());
const trail = hub.from('team_activities').select('actor_name, action, before, after').eq('entity_id', ticket.id).eq('actor_kind', 'staff');
// What clients' records said is sensitive: why it is read is recorded before it leaves.
show(await trail.setHeader('x-hub-purpose', 'quality'));`)}

3. Open ${urls.hub}/account, sign in as Carol, wait a minute and reload: the session goes on. End it as an admin does, and reload again.

${asAdmin(`show(await hub.rpc('revoke_sessions', { person: '${PERSONAS.carol.sub}', reason: 'a try' }));`)}

   Everybody is as at the start again, at Clerk and in the database, after:

curl -s -X POST ${urls.clerk}/dev/reset

4. Break Clerk, and look at ${urls.hub}/healthz and at answers to tokens. Modes: 503, hang, garbage, ok.

curl -s -X POST ${urls.clerk}/dev/rotate-keys
curl -s -X POST ${urls.clerk}/dev/outage -d '{"mode":"503"}'
curl -s -X POST ${urls.clerk}/dev/outage -d '{"mode":"ok"}'

${
  apps.length === 0
    ? 'A browser app of another origin may call the Hub after make dev ORIGINS=http://localhost:5173.'
    : `These origins may call the Hub from a browser: ${apps.join(', ')}. examples/browser-app is such an app; open the Hub once, so that the
browser takes its certificate, and then:

cd examples/browser-app && npm ci && \\
VITE_HUB_URL=${urls.hub} VITE_HUB_KEY=${keys.publishable} \\
VITE_CLERK_PUBLISHABLE_KEY=${vars.CLERK_PUBLISHABLE_KEY} VITE_CLERK_PROXY_URL=${urls.clerk} \\
npm run dev -- --port ${new URL(apps[0]).port || 5173}`
}

Ctrl-C stops everything.`);
}

async function reset() {
  if (running()) throw new Error('the stack runs; stop it first');
  // Ends the processes that a killed start left on these data.
  await claim(path.join(FOLDER, RECORD));
  forget(path.join(FOLDER, 'postgres'));
  fs.rmSync(FOLDER, { recursive: true, force: true });
  say('the local data is forgotten');
}

async function reseed() {
  const rows = Number.parseInt(process.env.ROWS ?? '200', 10);
  if (!(rows > 0 && rows <= 1_000_000)) throw new Error('ROWS is a number from 1 to 1000000');
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
