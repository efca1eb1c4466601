import type { PiecesReport } from '@banyan/contracts';
import type { CompiledTable, Key } from '../rows/mapping.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';
import { hashOf } from '../rows/canonical.ts';
import type { ServiceCopy } from './service-client/copy.ts';
import { readCanonicalPage, type Bound, type BoundedRange, type CanonicalPage } from './source-rows.ts';

export interface WalkOptions {
  readonly source: Pick<PostgresSource, 'readPage'>;
  readonly copy: Pick<ServiceCopy, 'pieces'>;
  readonly table: CompiledTable;
  /** Where to begin; null for the beginning. */
  readonly after: Bound | null;
  /** Rows read at once at the source. At most 10,000. */
  readonly pageRows: number;
  /** Rows that have a hash of their own. */
  readonly pieceRows: number;
  readonly signal: AbortSignal;
  /** Called before a page of the source is read; a promise holds the walk up. */
  readonly pace: () => Promise<void>;
}

/** One page of both sides. */
export interface ComparedPage {
  /** Rows in pieces that are equal. */
  readonly equalRows: number;
  readonly differing: readonly BoundedRange[];
  /** Pieces compared. */
  readonly pieces: number;
  /** Where the page ends; null for the last one, which ends with the key space. */
  readonly end: Bound | null;
  /** The target key of some row; null without one. */
  readonly someKey: Key | null;
  readonly isKeyTextShared: boolean;
  readonly bytewise: readonly string[];
}

interface Piece {
  readonly range: BoundedRange;
  readonly rows: readonly string[];
}

/**
 * Walks a table's whole key space in key order, and compares hashes piece by piece. While the service answers for one
 * page, the source's next one is read already.
 */
export async function* walkTable(options: WalkOptions): AsyncGenerator<ComparedPage> {
  const { pageRows } = options;
  let next = readAhead(options, options.after, null);
  let { after } = options;
  for (;;) {
    const page = await next;
    // The last range has no end: rows behind the source's last one belong to it.
    const end = page.rows.length < pageRows ? null : page.boundAt(page.rows.length - 1);
    if (end) next = readAhead(options, end, page.lastKey);
    const pieces = piecesOf(page, { after, to: end }, options.pieceRows);
    const differing = await compare(options, pieces);
    yield {
      equalRows: pieces.reduce((sum, piece) => sum + (differing.has(piece) ? 0 : piece.rows.length), 0),
      differing: [...differing].map(({ range }) => range),
      pieces: pieces.length,
      end,
      someKey: page.firstKey,
      isKeyTextShared: page.isKeyTextShared,
      bytewise: page.bytewise,
    };
    if (!end) return;
    after = end;
  }
}

function readAhead(
  options: WalkOptions,
  after: Bound | null,
  previousKey: Key | null,
): Promise<CanonicalPage> {
  const { source, table, pageRows, signal, pace } = options;
  const read = async (): Promise<CanonicalPage> => {
    await pace();
    const range = { after, to: null };
    return await readCanonicalPage({ source, table, range, limit: pageRows, previousKey, signal });
  };
  const page = read();
  page.catch(() => {
    // whoever awaits it sees it; nobody does when the page before it has failed
  });
  return page;
}

function piecesOf(page: CanonicalPage, range: BoundedRange, pieceRows: number): Piece[] {
  const pieces: Piece[] = [];
  let { after } = range;
  for (let start = 0; start < page.rows.length || pieces.length === 0; start += pieceRows) {
    const isLast = start + pieceRows >= page.rows.length;
    const to: Bound | null = isLast ? range.to : page.boundAt(start + pieceRows - 1);
    pieces.push({ range: { after, to }, rows: page.rows.slice(start, start + pieceRows) });
    after = to;
  }
  return pieces;
}

/** @returns the pieces that differ. */
async function compare(
  { copy, table, signal }: WalkOptions,
  pieces: readonly Piece[],
): Promise<ReadonlySet<Piece>> {
  const asked = copy.pieces(
    {
      table: table.target,
      afterKey: targetKey(pieces[0]?.range.after ?? null),
      pieces: pieces.map(({ range, rows }) => ({ toKey: targetKey(range.to), maxRows: rows.length })),
    },
    signal,
  );
  // Hashed while the service does the same.
  const hashes = pieces.map(({ rows }) => hashOf(rows.length === 0 ? '' : `${rows.join('\n')}\n`));
  const theirs = (await asked).pieces;
  return new Set(pieces.filter(({ rows }, i) => !isSame(theirs[i], { rows: rows.length, hash: hashes[i] })));
}

function isSame(
  theirs: PiecesReport['pieces'][number] | undefined,
  ours: { readonly rows: number; readonly hash: string | undefined },
): boolean {
  return theirs?.rows === ours.rows && theirs.hash === ours.hash;
}

function targetKey(bound: Bound | null): string[] | null {
  return bound && [...bound.target];
}
