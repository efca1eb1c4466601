import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { metricFaults } from '@banyan/kit/testing';
import { readOperations } from '../http/openapi.ts';
import { ContractBed, rowOf } from './contract-bed.ts';
import type { ServiceContract } from './contract-terms.ts';
import { eventually } from './eventually.ts';
import type { ServiceLike } from './settings.ts';
import { validateAnswers } from './validate-answers.ts';

/** Rows of each table in the copy when `requests` are asked. */
const ROUNDS = 3;
const ROWS_A_ROUND = 15;
interface ParsedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

const parsed = (request: string): ParsedRequest => {
  const [method = '', path = '', status = ''] = request.split(' ');
  return { method, path, status: Number(status) };
};

/** Addresses that the proxy sends here: one for each route of the slice. */
const addressesOf = ({ slice }: ServiceLike): string[] =>
  slice.routes.map(({ path }) => path.replaceAll(/:\w+/g, 'x-1').replace('*', 'more'));

/** What a service keeps as a process: killed while it applies, asked, written to, looked at, and ended. */
export function processContract({ service, main, rows, requests, expectCopied }: ServiceContract): void {
  let bed: ContractBed;

  beforeAll(async () => {
    bed = await ContractBed.open(service, main);
    for (let round = 0; round < ROUNDS; round += 1) {
      await bed.start();
      const feeding = bed.feed(rows, ROWS_A_ROUND);
      await bed.untilApplied(round * ROWS_A_ROUND);
      await bed.stop('SIGKILL'); // somewhere in the middle of it
      await feeding;
    }
    await bed.start();
    await bed.untilApplied('all');
  });
  afterAll(() => bed.close());

  test('killed with kill -9 again and again while it applies, loses and doubles nothing', async () => {
    for (const { source, target, key } of bed.tables) {
      const sent = Array.from({ length: bed.rows }, (_, i) => rowOf(rows, source, i + 1));
      const keys = sent.map((row) => key.map((column) => String(row[column])).join(' '));
      expect(await bed.keysOf(target)).toEqual(keys.sort());
    }
    expect(await bed.applied()).toEqual(
      Object.fromEntries(bed.tables.map(({ source }) => [source, bed.rows])),
    );
    await expectCopied?.(async (path) => await (await bed.ask(path)).json(), bed.rows);
  });

  test('answers as its OpenAPI file says', async () => {
    const validator = await validateAnswers(service.openapi, bed.url);
    const found: string[] = [];
    try {
      for (const request of requests.map(parsed)) {
        const answer = await fetch(validator.url + request.path, { method: request.method });
        const name = `${request.method} ${request.path}`;
        if (answer.status !== request.status) found.push(`${name}: ${answer.status}`);
        found.push(...validator.breaches());
      }
    } finally {
      await validator.close();
    }
    expect(found).toEqual([]);
    expect(await unasked(service.openapi, requests.map(parsed))).toEqual([]);
  });

  test('answers HEAD as GET without a body, and 304 to whoever has the answer', async () => {
    for (const { path } of requests
      .map(parsed)
      .filter(({ method, status }) => method === 'GET' && status === 200)) {
      const whole = await bed.ask(path);
      const etag = whole.headers.get('etag') ?? '';
      const head = await bed.ask(path, { method: 'HEAD' });
      expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, '']);
      const again = await bed.ask(path, { headers: { 'if-none-match': etag, 'cache-control': '' } });
      expect(again.status).toBe(304);
      await whole.body?.cancel();
    }
  });

  test('refuses writes that it does not own with 409, and `Allow` is true', async () => {
    const operations = await readOperations(service.openapi);
    const owns = service.slice.tables.every(({ kind }) => kind !== 'owned');
    const before = await bed.applied();
    for (const address of addressesOf(service)) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        if (owns && operations.some((operation) => operation.method === method)) continue;
        const refused = await bed.ask(address, { method });
        expect([method, address, refused.status]).toEqual([method, address, 409]);
        for (const allowed of refused.headers.get('allow')?.split(', ') ?? []) {
          expect(allowed).not.toBe(method);
          expect([405, 409]).not.toContain((await bed.ask(address, { method: allowed })).status);
        }
      }
    }
    expect(await bed.applied()).toEqual(before);
  });

  test('says how it is: alive, ready, its copy to peers alone, its metrics by slice and route pattern', async () => {
    expect((await bed.ask('/healthz')).status).toBe(200);
    expect((await bed.ask('/readyz')).status).toBe(200);
    expect((await bed.ask('/_banyan/sync')).status).toBe(401);
    await bed.ask('/nobody-has-this-1b7e');
    for (const { path } of requests.map(parsed)) await bed.ask(path);
    const slice = `slice="${service.slice.name}"`;
    const wanted = [
      `banyan_service_http_requests_total{${slice},route="/`,
      `banyan_service_http_request_duration_seconds_count{${slice},route="/`,
      `banyan_service_copy_heartbeat_age_seconds{${slice}} `,
    ];
    const metrics = await eventually(
      async () => await (await bed.ask('/metrics')).text(),
      (text) => wanted.every((start) => text.includes(`\n${start}`)),
    );
    expect(metricFaults(metrics, ['banyan_service_'])).toEqual([]);
    expect(metrics).not.toContain('nobody-has-this');
    const paths = new Set((await readOperations(service.openapi)).map(({ path }) => path));
    const labels = new Set([...metrics.matchAll(/route="([^"]*)"/g)].map(([, route = '']) => route));
    const patterns = new Set([
      ...service.slice.routes.map(({ path }) => path),
      ...paths,
      'operation',
      'none',
    ]);
    expect([...labels].filter((label) => !patterns.has(label))).toEqual([]);
  });

  test('at SIGTERM ends in order, with connections open and rows on their way', async () => {
    const idle = connect(Number(new URL(bed.url).port), '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const feeding = bed.feed(rows, ROWS_A_ROUND);
    await bed.untilApplied(bed.rows - 1);
    expect(await bed.stop('SIGTERM')).toBe(0);
    idle.destroy();
    await feeding;
    await bed.start();
    await bed.untilApplied('all');
  });
}

/** Operations that no request asks for. */
async function unasked(openapi: URL, requests: readonly ParsedRequest[]): Promise<readonly string[]> {
  const asked = requests.map(({ method, path }) => `${method} ${path.replace(/\?.*$/, '')}`);
  return (await readOperations(openapi))
    .map(({ method, path }) => ({ name: `${method} ${path}`, pattern: path.replaceAll(/:\w+/g, '[^/]+') }))
    .filter(({ name, pattern }) => {
      const method = name.slice(0, name.indexOf(' '));
      return !asked.some((request) => new RegExp(`^${method} ${pattern}$`).test(request));
    })
    .map(({ name }) => `${name}: no request of the contract asks for it`);
}
