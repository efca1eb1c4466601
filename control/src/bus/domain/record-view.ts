import {
  MASKED_VALUE,
  parseExactJson,
  stringifyExactJson,
  tableTopic,
  type BusRecordView,
  type Row,
  type SliceDefinition,
} from '@banyan/contracts';

/** Which columns of a topic's rows may be seen. Everything else is masked. */
export interface Visibility {
  /** Columns that are about a person by somebody's mapping: never shown, in keys neither. */
  readonly personal: ReadonlySet<string>;
  /** Columns whose values are shown; key columns always are, unless personal. */
  readonly shown: ReadonlySet<string>;
}

/**
 * What may be seen of a topic. Without `values` that is the keys. With it, also the columns that a slice maps and does
 * not call personal: of a column that no slice maps, nobody said that it is harmless.
 */
export function visibilityOf(options: {
  readonly slices: readonly SliceDefinition[];
  readonly prefix: string;
  readonly topic: string;
  readonly values: boolean;
}): Visibility {
  const { slices, prefix, topic, values } = options;
  const mappings = slices.flatMap(({ tables }) =>
    tables.filter(({ source }) => tableTopic(prefix, source) === topic),
  );
  const personal = new Set(mappings.flatMap((mapping) => mapping.personal ?? []));
  const mapped = mappings.flatMap(({ columns }) => Object.keys(columns));
  return { personal, shown: new Set(values ? mapped.filter((column) => !personal.has(column)) : []) };
}

/** A record as it lies on the bus. */
export interface RecordToShow {
  readonly offset: number;
  readonly storedAtMs: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
}

/** A record for people. */
export function recordView(record: RecordToShow, visibility: Visibility): BusRecordView {
  const { offset, storedAtMs, key, headers, value } = record;
  const parsedKey = asRow(key);
  const isControl = parsedKey !== null && 'banyan' in parsedKey;
  const view = {
    offset,
    storedAtMs,
    key: key === null || isControl ? key : maskedKey(key, visibility),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, text]) => [
        name,
        text.startsWith('{') ? maskedKey(text, visibility) : text,
      ]),
    ),
    op: null,
    before: null,
    after: null,
  };
  if (isControl) return { ...view, kind: 'control' };
  if (value === null) return { ...view, kind: 'tombstone' };
  const envelope = asRow(value) as { op?: unknown; before?: unknown; after?: unknown } | null;
  if (typeof envelope?.op !== 'string') return { ...view, kind: 'other' };
  const keys = new Set(Object.keys(parsedKey ?? {}));
  return {
    ...view,
    kind: 'change',
    op: envelope.op,
    before: shownRow(envelope.before, keys, visibility),
    after: shownRow(envelope.after, keys, visibility),
  };
}

function shownRow(row: unknown, keys: ReadonlySet<string>, visibility: Visibility): BusRecordView['after'] {
  if (typeof row !== 'object' || row === null) return null;
  return Object.fromEntries(
    Object.entries(row as Row).map(([column, value]) => {
      const isShown = visibility.shown.has(column) || (keys.has(column) && !visibility.personal.has(column));
      return [column, isShown ? asText(value) : MASKED_VALUE];
    }),
  );
}

function maskedKey(text: string, { personal }: Visibility): string {
  const row = asRow(text);
  if (row === null) return MASKED_VALUE;
  const shown = Object.entries(row).map(([column, value]) => [
    column,
    personal.has(column) ? MASKED_VALUE : value,
  ]);
  return stringifyExactJson(Object.fromEntries(shown));
}

function asText(value: Row[string]): string {
  return typeof value === 'string' ? value : stringifyExactJson(value);
}

/** Null for what is no JSON object. */
function asRow(text: string | null): Row | null {
  if (text === null) return null;
  try {
    const value: unknown = parseExactJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Row) : null;
  } catch {
    return null; // no JSON: nothing of it can be told apart, so nothing is shown
  }
}
