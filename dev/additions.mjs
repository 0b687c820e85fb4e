// Adds one thing of each kind to a scratch copy, in the minimal way, and requires that the build or a named test fails
// until the rest is there (docs/architecture.md, "To add one thing"). `make additions` runs it.
//
//   node dev/additions.mjs build    the build's part only, as `make check` does
//   node dev/additions.mjs          the build's part and the named tests, with those of the database

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { KINDS } from './additions/kinds.mjs';
import { port } from './ports.mjs';
import { deleteData, migrate, startPostgres } from './postgres.mjs';

/** One place for all runs: Cargo's incremental results depend on the path. */
const COPY = path.resolve('.local/additions');
/** The tests that the kinds name, with the arguments of cargo that select their binaries. */
const SUITES = ['--lib', '--test', 'integration', '--test', 'architecture', '--test', 'additions'];
const MOST_ROUNDS = 8;

/** Copies the tracked files that changed since the last copy, so that Cargo compiles nothing without need. */
function refresh() {
  const tracked = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter(fs.existsSync);
  const wanted = new Set(tracked.filter((file) => fs.statSync(file).isFile()));
  for (const file of wanted) write(file, fs.readFileSync(file, 'utf8'));
  for (const name of fs.readdirSync(COPY, { recursive: true }))
    if (!wanted.has(name) && fs.statSync(path.join(COPY, name)).isFile()) fs.rmSync(path.join(COPY, name));
}

const read = (file) => fs.readFileSync(path.join(COPY, file), 'utf8');

function write(file, text) {
  const copy = path.join(COPY, file);
  if (fs.existsSync(copy) && read(file) === text) return;
  fs.mkdirSync(path.dirname(copy), { recursive: true });
  fs.writeFileSync(copy, text);
}

/** Makes one change: what a command writes, a new file, or an edit at an anchor that occurs exactly `times`. */
function apply(kind, { cargo: command, file, anchor, times, change, text }) {
  if (command) return cargo(...command);
  if (text !== undefined) return write(file, text(read));
  const before = read(file);
  const found = before.match(new RegExp(anchor, 'gm'))?.length ?? 0;
  if (found !== times) throw new Error(`${kind}: ${anchor} occurs ${found} times in ${file}, not ${times}`);
  return write(file, before.replace(new RegExp(anchor, 'gm'), change));
}

function cargo(...args) {
  const env = {
    ...process.env,
    // Its own: cargo names the artifacts of a package by its place in the workspace, so that those of the copy would
    // replace those of the checkout.
    CARGO_TARGET_DIR: path.resolve('target/additions'),
    CARGO_TERM_COLOR: 'never',
    RUST_BACKTRACE: '0',
  };
  const done = spawnSync('cargo', args, { cwd: COPY, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { passed: done.status === 0, output: done.stdout + done.stderr };
}

/** Returns the output of a failed test, or nothing if it passed or was not run. */
const failure = (output, name) => output.split(`---- ${name} stdout ----`)[1]?.split('\n---- ')[0];

/**
 * Runs until everything passes: in each round, the obstacles that appear are removed by what they ask for. An obstacle
 * that does not appear is a place that nothing checks.
 */
function overcome(what, run, waiting) {
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const { passed, isReported, output } = run();
    if (passed) break;
    const met = [];
    for (const addition of waiting)
      while (addition.obstacles[0] && isReported(addition.obstacles[0]))
        met.push({ addition, obstacle: addition.obstacles.shift() });
    if (met.length === 0) throw new Error(`${what}: no kind expects this failure:\n${output.slice(-6000)}`);
    for (const { addition, obstacle } of met) {
      console.log(`  ${addition.kind}: ${obstacle.test ?? what} fails: ${obstacle.pattern}`);
      for (const edit of obstacle.then ?? []) apply(addition.kind, edit);
    }
  }
  const unseen = waiting.flatMap(({ kind, obstacles }) =>
    obstacles.map(({ pattern }) => `${kind}: nothing says ${pattern}`),
  );
  if (unseen.length > 0) throw new Error(`${what}:\n${unseen.join('\n')}`);
}

/** Requires that the catalog of a database without the additions fails the comparisons that the kinds name. */
async function database() {
  const dataDir = '.local/additions-postgres';
  const server = await startPostgres({ dataDir, port: await port('postgres', 24681) });
  process.env.HUB_TEST_DATABASE_URL = server.url;
  try {
    await migrate(server.ownerUrl);
    const { output } = cargo('test', '--locked', '--features', 'database-tests', '--test', 'schema');
    for (const { kind, obstacles } of KINDS)
      for (const { database: test, pattern } of obstacles.filter((obstacle) => obstacle.database)) {
        if (!pattern.test(failure(output, test) ?? ''))
          throw new Error(`${kind}: ${test} does not say ${pattern}:\n${output}`);
        console.log(`  ${kind}: ${test} fails: ${pattern}`);
      }
  } finally {
    await server.stop();
    deleteData(dataDir);
  }
}

const only = (kinds, of) => kinds.map(({ kind, obstacles }) => ({ kind, obstacles: obstacles.filter(of) }));

function build() {
  const run = () => {
    const { passed, output } = cargo('check', '--locked', '--lib');
    return { passed, output, isReported: ({ pattern }) => pattern.test(output) };
  };
  overcome(
    'the build',
    run,
    only(KINDS, ({ test, database }) => !test && !database),
  );
}

function tests() {
  const waiting = only(KINDS, ({ test }) => test);
  const names = waiting.flatMap(({ obstacles }) => obstacles.map(({ test }) => test));
  const run = () => {
    const { passed, output } = cargo('test', '--locked', '--no-fail-fast', ...SUITES, '--', '--exact', ...names);
    // A golden file is what its test writes; the other tests read no golden file.
    process.env.UPDATE_GOLDEN = '1';
    return { passed, output, isReported: ({ test, pattern }) => pattern.test(failure(output, test) ?? '') };
  };
  overcome('the tests', run, waiting);
}

fs.mkdirSync(COPY, { recursive: true });
refresh();
if (!cargo('check', '--locked', '--lib').passed) throw new Error('the copy does not compile before anything is added');
for (const { kind, row } of KINDS) for (const edit of row) apply(kind, edit);
build();
if (process.argv[2] !== 'build') {
  tests();
  await database();
}
console.log(`${KINDS.length} kinds of additions were tried`);
