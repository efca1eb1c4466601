import { styleText } from 'node:util';
import { printableJson, printableLines } from '@banyan/kit';
import Table from 'cli-table3';
import { formatDuration } from '@banyan/contracts';
import type { CommandError } from './command-error.ts';

/** True when standard output is a terminal and colour was not switched off (https://no-color.org). */
export function isTerminal(): boolean {
  return process.stdout.isTTY && !process.env['NO_COLOR'] && !process.argv.includes('--no-color');
}

type Style = Parameters<typeof styleText>[0];

/** Text in a style on a terminal, plain elsewhere. Never the only carrier of a meaning. */
export function style(format: Style, text: string): string {
  return isTerminal() ? styleText(format, text) : text;
}

/** Columns without borders, so that it reads well aloud, in logs and in narrow windows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
    ].map((edge) => [edge, '']),
  );
  const drawn = new Table({
    head: [...head],
    chars: { ...none, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  for (const row of rows) drawn.push([...row]);
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Milliseconds for people, in the unit that reads best; unknown stays `unknown`. */
export function duration(ms: number | null): string {
  return ms === null ? 'unknown' : formatDuration(ms);
}

/** A share for people: `50 %`, `4.7 %`; unknown stays `unknown`. */
export function percent(share: number | null): string {
  return share === null ? 'unknown' : `${Number((share * 100).toFixed(1))} %`;
}

/** `412 B`, `21 kB`, `2.0 MB`, `2.1 GB`; unknown stays `unknown`. */
export function bytes(count: number | null): string {
  if (count === null) return 'unknown';
  if (count < 1_000) return `${count} B`;
  if (count < 1_000_000) return `${Math.round(count / 1_000)} kB`;
  if (count < 1_000_000_000) return `${(count / 1_000_000).toFixed(1)} MB`;
  return `${(count / 1_000_000_000).toFixed(1)} GB`;
}

export function count(value: number | null): string {
  return value === null ? 'unknown' : value.toLocaleString('en-US');
}

const COMMAND =
  /(?<!npx )\bbanyan (?=(?:up|down|status|slices|advance|pause|resume|rollback|resync|route|verify|quarantine|sync|explain|look|journal|bus|feed|pid|doctor)\b)/g;

/** Commands in a text as people type them in a checkout, where `banyan` itself is on no PATH. */
export function asTyped(text: string): string {
  return text.replaceAll(COMMAND, 'npx banyan ');
}

/** One line of JSON on standard output: the exact value, with escapes for what a terminal would obey. */
export function printJson(value: unknown): void {
  console.log(printableJson(value));
}

/** Cause, evidence, next command. All of it may quote others: a database, a log, a request. */
export function printFailure(error: CommandError, json: boolean): void {
  if (json) {
    const { code, message, evidence, nextSteps } = error;
    printJson({ schema_version: 1, error: { code, message, evidence, next_steps: nextSteps } });
    return;
  }
  console.error(`${style('red', 'error')}: ${asTyped(printableLines(error.message))}`);
  for (const line of error.evidence) console.error(`  ${asTyped(printableLines(line))}`);
  for (const step of error.nextSteps) console.error(`try: ${style('bold', asTyped(printableLines(step)))}`);
}
