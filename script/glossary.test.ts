import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { proseOfCode, proseOfMarkdown } from './read-prose.ts';

const root = join(import.meta.dirname, '..');
const docs = join(root, 'docs');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** `- **word**: two sentences. [file](link)`, in the sections of the page. */
const sections = read('docs/glossary.md')
  .split(/^## /m)
  .map((section) =>
    [...section.matchAll(/^- \*\*(.+?)\*\*: (.+) \[.+?\]\((.+?)\)$/gm)].map(
      ([, word = '', text = '', link = '']) => ({ word, text, link }),
    ),
  );
const entries = sections.flat();

/** Words of the field: each one that a text uses has an entry. Those that nothing uses yet wait here for their first use. */
const WORDS = [
  'backfill',
  'barrier',
  'batch',
  'BFF',
  'breaker',
  'bus',
  'canary',
  'candidate',
  'checkpoint',
  'cohort',
  'connector',
  'consumer',
  'control plane',
  'copy',
  'cutover',
  'data plane',
  'Debezium',
  'envelope',
  'epoch',
  'evidence',
  'feed',
  'fence',
  'gate',
  'group',
  'heartbeat',
  'hold',
  'incarnation',
  'journal',
  'lag',
  'mapping',
  'meter',
  'monolith',
  'offset',
  'outbox',
  'override',
  'owner',
  'p50',
  'p95',
  'p99',
  'partition',
  'personal',
  'pgoutput',
  'phase',
  'pin',
  'position',
  'primary',
  'probe',
  'proxy',
  'publication',
  'quarantine',
  'quorum',
  'reader',
  'reference table',
  'repair',
  'replica identity',
  'resync',
  'retention',
  'rollback',
  'route',
  'routes snapshot',
  'saga',
  'shard',
  'share',
  'sidecar',
  'slice',
  'slot',
  'stack',
  'supervisor',
  'suspect',
  'table snapshot',
  'tombstone',
  'topic',
  'upstream',
  'verification',
  'visitor',
  'watermark',
  'window',
];

/** Those whose forms are not the word and an s. */
const FORMS: Readonly<Record<string, RegExp>> = {
  'blue-green': /\bblue[- ]green/i,
  CDC: /\bCDC\b|\bchange data capture\b/i,
  compaction: /\bcompact(ion|ed)\b/i,
  'dead letter': /\bdead[- ]letter/i,
  'dual write': /\bdual[- ]writes?\b/i,
  idempotent: /\bidempoten/i,
  LSN: /\bLSNs?\b/,
  materialised: /\bmateriali[sz]ed\b/i,
  n: /\bn=/,
  shadow: /\bshadow(ing|ed)?\b/i,
  'strangler fig': /\bstrangler[- ]figs?\b/i,
  TOAST: /\bTOAST(ed)?\b/,
  WAL: /\bWAL\b|\bwrite-ahead log\b/i,
};

const FIELD: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(WORDS.map((word) => [word, new RegExp(`\\b${word}s?\\b`, 'i')])),
  ...FORMS,
};

function used(text: string): string[] {
  return Object.entries(FIELD)
    .filter(([, pattern]) => pattern.test(text))
    .map(([word]) => word);
}

function lacking(text: string): string[] {
  const known = new Set(entries.map(({ word }) => word));
  return used(text).filter((word) => !known.has(word));
}

const withoutCode = (path: string): string => proseOfMarkdown(read(path)).text;
const lessons = readdirSync(join(docs, 'walkthrough')).map((file) => `docs/walkthrough/${file}`);
const commands = readdirSync(join(root, 'cli/src/commands')).filter((file) => file.endsWith('-command.ts'));
const help = ['cli/src/main.ts', ...commands.map((file) => `cli/src/commands/${file}`)]
  .flatMap((path) => proseOfCode(read(path)))
  .map(({ text }) => text)
  .join('\n');

describe('docs/glossary.md', () => {
  test.each(['README.md', ...lessons])('has the words of the field that %s uses', (path) => {
    expect(lacking(withoutCode(path))).toEqual([]);
  });

  test("has those of the command's help", () => {
    expect(used(help)).toEqual(expect.arrayContaining(['bus', 'share', 'slice', 'slot', 'WAL']));
    expect(lacking(help)).toEqual([]);
  });

  test('would miss one that it lacks', () => {
    expect(lacking('A saga with p95 of the WAL.')).toEqual(['p95', 'saga']);
  });

  test('says each word once, sorted, in two sentences, with a link to a file that is there', () => {
    expect(entries.length).toBeGreaterThan(60);
    for (const section of sections) {
      const words = section.map(({ word }) => word.toLowerCase());
      expect(words).toEqual([...new Set(words)].sort());
    }
    const faulty = entries.filter(
      ({ text, link }) => text.match(/[.?!](?= |$)/g)?.length !== 2 || !existsSync(join(docs, link)),
    );
    expect(faulty).toEqual([]);
    expect(read('docs/glossary.md').match(/^- /gm)).toHaveLength(entries.length);
  });
});
