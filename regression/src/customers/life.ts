import type { BrowserSession, Page } from './browser-session.ts';
import type { Random } from './random.ts';
import { categoryLinks, productLinks } from './shop-pages.ts';
import type { Tally } from './tally.ts';
import type { Account } from './writing.ts';

/** What lasts from visit to visit. */
export interface Life {
  /** Told apart from all others of the shop: letters, digits and `-`. */
  readonly mark: string;
  readonly random: Random;
  readonly tally: Tally;
  /** Breaks off what is under way. */
  readonly signal: AbortSignal;
  /** Null when the next time he enters he makes a new one. */
  account: Account | null;
  accountsMade: number;
  /** Products that this account has reviewed: one review each. */
  readonly reviewed: Set<string>;
}

/** One visit, in a browser of its own. */
export interface Visit {
  readonly session: BrowserSession;
  /** Slugs seen on pages of this visit. */
  readonly categories: Set<string>;
  readonly products: Set<string>;
  /** The product looked at last. */
  product: string | null;
  entered: boolean;
  /** The review written last, if the shop said that it has it. */
  written: { readonly slug: string; readonly body: string } | null;
}

/** One thing done in a visit. */
export type Act = (life: Life, visit: Visit) => Promise<void>;

/** A visit that begins. */
export function beginVisit(session: BrowserSession): Visit {
  return {
    session,
    categories: new Set(),
    products: new Set(),
    product: null,
    entered: false,
    written: null,
  };
}

interface Question {
  /** What the counts call it. */
  readonly kind: string;
  /** Statuses that a customer may expect. */
  readonly expected: readonly number[];
  readonly send: () => Promise<Page>;
}

/** Sends a request and counts it. Gives the answer if it is an expected one, else counts an error and gives null. */
export async function ask({ tally, signal }: Life, { kind, expected, send }: Question): Promise<Page | null> {
  tally.request(kind);
  try {
    const page = await send();
    if (expected.includes(page.status)) return page;
    tally.error(kind, `status ${page.status}`);
  } catch (cause) {
    // Whoever stops the customers breaks off their requests; that is nobody's fault.
    signal.throwIfAborted();
    tally.error(kind, cause instanceof Error ? cause.message || cause.name : String(cause));
  }
  return null;
}

/** Opens a page, or asks the API, and remembers what it links to. */
export async function look(life: Life, visit: Visit, kind: string, path: string): Promise<Page | null> {
  const page = await ask(life, { kind, expected: [200], send: () => visit.session.get(path) });
  if (page && !path.startsWith('/api/')) {
    for (const slug of categoryLinks(page.text)) visit.categories.add(slug);
    for (const slug of productLinks(page.text)) visit.products.add(slug);
  }
  return page;
}
