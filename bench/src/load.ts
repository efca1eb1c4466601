import { Pool } from 'undici';

/** What the parent asks for. */
export interface LoadOrder {
  readonly url: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly connections: number;
  readonly timeMs: number;
}

/** What came of it. */
export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Asks on `connections` connections, one request at a time on each, for `timeMs`. */
async function run({ url, path, headers, connections, timeMs }: LoadOrder): Promise<LoadResult> {
  const pool = new Pool(url, { connections, pipelining: 1, allowH2: false });
  const latencies: number[] = [];
  let errors = 0;
  const startMs = performance.now();
  const loop = async (): Promise<void> => {
    while (performance.now() - startMs < timeMs) {
      const beganMs = performance.now();
      try {
        const { statusCode, body } = await pool.request({ path, method: 'GET', headers });
        await body.dump();
        if (statusCode !== 200) errors += 1;
      } catch {
        errors += 1; // counted, and shown in the table
      }
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
  const tookMs = performance.now() - startMs;
  await pool.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.ceil(latencies.length * share) - 1] ?? 0;
  return {
    requests: latencies.length,
    errors,
    requestsPerSecond: (latencies.length / tookMs) * 1_000,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});
process.send?.({ kind: 'ready' });
