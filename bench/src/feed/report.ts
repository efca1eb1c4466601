import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Line, Measurement } from './measurement.ts';

/** What the figures were measured on. */
export interface Machine {
  readonly node: string;
  readonly postgres: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Processes that wanted a core when the run began (load of the last minute). */
  readonly loadAtStart: number;
}

/** @param postgres `server_version` of the source. */
export function describeMachine(postgres: string): Machine {
  return {
    node: process.version,
    postgres,
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1_024 ** 3),
    kernel: release().split('-')[0] ?? 'unknown',
    loadAtStart: loadOfLastMinute(),
  };
}

function loadOfLastMinute(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

function value({ value: number, unit }: Line): string {
  const digits = unit === 'ms' && number < 1_000 ? 1 : 0;
  return number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function ratio({ ratio: found }: Line): string {
  return found ? found.value.toFixed(2) : '';
}

/** One measurement as a table for a terminal. */
export function textOf(measurement: Measurement): string {
  const { title, sizes, lines, aim, notes } = measurement;
  const rows = [
    ['', 'value', 'unit', 'ratio'],
    ...lines.map((line) => [line.name, value(line), line.unit, ratio(line)]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 1 || column === 3 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [
    `${title}: ${sizes}`,
    ...table,
    ...(aim ? [`aim: ${aim.text}: ${aim.met ? 'met' : 'NOT met'}`] : []),
    ...notes,
  ].join('\n');
}

/** What a page of documentation says before its figures. Paragraphs are wrapped as prettier wants them. */
export interface Page {
  readonly title: string;
  /** What writes it. */
  readonly command: string;
  /** What else there is to know of how it was measured. */
  readonly about: string;
  /** Versions of what was measured beside Node and PostgreSQL, e.g. `Java 17`. */
  readonly versions: readonly string[];
}

/** All measurements as a page of documentation. */
export function markdownOf(
  measurements: readonly Measurement[],
  { page, machine, dateIso }: { readonly page: Page; readonly machine: Machine; readonly dateIso: string },
): string {
  const { node, postgres, cores, cpu, memoryGiB, kernel, loadAtStart } = machine;
  return `# ${page.title}

Written by \`${page.command}\` on ${dateIso}; do not edit by hand.
What is measured and how: [bench/README.md](../../bench/README.md).

**Only the ratios mean something.** Everything ran on one machine that all processes share (source, reader, consumer,
contestants and whatever else was running), so an absolute figure says little of yours, and a few per cent say nothing.
Rows are 558 bytes as COPY prints them. A figure is the median of its rounds.
${page.about === '' ? '' : `\n${page.about}\n`}
Machine: ${cores} cores (${cpu}), ${memoryGiB} GiB, Linux ${kernel}, load ${loadAtStart} before the run; Node ${node},
${[`PostgreSQL ${postgres}`, ...page.versions].join(', ')}.

${measurements.map(sectionOf).join('\n').trimEnd()}
`;
}

function sectionOf({ title, sizes, lines, aim, notes }: Measurement): string {
  const rows = lines.map((line) => [
    line.name,
    `${value(line)} ${line.unit}`,
    line.ratio ? `${ratio(line)} of ${line.ratio.of}` : '',
  ]);
  return [
    `## ${title}`,
    '',
    `${sizes[0]?.toUpperCase() ?? ''}${sizes.slice(1)}.`,
    '',
    markdownTable(['what', 'figure', 'ratio'], rows),
    '',
    ...(aim ? [`Aim: ${aim.text}: **${aim.met ? 'met' : 'not met'}**.`, ''] : []),
    ...notes.flatMap((note) => [note, '']),
  ].join('\n');
}

/** Padded as prettier wants it, which checks all documentation. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
