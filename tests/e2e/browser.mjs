// The Chromium of the live tests: the installed one, with its calls to its vendor switched off.

import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';
import { PRODUCTION_DOMAIN } from '../../dev/keys.mjs';

const ARGUMENTS = [
  `--host-resolver-rules=MAP *.${PRODUCTION_DOMAIN} 127.0.0.1`,
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser. */
export function launch() {
  const executablePath = execFileSync('bash', ['-c', 'command -v chromium || command -v google-chrome'], {
    encoding: 'utf8',
  }).trim();
  return chromium.launch({ executablePath, args: ARGUMENTS });
}
