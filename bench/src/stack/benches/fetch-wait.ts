import type { LagAtRate } from '../../feed/benches/lag.ts';
import { median, percentile, type Line, type Measurement } from '../../feed/measurement.ts';
import { debeziumLag, writersOf } from './lag.ts';
import type { StackContext } from './stack-bench.ts';

/** Of Kafka's consumers, where nobody says otherwise. */
const DEFAULT_MS = 500;

/**
 * Lag through Debezium and Kafka with `fetch.max.wait.ms` of worker and connector as Banyan sets it, and as Kafka does. Rounds
 * take turns: each starts Kafka and Connect anew, since the setting is the worker's.
 */
export async function benchFetchWait(context: StackContext): Promise<Measurement> {
  const { rounds, lagMs } = context.sizes;
  const ours: LagAtRate[][] = [];
  const kafkas: LagAtRate[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    kafkas.push([...(await debeziumLag(context, { exactlyOnce: true, fetchMaxWaitMs: DEFAULT_MS }))]);
    ours.push([...(await debeziumLag(context, { exactlyOnce: true }))]);
  }
  return {
    name: 'fetch-wait',
    title: 'What `fetch.max.wait.ms` does to the lag of Debezium and Kafka',
    sizes: `${lagMs / 1_000} s at each rate, ${rounds} rounds of each that take turns, one row a transaction`,
    lines: context.sizes.ratesPerSecond.flatMap((perSecond, at) =>
      [0.5, 0.99].flatMap((share) =>
        linesOf(perSecond, share, { kafkas: all(kafkas, at), ours: all(ours, at) }),
      ),
    ),
    aim: null,
    notes: writersOf(...kafkas, ...ours),
  };
}

const all = (runs: readonly LagAtRate[][], at: number): readonly LagAtRate[] =>
  runs.flatMap((run) => run[at] ?? []);

function linesOf(
  perSecond: number,
  share: number,
  { kafkas, ours }: { readonly kafkas: readonly LagAtRate[]; readonly ours: readonly LagAtRate[] },
): Line[] {
  const middle = (runs: readonly LagAtRate[]): number =>
    median(runs.map(({ lags }) => percentile(lags.toAppliedMs, share)));
  const [before, after] = [middle(kafkas), middle(ours)];
  const name = (what: string): string => `${perSecond} tx/s: ${what}, p${share * 100}`;
  return [
    { name: name(`${DEFAULT_MS} ms, Kafka's default`), value: before, unit: 'ms', ratio: null },
    {
      name: name('20 ms, as Banyan sets it'),
      value: after,
      unit: 'ms',
      ratio: before > 0 ? { of: 'the one above', value: after / before } : null,
    },
  ];
}
