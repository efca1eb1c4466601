import { expect, type APIResponse, type BrowserContext } from '@playwright/test';
import { test as base } from '../journeys/shop.ts';
import { compareAria } from '../src/parity/compare-aria.ts';
import { compareJson, type Json } from '../src/parity/compare-json.ts';
import type { Difference } from '../src/parity/difference.ts';

/** Who is made to answer requests for reviews. */
export type Side = 'monolith' | 'service';

/** How a request is made to be answered by one side. */
export interface Source {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whom the answer must name in `banyan-served-by`; null where nobody says so. */
  readonly servedBy: Side | null;
}

/** What somebody with a screen reader finds on a page, and what is around it. */
export interface SeenPage {
  readonly aria: string;
  /** Status, title and the headers that matter to a browser. */
  readonly frame: Json;
}

const COMPARED_HEADERS = [
  'content-type',
  'cache-control',
  'content-security-policy',
  'referrer-policy',
] as const;

const pickHeaders = (headers: Readonly<Record<string, string>>): Json =>
  Object.fromEntries(COMPARED_HEADERS.map((name) => [name, headers[name] ?? null]));

function proveServedBy(headers: Readonly<Record<string, string>>, { servedBy }: Source): void {
  if (servedBy !== null) expect(headers['banyan-served-by'], 'who answered').toBe(servedBy);
}

/** Opens a page as that side shows it to whoever the context's cookies say he is. */
export async function readPage(context: BrowserContext, source: Source, path: string): Promise<SeenPage> {
  const page = await context.newPage();
  try {
    // Only the page itself is asked of that side; what it loads comes the usual way.
    const url = new URL(path, source.baseUrl).href;
    await page.route(url, (route) =>
      route.continue({ headers: { ...route.request().headers(), ...source.headers } }),
    );
    const answer = await page.goto(url);
    if (!answer) throw new Error(`no answer to ${path}`);
    const headers = answer.headers();
    proveServedBy(headers, source);
    return {
      aria: await page.locator('body').ariaSnapshot(),
      frame: { status: answer.status(), title: await page.title(), headers: pickHeaders(headers) },
    };
  } finally {
    await page.close();
  }
}

/** Where two sides show different pages. */
export function comparePages(expected: SeenPage, actual: SeenPage): readonly Difference[] {
  return [...compareJson(expected.frame, actual.frame), ...compareAria(expected.aria, actual.aria)];
}

/** Asks the API of that side. Gives status, headers that matter and body. */
export async function readJson(context: BrowserContext, source: Source, path: string): Promise<Json> {
  const url = new URL(path, source.baseUrl).href;
  const answer: APIResponse = await context.request.get(url, { headers: { ...source.headers } });
  proveServedBy(answer.headers(), source);
  return {
    status: answer.status(),
    headers: pickHeaders(answer.headers()),
    body: (await answer.json()) as Json,
  };
}

interface SideFixtures {
  /** The side that is right by definition, and the one that is tried. */
  readonly sides: { readonly monolith: Source; readonly service: Source };
}

/** `test` with both sides behind the proxy, each answering when told to. */
export const test = base.extend<SideFixtures>({
  sides: async ({ baseURL, testerHeaders }, use) => {
    const source = (servedBy: Side): Source => ({
      baseUrl: baseURL ?? '',
      headers: { ...testerHeaders, 'banyan-override': `reviews=${servedBy}` },
      servedBy,
    });
    await use({ monolith: source('monolith'), service: source('service') });
  },
});

export { expect };
