import type { BusRoom, GateResult, OutboxStatus, SliceStatus, StatusReport } from '@banyan/contracts';
import type { CustomerTotals } from '../customers.ts';
import type { RunState } from '../supervise/run-state.ts';
import { feedLines } from './feed-text.ts';
import { keylessReads, keylessText } from './keyless-text.ts';
import { tableLines } from './table-progress.ts';
import { asTyped, bytes, count, duration, percent, style, table } from './terminal.ts';
import { transactionText } from './waits-text.ts';

/** `asked 50 % · served 49.6 % of 200 reads`. */
export function sharesText(slice: SliceStatus): string {
  const asked = `asked ${percent(slice.share)}`;
  if (!slice.served) return `${asked} · served unknown`;
  return `${asked} · served ${percent(slice.served.share)} of ${count(slice.served.eligible)} reads`;
}

export function gatesText(gates: readonly GateResult[]): string {
  const mark = { pass: 'pass ', fail: 'FAIL ', inconclusive: 'open ' } as const;
  return gates
    .map(
      ({ verdict, gate, wanted, got, remedy }) =>
        `  ${mark[verdict]} ${gate}: ${got} (${wanted})${verdict !== 'pass' && remedy ? `\n         ${asTyped(remedy)}` : ''}`,
    )
    .join('\n');
}

function sliceText(slice: SliceStatus): string[] {
  const lines = [
    `${style('bold', slice.name)}  ${slice.phase}${slice.paused ? ` (paused by ${slice.paused.by}: ${slice.paused.reason})` : ''}`,
    `  reads      ${sharesText(slice)}`,
    `  writes     ${slice.owner}`,
  ];
  if (slice.phase !== 'monolith') {
    const hasTables = slice.tables.length > 0;
    const lag = slice.sync?.lag ?? null;
    const lagText = lag
      ? `half within ${duration(lag.p50Ms)}, 99 % within ${duration(lag.p99Ms)}`
      : 'unknown';
    if (!hasTables) lines.push('  copy       none: the slice has no tables');
    else
      lines.push(
        `  copy       ${slice.inSync ? 'in sync' : 'NOT in sync'} · lag ${lagText} · heartbeat ${duration(slice.heartbeatAgeMs)} old`,
      );
    lines.push(...slice.tables.flatMap((each) => tableLines(each)).map((line) => `             ${line}`));
    const { verification } = slice;
    if (hasTables)
      lines.push(
        verification
          ? `  verified   ${duration(Date.now() - verification.finishedAtMs)} ago: ${count(verification.rowsSource)} rows against ${count(verification.rowsTarget)}, ${count(verification.differences)} differences`
          : '  verified   not yet',
      );
  }
  lines.push(
    `  service    ${slice.service.reachable ? 'answers' : `DOES NOT ANSWER${slice.service.error ? `: ${slice.service.error}` : ''}`}`,
  );
  if (slice.activity) lines.push(`  now        ${slice.activity}`);
  for (const each of slice.waitsFor ?? []) lines.push(`  waits for  ${transactionText(each)}`);
  const open = slice.gates.filter(({ verdict }) => verdict !== 'pass');
  if (slice.phase !== 'monolith' && open.length > 0) lines.push(gatesText(open));
  if (slice.next) lines.push(`  next       ${slice.next}`);
  return lines;
}

/** Nothing of a feed that never broke. */
function incarnationText(feed: StatusReport['feed']): string[] {
  const { incarnation, incarnationReason, incarnationAtMs } = feed;
  if (incarnation === null || incarnation === 1) return [];
  const ago = incarnationAtMs === null ? '' : ` ${duration(Date.now() - incarnationAtMs)} ago`;
  return [`             restarted${ago} (incarnation ${incarnation}): ${incarnationReason ?? 'unknown'}`];
}

/** `outbox     public.outbox: in the feed`. */
export function outboxText({ table: name, problem }: OutboxStatus): string {
  return `outbox     ${name}: ${problem === null ? 'in the feed' : `NOT in the feed, ${problem}`}`;
}

/** `bus        holds 12.0 MB of at most 2.1 GB`. */
export function busText({ bytes: held, maxBytes, warning }: BusRoom): string {
  const most = maxBytes === null ? '' : ` of at most ${bytes(maxBytes)}`;
  return `bus        holds ${bytes(held)}${most}${warning ? `: WARNING, ${warning}` : ''}`;
}

function stateText({ state, silentMs }: RunState['processes'][number]): string {
  return state === 'silent' ? `DOES NOT ANSWER for ${duration(silentMs)}` : state;
}

function processTable({ processes }: RunState): string {
  return table(
    ['process', 'state', 'pid', 'restarts', 'last end'],
    processes.map((process) => [
      process.name,
      stateText(process),
      process.pid === null ? '-' : String(process.pid),
      String(process.restarts),
      process.lastExit ?? '-',
    ]),
  );
}

const CONTROL_SILENT =
  'control DOES NOT ANSWER: slices, lag and gates are unknown; the proxy serves by its last routes';

/** Before everything else, whatever else is well. */
function problemLines(problems: readonly string[]): string[] {
  if (problems.length === 0) return [];
  return [...problems.map((problem) => `${style('red', 'PROBLEM')}    ${asTyped(problem)}`), ''];
}

/** The whole status, from what could be asked; parts that did not answer are said to be unknown. */
export function statusText(parts: {
  /** Null where no supervisor of ours runs the processes. */
  readonly run: RunState | null;
  readonly report: StatusReport | null;
  readonly customers: CustomerTotals | null;
  /** What was found here, beside what the control plane says. Default: nothing. */
  readonly problems?: readonly string[];
}): string {
  const { run, report, customers } = parts;
  const first = problemLines([...(parts.problems ?? []), ...(report?.problems ?? [CONTROL_SILENT])]);
  const lines = run ? [`${style('bold', run.publicUrl)}   ${run.state}`, ''] : [];
  if (report) {
    for (const slice of report.slices) {
      const clients = keylessReads(report, slice.name);
      lines.push(...sliceText(slice));
      if (clients.withoutKey > 0) lines.push(`  clients    ${keylessText(clients)}`);
      lines.push('');
    }
    const { feed } = report;
    if (feed.state === 'none') lines.push('feed       none: no slice copies a table');
    else
      lines.push(
        `feed       ${feed.state}${feed.error ? `: ${feed.error}` : ''} · heard ${duration(feed.heardAgeMs)} ago · keeps ${bytes(feed.retainedWalBytes)} of WAL`,
        ...incarnationText(feed),
      );
    if (feed.state !== 'none') lines.push(...feedLines(feed));
    if (feed.outbox) lines.push(outboxText(feed.outbox));
    if (feed.bus) lines.push(busText(feed.bus));
    for (const { report: proxy, reportedAgeMs } of report.proxies) {
      lines.push(
        `${proxy.proxyId}    routes v${proxy.snapshotVersion} · ${count(proxy.requests)} requests · ${count(proxy.clientErrors)} failed · reported ${duration(reportedAgeMs)} ago`,
      );
    }
  }
  if (customers) {
    const age = customers.ageMs > 5_000 ? ` (as of ${duration(customers.ageMs)} ago)` : '';
    lines.push(
      `customers  ${count(customers.requests)} requests · ${count(customers.errors)} errors · ${count(customers.staleReads)} stale reads${age}`,
    );
  }
  if (run) lines.push('', processTable(run));
  if (report && report.next_steps.length > 0) lines.push('', `try: ${report.next_steps.join('  ·  ')}`);
  return asTyped([...first, ...lines].join('\n'));
}
