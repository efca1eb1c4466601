import type { SliceStatus, StatusReport } from '@banyan/contracts';
import { z } from 'zod';
import type { ControlClient } from '../control-client.ts';
import type { CustomerTotals } from '../customers.ts';
import { percent } from '../output/terminal.ts';
import type { RunState } from '../supervise/run-state.ts';
import { countsOf, type Counts } from './meter.ts';

/** What a probe looks at: everything as it was at one moment. */
export interface Observation {
  readonly run: RunState;
  readonly report: StatusReport;
  readonly customers: CustomerTotals | null;
  readonly control: ControlClient;
  /** Address of the tester's window on the shop. */
  readonly windowUrl: string;
}

/** What a probe found, in one line: wanted, got, and what to try when it did not pass. */
export interface Finding {
  readonly passed: boolean;
  readonly wanted: string;
  readonly got: string;
  readonly hint: string;
}

const productsSchema = z.object({ products: z.array(z.object({ slug: z.string() })).min(1) });

type Probe = (seen: Observation) => Promise<Finding> | Finding;

/** Requests that a served share is judged by at the least. */
const MIN_REQUESTS = 150;
/** Requests that one visitor makes to a slice, roughly: they fall on one side together, so they count as one draw. */
const REQUESTS_PER_VISITOR = 4;

function sliceOf(seen: Observation, name: string): SliceStatus {
  const slice = seen.report.slices.find((each) => each.name === name);
  if (!slice) throw new Error(`There is no slice "${name}".`);
  return slice;
}

function parsePercent(text: string): number {
  if (!/^\d+(\.\d+)?%$/.test(text)) throw new Error(`a share is written like 25%, got "${text}"`);
  return Number(text.slice(0, -1)) / 100;
}

/** How far a fair draw may lie from the share asked for: 3.5 standard deviations of a binomial share. */
function tolerance(share: number, requests: number): number {
  return 3.5 * Math.sqrt((share * (1 - share) * REQUESTS_PER_VISITOR) / Math.max(requests, 1)) + 0.005;
}

/** Every probe by name. Its arguments are the words after the name. */
const probes: Readonly<Record<string, (...args: string[]) => Probe>> = {
  'shop-answers': () => async (seen) => {
    const answer = await fetch(seen.run.publicUrl, { signal: AbortSignal.timeout(5_000) });
    await answer.body?.cancel();
    return {
      passed: answer.status === 200,
      wanted: 'the shop answers 200',
      got: String(answer.status),
      hint: 'npx banyan doctor',
    };
  },
  phase:
    (name = '', phase = '') =>
    (seen) => {
      const got = sliceOf(seen, name).phase;
      return {
        passed: got === phase,
        wanted: `${name} is in phase ${phase}`,
        got,
        hint: `npx banyan status`,
      };
    },
  verified:
    (name = '') =>
    (seen) => {
      const { verification, inSync } = sliceOf(seen, name);
      return {
        passed: inSync && verification?.differences === 0 && verification.rowsSource > 0,
        wanted: 'the copy is in sync, and a comparison of all rows found no difference',
        got: verification
          ? `${verification.rowsSource} rows, ${verification.differences} differences, ${inSync ? 'in sync' : 'not in sync'}`
          : 'not verified yet',
        hint: `npx banyan verify ${name}`,
      };
    },
  /** A table snapshot, or a part that was killed, leaves its lag in the last minute's figures: too much at first on a slow machine. */
  'gates-pass':
    (name = '') =>
    (seen) => {
      const failing = sliceOf(seen, name).gates.filter(({ verdict }) => verdict !== 'pass');
      return {
        passed: failing.length === 0,
        wanted: 'every gate of the next step passes',
        got: failing.length === 0 ? 'all pass' : failing.map(({ gate, got }) => `${gate}: ${got}`).join('; '),
        hint: 'npx banyan status --watch',
      };
    },
  served: (name = '', share = '') => {
    const wanted = parsePercent(share);
    return (seen) => {
      const { served } = sliceOf(seen, name);
      const n = served?.eligible ?? 0;
      const got = served?.share ?? null;
      const isEnough = n >= MIN_REQUESTS;
      const limit = wanted === 0 || wanted === 1 ? 0.01 : tolerance(wanted, n);
      return {
        passed: isEnough && got !== null && Math.abs(got - wanted) <= limit,
        wanted: `about ${share} of reads served by the service`,
        got: `${percent(got)} of ${n} reads${isEnough ? '' : `, too few to tell (${MIN_REQUESTS} are needed)`}`,
        hint: 'npx banyan status   (built-in customers make the requests: is their process ready?)',
      };
    };
  },
  /** Counts from its first look on: what was served before does not matter. */
  'serves-again': (name = '') => {
    let before: Counts | null = null;
    return (seen) => {
      const now = countsOf(seen.report, name, null);
      before ??= now;
      const served = now.byService - before.byService;
      const inItsPlace = now.inItsPlace - before.inItsPlace;
      // The breaker lets the service be for two seconds more; begin to count again after such a request.
      if (inItsPlace > 0) before = now;
      return {
        passed: served >= MIN_REQUESTS / 6 && inItsPlace === 0,
        wanted: "the service answers its visitors' reads again, and nobody has to in its place",
        got: `${served} reads by the service, ${inItsPlace} in its place`,
        hint: 'npx banyan status',
      };
    };
  },
  'fell-back':
    (name = '') =>
    (seen) => {
      const slices = seen.report.proxies.flatMap(({ report }) =>
        report.slices.filter(({ slice }) => slice === name),
      );
      const count = slices.reduce(
        (sum, { byReason }) => sum + (byReason.fallback ?? 0) + (byReason.breaker ?? 0),
        0,
      );
      return {
        passed: count > 0,
        wanted: 'reads that the service failed to answer were answered by the monolith',
        got: `${count} reads`,
        hint: `kill -9 $(npx banyan pid ${name})`,
      };
    },
  'customers-without-errors': () => (seen) => {
    const { customers } = seen;
    return {
      passed:
        customers !== null && customers.requests > 0 && customers.errors === 0 && customers.staleReads === 0,
      wanted: 'customers met no error, and each saw his own review at once',
      got: customers
        ? `${customers.requests} requests, ${customers.errors} errors, ${customers.staleReads} stale reads`
        : 'no built-in customers run',
      hint: customers
        ? 'npx banyan status'
        : 'npx banyan down, then npm run walkthrough: it starts the shop with customers',
    };
  },
  restarted:
    (process = '') =>
    (seen) => {
      const found = seen.run.processes.find(({ name }) => name === process);
      return {
        passed: found?.state === 'ready' && found.restarts > 0,
        wanted: `${process} was started again by the supervisor and answers`,
        got: found
          ? `${found.state}, ${found.restarts} restarts, last: ${found.lastExit ?? '-'}`
          : 'no such process',
        hint: `kill -9 $(npx banyan pid ${process})`,
      };
    },
  /** Opens a page of the first product in the tester's window, and asks one side for it. */
  badge:
    (side = '', path = '') =>
    async (seen) => {
      const signal = AbortSignal.timeout(10_000);
      const list = await fetch(`${seen.run.publicUrl}/api/products`, { signal });
      const { products } = productsSchema.parse(await list.json());
      const page = path.replace(':slug', products[0]?.slug ?? '');
      const headers = { accept: 'text/html', cookie: `banyan-window-side=${side}` };
      const answer = await fetch(seen.windowUrl + page, { headers, signal });
      const got = /Answered by: (\w+)/.exec(await answer.text())?.[1] ?? 'no badge';
      return {
        passed: answer.status === 200 && got === side,
        wanted: `the tester's window shows ${path} answered by the ${side}`,
        got: `${answer.status}, answered by ${got}`,
        hint: 'npx banyan look',
      };
    },
  decided:
    (reason = '', target = '', method = '', path = '') =>
    async (seen) => {
      const got = await seen.control.explain({ method, path, user: '1' });
      return {
        passed: got.reason === reason && got.target === target,
        wanted: `${method} ${path} goes to the ${target}, by ${reason}`,
        got: `to the ${got.target}, by ${got.reason}`,
        hint: `npx banyan explain ${method} ${path} --user 1`,
      };
    },
};

/** @throws Error for an unknown probe, with the list of known ones. */
export function parseProbe(line: string): Probe {
  const [name = '', ...args] = line.trim().split(/\s+/);
  const make = probes[name];
  if (!make) throw new Error(`No probe "${name}". Probes: ${Object.keys(probes).join(', ')}.`);
  return make(...args);
}
