/** A customer with a browser's manners: keeps cookies, sends forms, follows no redirect by itself. */
export class ShopVisitor {
  #cookies = new Map();
  #url;

  constructor(url) {
    this.#url = url;
  }

  async #send(path, form) {
    const answer = await fetch(this.#url + path, {
      method: form ? 'POST' : 'GET',
      headers: { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; '), origin: this.#url },
      signal: AbortSignal.timeout(20_000),
      redirect: 'manual',
      ...(form && {
        body: new URLSearchParams({ ...form, _csrf: this.#cookies.get('csrf') ?? '' }),
      }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    return answer;
  }

  async #post(path, form) {
    const answer = await this.#send(path, form);
    if (answer.status !== 303) {
      throw new Error(`POST ${path} answered ${answer.status}:\n${(await answer.text()).slice(0, 2_000)}`);
    }
    await answer.body?.cancel();
  }

  /** A new account: a customer may review a product once. */
  async signUp(name) {
    this.#cookies.clear();
    await (await this.#send('/')).body?.cancel();
    const email = `${name.toLowerCase()}-${Date.now()}@example.test`;
    await this.#post('/sign-up', { email, displayName: name, password: 'correct horse battery' });
  }

  /** Part of the first product's address. */
  async firstSlug() {
    const { products } = await (await this.#send('/api/products')).json();
    return products[0].slug;
  }

  /** Writes a review by the form of the product's page. */
  async writeReview(slug, title) {
    await this.#post(`/products/${slug}/reviews`, {
      rating: '5',
      title,
      body: 'Sturdy, and it came in time.',
    });
  }

  /** The page that lists a product's reviews, and who answered. */
  async reviewsPage(slug) {
    const answer = await this.#send(`/products/${slug}/reviews`);
    return { status: answer.status, text: await answer.text() };
  }
}
