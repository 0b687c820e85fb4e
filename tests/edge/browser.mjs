// The Chromium of the live tests: the machine's own, with nothing that phones home.

import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Starts it. */
export function launch() {
  const executablePath = execFileSync('bash', ['-c', 'command -v chromium || command -v google-chrome'], { encoding: 'utf8' }).trim();
  return chromium.launch({ executablePath, args: ARGUMENTS });
}
