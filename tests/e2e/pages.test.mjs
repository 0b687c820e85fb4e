// The public pages in a real browser: phone and desktop, light and dark, under the content security policy that they
// are sent with.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { launch } from './browser.mjs';
import { FOLDER, stack } from './client.mjs';

const VIEWPORTS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } };
const SHOTS = `${FOLDER}/pages`;

describe('pages', () => {
  let browser;
  before(async () => {
    fs.mkdirSync(SHOTS, { recursive: true });
    browser = await launch();
  });
  after(() => browser?.close());

  for (const [path, status] of [
    ['/', 200],
    ['/security', 200],
    ['/nothing', 404],
  ]) {
    for (const [device, viewport] of Object.entries(VIEWPORTS)) {
      for (const colorScheme of ['light', 'dark']) {
        test(`${path} on a ${device}, ${colorScheme}: no error, nothing from elsewhere, nothing wider than the screen`, async () => {
          const { urls } = await stack();
          const context = await browser.newContext({ viewport, colorScheme, ignoreHTTPSErrors: true });
          const page = await context.newPage();
          const [complaints, elsewhere] = [[], []];
          page.on(
            'console',
            (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()),
          );
          page.on('pageerror', (error) => complaints.push(error.message));
          page.on('request', (request) => new URL(request.url()).origin !== urls.hub && elsewhere.push(request.url()));
          const response = await page.goto(urls.hub + path, { waitUntil: 'networkidle' });
          assert.equal(response.status(), status);
          // Chromium itself reports the page's own 404 as an error of the console.
          assert.deepEqual(
            complaints.filter((text) => status === 200 || !text.includes('404')),
            [],
          );
          assert.deepEqual(elsewhere, []);
          const layout = await page.evaluate(() => ({
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            headings: document.querySelectorAll('h1').length,
            language: document.documentElement.lang,
            colours: [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor],
            styled: [...document.styleSheets].some((sheet) => sheet.href?.endsWith('/assets/hub.css')),
            cookies: document.cookie,
          }));
          assert.ok(layout.wide <= 0, `${layout.wide} px too wide`);
          assert.deepEqual([layout.headings, layout.language, layout.styled, layout.cookies], [1, 'en', true, '']);
          const [text, ground] = layout.colours.map((colour) =>
            colour
              .match(/[\d.]+/g)
              .slice(0, 3)
              .map(Number)
              .reduce((sum, part) => sum + part),
          );
          assert.equal(text > ground, colorScheme === 'dark', layout.colours.join(' on '));
          await page.screenshot({
            path: `${SHOTS}/${path.slice(1) || 'home'}-${device}-${colorScheme}.png`,
            fullPage: true,
          });
          await context.close();
        });
      }
    }
  }
});
