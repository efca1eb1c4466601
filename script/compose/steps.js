import { ShopVisitor } from './shop-visitor.js';

const HEALTHY_TIMEOUT_MS = 180_000;
const FOLLOWED_TIMEOUT_MS = 60_000;
const GATES_TIMEOUT_MS = 180_000;
/** Ends by itself once the database is prepared. */
const ONE_SHOT = 'prepare';
/** Our own processes end in order with 0; what others' images end with is their business. */
const OWN = ['monolith', 'reader', 'reviews', 'reviews-kafka', 'control', 'control-kafka', 'proxy'];

async function eventually(what, timeoutMs, ask) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { done, got } = await ask();
    if (done) return;
    if (Date.now() > deadline) throw new Error(`${what} is not so after ${timeoutMs / 1000} s: ${got}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** The steps of the test: `during` in order, each needing those before it; `after` always. */
export function composeSteps(project, profile) {
  const visitor = new ShopVisitor(project.shopUrl);
  const service = profile === 'full' ? 'reviews-kafka' : 'reviews';
  let slug = '';

  /** Titles in the service's own store, asked of the service itself and not through the proxy. */
  async function titlesInService() {
    const page = `http://127.0.0.1:4000/api/products/${slug}/reviews?perPage=50`;
    const script = `fetch(${JSON.stringify(page)}).then((answer) => answer.text()).then(console.log)`;
    const { reviews = [] } = JSON.parse(await project.compose(['exec', '-T', service, 'node', '-e', script]));
    return reviews.map(({ title }) => title);
  }

  const followed = (title) =>
    eventually(`"${title}" in the service`, FOLLOWED_TIMEOUT_MS, async () => {
      const titles = await titlesInService();
      return { done: titles.includes(title), got: `${titles.length} others` };
    });

  const during = [
    {
      name: 'a missing secret is refused by name',
      async run() {
        for (const secret of project.secretNames) {
          const { code, text } = await project.configWithout(secret);
          if (code === 0 || !text.includes(secret) || !text.includes('script/compose-env.js')) {
            throw new Error(`without ${secret} compose ended with ${code} and said: ${text}`);
          }
        }
      },
    },
    { name: 'everything is built and started', run: () => project.start() },
    {
      name: 'everything becomes healthy',
      run: () =>
        eventually('health of all', HEALTHY_TIMEOUT_MS, async () => {
          const containers = await project.containers();
          const waited = containers.filter(({ service: name, state, health, exitCode }) =>
            name === ONE_SHOT ? state !== 'exited' || exitCode !== 0 : health !== 'healthy',
          );
          const got = waited
            .map(({ service: name, state, health }) => `${name} ${state} ${health}`)
            .join(', ');
          return { done: containers.length > 0 && waited.length === 0, got };
        }),
    },
    {
      name: "a review is written on the shop's page, through the proxy",
      async run() {
        await visitor.signUp('Before');
        slug = await visitor.firstSlug();
        await visitor.writeReview(slug, 'Written before the copy');
        const { status, text } = await visitor.reviewsPage(slug);
        if (status !== 200 || !text.includes('Written before the copy')) {
          throw new Error(`the page answered ${status} without the review`);
        }
      },
    },
    {
      name: "the slice's tables are copied and verified",
      run: () => project.banyan('advance', 'reviews', '--wait', '--timeout-s', '240'),
    },
    {
      name: "that review is in the service's store",
      run: () => followed('Written before the copy'),
    },
    {
      name: "one that is written later is followed into the service's store",
      async run() {
        await visitor.signUp('After');
        await visitor.writeReview(slug, 'Written after the copy');
        await followed('Written after the copy');
      },
    },
    {
      name: 'the service gets a share of the reads',
      async run() {
        // Refused at first: heartbeats that waited for the service to start count as lag for a minute.
        await eventually('a share of the reads', GATES_TIMEOUT_MS, async () => {
          const { code, text } = await project.tryBanyan('advance', 'reviews', '--wait');
          return { done: code === 0, got: text.slice(-1_000) };
        });
        const status = await project.banyan('status');
        if (!/canary/.test(status)) throw new Error(`banyan status:\n${status}`);
      },
    },
    {
      name: 'our own processes end in order',
      async run() {
        await project.compose(['stop']);
        const rough = (await project.containers()).filter(
          ({ service: name, exitCode }) => OWN.includes(name) && exitCode !== 0,
        );
        if (rough.length > 0) {
          throw new Error(rough.map(({ service: name, exitCode }) => `${name}: ${exitCode}`).join(', '));
        }
      },
    },
  ];
  const after = {
    name: 'down -v leaves nothing',
    async run() {
      await project.down();
      const left = await project.left();
      if (left.length > 0) throw new Error(left.join('\n'));
    },
  };
  return { during, after };
}
