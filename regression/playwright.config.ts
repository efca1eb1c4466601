import { defineConfig, type PlaywrightTestOptions, type PlaywrightWorkerOptions } from '@playwright/test';
import type { PathOptions } from './journeys/shop.ts';
import { findBrowser } from './src/browser/find-browser.ts';
import { readEnvironment } from './src/environment/environment.ts';
import { shopPaths } from './src/environment/shop-path.ts';

const { executablePath, args, env } = await findBrowser();
const given = readEnvironment();
const hasProxy = given === null || given.proxyUrl !== undefined;
const paths = shopPaths.filter(({ via }) => hasProxy || via === 'monolith');

/** Journeys and parity tests; see README.md. One worker: a path is a state of the one slice that all tests share. */
export default defineConfig<PlaywrightTestOptions & PathOptions, PlaywrightWorkerOptions & PathOptions>({
  globalSetup: './global-setup.ts',
  outputDir: '../test-results/playwright',
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: Boolean(process.env['CI']),
  timeout: 30_000,
  expect: { timeout: 7_500 },
  reporter: process.env['PLAYWRIGHT_JSON_OUTPUT_NAME'] ? [['list'], ['json']] : [['list']],
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath,
      args: [...args],
      env: { ...process.env, ...env },
    },
    viewport: { width: 1000, height: 700 },
    locale: 'en-IE',
    timezoneId: 'UTC',
    // Without a film: on two cores making it slows all journeys by a third.
    trace: { mode: 'retain-on-failure', screenshots: false },
    actionTimeout: 10_000,
    navigationTimeout: 15_000,
  },
  projects: [
    ...paths.map((path) => ({
      name: path.name,
      testDir: './journeys',
      testIgnore: path.via === 'monolith' ? 'who-answers.spec.ts' : [],
      use: { path },
    })),
    ...paths.slice(-1).map((path) => ({
      name: 'parity',
      testDir: './parity',
      // Without the proxy there is one side only, which can still be compared with a faulty copy of itself.
      testMatch: hasProxy ? '*.spec.ts' : 'planted-regressions.spec.ts',
      use: { path },
    })),
  ],
});
