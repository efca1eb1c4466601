import { OVERRIDE_HEADER, OVERRIDE_TOKEN_HEADER, SERVED_BY_HEADER } from '@banyan/contracts';

interface ReviewList {
  readonly pages: number;
  readonly reviews: readonly { readonly title: string }[];
}

/**
 * A customer who writes one review after another through the shop's API, and remembers those that were
 * acknowledged. Whatever was acknowledged must be found later.
 */
export class Reviewer {
  readonly #shopUrl: string;
  readonly #overrideToken: string;
  readonly #cookies = new Map<string, string>();
  #accounts = 0;
  readonly acknowledged: { readonly slug: string; readonly title: string }[] = [];
  /** Writes that got no answer or a failure: they may or may not have happened. */
  unanswered = 0;

  constructor(shopUrl: string, overrideToken: string) {
    this.#shopUrl = shopUrl;
    this.#overrideToken = overrideToken;
  }

  async #send(method: string, path: string, body?: unknown): Promise<Response> {
    const answer = await fetch(this.#shopUrl + path, {
      method,
      headers: {
        'content-type': 'application/json',
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        'x-csrf-token': this.#cookies.get('csrf') ?? '',
      },
      signal: AbortSignal.timeout(10_000),
      redirect: 'manual',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    return answer;
  }

  /** A new account, since a customer may review a product once. */
  async signUp(): Promise<void> {
    this.#accounts += 1;
    this.#cookies.clear();
    await (await this.#send('GET', '/')).body?.cancel();
    const answer = await this.#send('POST', '/api/customers', {
      email: `reviewer-${process.pid}-${this.#accounts}-${Date.now()}@example.test`,
      displayName: `Reviewer ${this.#accounts}`,
      password: 'correct horse battery',
    });
    if (answer.status !== 201) throw new Error(`sign-up answered ${answer.status}: ${await answer.text()}`);
  }

  async slugs(): Promise<string[]> {
    const answer = await this.#send('GET', '/api/products');
    const { products } = (await answer.json()) as { products: { slug: string }[] };
    return products.map(({ slug }) => slug);
  }

  /** Writes a review of each product until `signal` aborts; with a new account when all are reviewed. */
  async writeUntil(signal: AbortSignal): Promise<void> {
    const slugs = await this.slugs();
    for (let n = 0; !signal.aborted; n += 1) {
      try {
        if (n % slugs.length === 0) await this.signUp();
        const slug = slugs[n % slugs.length] ?? '';
        const title = `Review ${n} of account ${this.#accounts}`;
        const answer = await this.#send('POST', `/api/products/${slug}/reviews`, {
          rating: (n % 5) + 1,
          title,
          body: 'Sturdy, and it came in time. I would buy it again.',
        });
        if (answer.status === 201) this.acknowledged.push({ slug, title });
        else this.unanswered += 1;
        await answer.body?.cancel();
      } catch {
        this.unanswered += 1; // no answer: it is not among the acknowledged ones
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Titles that the service itself lists for a product; never the monolith's. */
  async #titlesInService(slug: string, serviceUrl: string | null): Promise<Set<string>> {
    const titles = new Set<string>();
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const answer = await fetch(
        `${serviceUrl ?? this.#shopUrl}/api/products/${slug}/reviews?page=${page}&perPage=50`,
        {
          headers: { [OVERRIDE_HEADER]: 'reviews=service', [OVERRIDE_TOKEN_HEADER]: this.#overrideToken },
          signal: AbortSignal.timeout(10_000),
        },
      );
      const served = answer.headers.get(SERVED_BY_HEADER);
      if (serviceUrl === null && served !== 'service')
        throw new Error(`answered by ${served ?? 'nobody knows'}, ${answer.status}`);
      const list = (await answer.json()) as ReviewList;
      pages = list.pages;
      for (const { title } of list.reviews) titles.add(title);
    }
    return titles;
  }

  /** A look whether the service itself lists the review that is the last acknowledged one now. */
  lookForLast(serviceUrl: string): () => Promise<boolean> {
    const last = this.acknowledged.at(-1);
    if (!last) throw new Error('nothing was acknowledged yet');
    return async () => (await this.#titlesInService(last.slug, serviceUrl)).has(last.title);
  }

  /**
   * Acknowledged reviews that the service does not have.
   *
   * @param serviceUrl Asks the service itself. Default: through the proxy, which in phase `syncing` sends nobody there.
   */
  async missingInService(serviceUrl: string | null = null): Promise<string[]> {
    const missing: string[] = [];
    for (const slug of new Set(this.acknowledged.map((each) => each.slug))) {
      const titles = await this.#titlesInService(slug, serviceUrl);
      for (const { title } of this.acknowledged.filter((each) => each.slug === slug)) {
        if (!titles.has(title)) missing.push(`${slug}: ${title}`);
      }
    }
    return missing;
  }
}
