import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { unpackChromium } from './unpack-chromium.ts';

/** How to start a Chromium: the fields are those of Playwright's launch options. */
export interface FoundBrowser {
  readonly origin: 'environment' | 'system' | 'playwright' | 'npm-package';
  readonly executablePath: string;
  readonly args: readonly string[];
  /** Variables that the browser needs beside those of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/** What the search looks at; the defaults are this machine. */
export interface BrowserSearch {
  /** Default `process.env`. Reads BANYAN_BROWSER and PATH. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where Playwright would keep a browser of its own. Default: asks Playwright. */
  readonly playwrightPath?: () => Promise<string | null>;
  /** Unpacks the browser inside the npm package. Default: `@sparticuz/chromium`. */
  readonly unpack?: typeof unpackChromium;
  /** Default: whether this process runs as root. */
  readonly asRoot?: boolean;
}

/** No browser anywhere. The message says where was looked, and how to mend it. */
export class BrowserNotFoundError extends Error {
  readonly code = 'browser-not-found';
  override readonly name = 'BrowserNotFoundError';
  constructor(tried: readonly string[]) {
    const lines = tried.map((place) => `  - ${place}`).join('\n');
    super(
      `No Chromium was found:\n${lines}\nMend it with one of:\n` +
        "  - install Chromium or Google Chrome with the system's package manager\n" +
        '  - npx playwright install chromium\n' +
        '  - BANYAN_BROWSER=/path/to/chrome',
    );
  }
}

const SYSTEM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const SYSTEM_PATHS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false, // Absent or not ours to run: either way the search goes on.
  );
}

async function firstExecutable(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) if (await isExecutable(path)) return path;
  return null;
}

async function askPlaywright(): Promise<string | null> {
  const { chromium } = await import('@playwright/test');
  return chromium.executablePath();
}

/**
 * Finds a Chromium: BANYAN_BROWSER, then the system's, then Playwright's own, then the one inside the npm
 * package `@sparticuz/chromium` (unpacked once, about two seconds).
 * @throws BrowserNotFoundError with every place that was tried.
 */
export async function findBrowser(search: BrowserSearch = {}): Promise<FoundBrowser> {
  const env = search.env ?? process.env;
  // As root Chromium refuses to start with its sandbox. The only pages it sees here are the shop's.
  const args = (search.asRoot ?? process.getuid?.() === 0) ? ['--no-sandbox'] : [];

  const named = env['BANYAN_BROWSER'];
  if (named) {
    if (await isExecutable(named)) return { origin: 'environment', executablePath: named, args, env: {} };
    throw new BrowserNotFoundError([`BANYAN_BROWSER=${named}: not an executable file`]);
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const candidates = folders.flatMap((folder) => SYSTEM_NAMES.map((name) => join(folder, name)));
  const system = await firstExecutable([...candidates, ...SYSTEM_PATHS]);
  if (system) return { origin: 'system', executablePath: system, args, env: {} };

  const own = await (search.playwrightPath ?? askPlaywright)();
  if (own && (await isExecutable(own))) return { origin: 'playwright', executablePath: own, args, env: {} };

  const tried = [
    'BANYAN_BROWSER: not set',
    `PATH: none of ${SYSTEM_NAMES.join(', ')}`,
    `Playwright's own: ${own ?? 'none'}`,
  ];
  try {
    const unpacked = await (search.unpack ?? unpackChromium)();
    // This build has no sandbox helper beside it. Its own list of arguments is for cloud functions: it switches
    // off the same-origin policy and runs all in one process, which no shop's customer does, so it is not used.
    return { origin: 'npm-package', ...unpacked, args: ['--no-sandbox'] };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new BrowserNotFoundError([...tried, `npm package @sparticuz/chromium: ${message}`]);
  }
}
