import { parseArgs } from 'node:util';
import { UsageError } from '../feed/options.ts';
import { kindsOfStack, type KillKind, type SoakStack } from './kill-plan.ts';

export interface SoakOptions {
  /** How long kills go on. Default 20. */
  readonly minutes: number;
  /** Decides what is killed when, and what is written. Default: made from the clock, and printed. */
  readonly seed: number;
  /** Built-in customers. Default 4. */
  readonly customers: number;
  /** Transactions a second of the extra writer, at most. Default 40. */
  readonly transactionsPerSecond: number;
  /** Default embedded. */
  readonly stack: SoakStack;
  /** What may be killed. Default: everything of that stack that may. */
  readonly kinds: readonly KillKind[];
  /** Kills two parts within two seconds each time. Default false. */
  readonly pairs: boolean;
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
        stack: { type: 'string', default: 'embedded' },
        kill: { type: 'string' },
        pairs: { type: 'boolean', default: false },
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
  const stack = values.stack === 'kafka' ? 'kafka' : 'embedded';
  if (values.stack !== stack) {
    problems.push(`--stack is embedded or kafka, got ${JSON.stringify(values.stack)}`);
  }
  const kinds: readonly KillKind[] = kindsOfStack[stack];
  const asked = values.kill?.split(',') ?? kinds;
  const unknown = asked.filter((kind) => !(kinds as readonly string[]).includes(kind));
  if (unknown.length > 0) {
    problems.push(`--kill is of ${kinds.join(', ')}, got ${JSON.stringify(unknown.join(', '))}`);
  }
  if (values.pairs && new Set(asked).size < 2) problems.push('--pairs wants two parts or more to kill');
  const options: SoakOptions = {
    minutes: above('minutes', values.minutes, 0.1),
    seed: above('seed', values.seed, 0),
    customers: above('customers', values.customers, 1),
    transactionsPerSecond: above('rate', values.rate, 1),
    stack,
    kinds: kinds.filter((kind) => asked.includes(kind)),
    pairs: values.pairs,
    keep: values.keep,
    json: values.json,
  };
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return options;
}
