import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { productsByReviews, test as base } from '../journeys/shop.ts';
import { requireFull } from '../src/environment/environment.ts';
import { compareJson, type Json } from '../src/parity/compare-json.ts';
import { startFaultServer, type Fault, type FaultServer } from './fault-server.ts';
import { comparePages, expect, readJson, readPage, type Source } from './sides.ts';

interface Fixtures {
  readonly reference: Source;
  readonly faults: FaultServer;
  readonly suspect: Source;
}

/** Behind the proxy the service is the one with faults; where there is no proxy, a second way to the monolith. */
const test = base.extend<Fixtures>({
  reference: async ({ environment }, use) => {
    await use({ baseUrl: environment.monolithUrl, headers: {}, servedBy: null });
  },
  faults: async ({ environment, path, reference }, use) => {
    let target = reference;
    if (path.via === 'proxy') {
      const { proxyUrl, home } = requireFull(environment);
      const token = (await readFile(join(home, 'secrets', 'override.token'), 'utf8')).trim();
      const headers = { 'banyan-override': 'reviews=service', 'banyan-override-token': token };
      target = { baseUrl: proxyUrl, headers, servedBy: null };
    }
    const server = await startFaultServer(target);
    await use(server);
    await server.close();
  },
  suspect: async ({ faults }, use) => {
    await use({ baseUrl: faults.url, headers: {}, servedBy: null });
  },
});

interface List {
  readonly average: number;
  readonly reviews: readonly Json[];
}

/** Changes the JSON, and leaves pages alone. */
function inJson(change: (list: List) => object): Fault {
  return (body, path) => {
    if (!path.startsWith('/api/')) return body;
    const list = JSON.parse(body) as List;
    return JSON.stringify({ ...list, ...change(list) });
  };
}

const ARTICLE = /<article\b[^]*?<\/article>/;

test('without a planted regression there is nothing to report', async ({
  context,
  reference,
  suspect,
  request,
}) => {
  const [slug = ''] = await productsByReviews(request);
  const path = `/products/${slug}/reviews`;
  const pages = comparePages(
    await readPage(context, reference, path),
    await readPage(context, suspect, path),
  );
  const json = compareJson(
    await readJson(context, reference, `/api${path}`),
    await readJson(context, suspect, `/api${path}`),
  );
  expect({ pages, json }).toEqual({ pages: [], json: [] });
});

const onPages: readonly { readonly regression: string; readonly fault: Fault; readonly where: RegExp }[] = [
  {
    regression: 'a wrong average',
    fault: (body) =>
      body.replace(
        /(rating-line">[^<\d]*\d\.)(\d)/,
        (_all, head: string, digit: string) => `${head}${(Number(digit) + 1) % 10}`,
      ),
    where: /paragraph\[\d+\]$/,
  },
  { regression: 'a missing review', fault: (body) => body.replace(ARTICLE, ''), where: /article\[\d+\]$/ },
  {
    regression: 'a changed heading',
    fault: (body) => body.replace('<h1>Reviews of', '<h1>Opinions on'),
    where: /heading\[\d+\]$/,
  },
  {
    regression: "a heading's level",
    fault: (body) => body.replace(/<h1>(Reviews of [^<]*)<\/h1>/, '<h3>$1</h3>'),
    where: /heading\[\d+\]$/,
  },
  {
    regression: 'two reviews in the wrong order',
    fault: (body) => {
      const [first = '', second = ''] = body.match(new RegExp(ARTICLE, 'g')) ?? [];
      return body.replace(first, '\u0000').replace(second, first).replace('\u0000', second);
    },
    where: /article\[\d+\]/,
  },
];

for (const { regression, fault, where } of onPages) {
  test(`on the page ${regression} is reported with its place`, async ({
    context,
    reference,
    suspect,
    faults,
    request,
  }) => {
    const [slug = ''] = await productsByReviews(request);
    const path = `/products/${slug}/reviews`;
    faults.plant(fault);
    const differences = comparePages(
      await readPage(context, reference, path),
      await readPage(context, suspect, path),
    );
    expect(differences.map((difference) => difference.where)).toContainEqual(expect.stringMatching(where));
  });
}

const inTheApi: readonly { readonly regression: string; readonly fault: Fault; readonly where: string }[] = [
  {
    regression: 'a wrong average',
    fault: inJson(({ average }) => ({ average: average + 0.1 })),
    where: 'body.average',
  },
  {
    regression: 'a missing review',
    fault: inJson(({ reviews }) => ({ reviews: reviews.filter((_review, index) => index !== 1) })),
    where: 'body.reviews[1]',
  },
  {
    regression: 'an id that is a number',
    fault: (body) => body.replace(/"id":"(\d+)"/, '"id":$1'),
    where: 'body.reviews[0].id',
  },
];

for (const { regression, fault, where } of inTheApi) {
  test(`in the API ${regression} is reported with its place`, async ({
    context,
    reference,
    suspect,
    faults,
    request,
  }) => {
    const [slug = ''] = await productsByReviews(request);
    const path = `/api/products/${slug}/reviews`;
    faults.plant(fault);
    const differences = compareJson(
      await readJson(context, reference, path),
      await readJson(context, suspect, path),
    );
    expect(differences.map((difference) => difference.where)).toContain(where);
  });
}
