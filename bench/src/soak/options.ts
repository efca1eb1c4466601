import { parseArgs } from 'node:util';
import { UsageError } from '../feed/options.ts';
import { killKinds, type KillKind } from './kill-plan.ts';

export interface SoakOptions {
  /** How long kills go on. Default 20. */
  readonly minutes: number;
  /** Decides what is killed when, and what is written. Default: made from the clock, and printed. */
  readonly seed: number;
  /** Built-in customers. Default 4. */
  readonly customers: number;
  /** Transactions a second of the extra writer, at most. Default 40. */
  readonly transactionsPerSecond: number;
  /** What may be killed. Default: everything that may. */
  readonly kinds: readonly KillKind[];
  readonly json: boolean;
  /** Keeps the home with its logs when the soak fails. Default: it is kept then, removed otherwise. */
  readonly keep: boolean;
}

/** @throws UsageError naming every mistake. */
export function readSoakOptions(args: readonly string[], nowMs: number): SoakOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '20' },
        seed: { type: 'string', default: String(nowMs % 1_000_000) },
        customers: { type: 'string', default: '4' },
        rate: { type: 'string', default: '40' },
        kill: { type: 'string', default: killKinds.join(',') },
        keep: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    }));
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const problems: string[] = [];
  const above = (flag: string, text: string, least: number): number => {
    const value = Number(text);
    if (!(value >= least))
      problems.push(`--${flag} is a number, ${least} or more, got ${JSON.stringify(text)}`);
    return value;
  };
  const asked = values.kill.split(',');
  const unknown = asked.filter((kind) => !(killKinds as readonly string[]).includes(kind));
  if (unknown.length > 0) {
    problems.push(`--kill is of ${killKinds.join(', ')}, got ${JSON.stringify(unknown.join(', '))}`);
  }
  const options: SoakOptions = {
    minutes: above('minutes', values.minutes, 0.1),
    seed: above('seed', values.seed, 0),
    customers: above('customers', values.customers, 1),
    transactionsPerSecond: above('rate', values.rate, 1),
    kinds: killKinds.filter((kind) => asked.includes(kind)),
    keep: values.keep,
    json: values.json,
  };
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return options;
}
