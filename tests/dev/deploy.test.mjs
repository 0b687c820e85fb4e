// Wrangler's own result for wrangler.toml: both environments deploy without a warning, and with every binding that the
// Hub reads. `--dry-run` uses no network and needs no account.

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The repository's file, whose bundle `make build` has built already, after a change. */
function deploy(args, change = (text) => text) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hub-deploy-'));
  try {
    const text = fs.readFileSync('wrangler.toml', 'utf8').replace(/\n\[build\]\ncommand = .*\n/, '\n');
    const file = path.join(folder, 'wrangler.toml');
    fs.writeFileSync(
      file,
      change(text.replace(/^main = "(.*)"/m, (_, main) => `main = ${JSON.stringify(path.resolve(main))}`)),
    );
    const command = [
      'node_modules/wrangler/bin/wrangler.js',
      'deploy',
      '--dry-run',
      '--config',
      file,
      '--outdir',
      path.join(folder, 'out'),
      ...args,
    ];
    const env = {
      ...process.env,
      CI: '1',
      NO_COLOR: '1',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_LOG_PATH: path.join(folder, 'logs'),
    };
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      env,
      encoding: 'utf8',
      timeout: 120_000,
    });
    return { status, text: stdout + stderr };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const WARNING = /warning|deprecat|unexpected|✘|▲/i;
const variables = [
  ...fs.readFileSync('src/logic/config/variables.rs', 'utf8').matchAll(/var\(\s*"(\w+)",\s*VariableKind::Plain/g),
].map(([, name]) => name);

describe('wrangler deploy', () => {
  for (const [name, args, environment, queue] of [
    ['production', ['--env', ''], 'production', 'hub-request-log'],
    ['preview', ['--env', 'preview'], 'preview', 'hub-request-log-preview'],
  ]) {
    test(`accepts the ${name} environment without a warning and with every binding`, () => {
      const { status, text } = deploy(args);
      assert.equal(status, 0, text);
      assert.doesNotMatch(text, WARNING);
      assert.ok(variables.length > 10);
      for (const variable of variables) assert.match(text, new RegExp(`env\\.${variable}\\b`), text);
      assert.match(text, new RegExp(`env\\.HUB_ENV \\("${environment}"\\)`), text);
      assert.match(text, new RegExp(`env\\.REQUEST_LOG_QUEUE \\(${queue}\\)`), text);
    });
  }

  test('reports an unknown key, so that this test can fail', () => {
    const misspelt = deploy(['--env', ''], (text) => text.replace('preview_urls', 'preview_url'));
    assert.match(misspelt.text, WARNING);
    const unlisted = deploy(['--env', 'preview'], (text) => text.replace(/\n\[env\.preview\.vars\][^[]*/, '\n'));
    assert.match(unlisted.text, WARNING);
  });
});
