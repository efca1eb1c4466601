import { createHash } from 'node:crypto';
import type { FieldValue, HeldPayload, TableMapping } from '@banyan/contracts';
import { canonicalValue } from '../../rows/canonical.ts';
import { parseEnvelope, RecordError } from '../decode.ts';

const SHOWN_CHARS = 200;
const MASK = '***';

/**
 * What may be shown of a held record: mapped columns that are not personal. An event carries what other slices map of the
 * table as well; that is none of this service's business, and is named only.
 */
export function heldPayload(value: string | null, mapping: TableMapping): HeldPayload {
  if (value === null) return { kind: 'none' };
  let envelope;
  try {
    envelope = parseEnvelope(value);
  } catch (cause) {
    if (!(cause instanceof RecordError)) throw cause;
    return {
      kind: 'unreadable',
      chars: value.length,
      sha256: createHash('sha256').update(value).digest('hex'),
    };
  }
  const row = Object.entries(envelope.after ?? envelope.before ?? {});
  const personal = new Set(mapping.personal);
  return {
    kind: 'row',
    op: envelope.op,
    columns: Object.fromEntries(
      row
        .filter(([column]) => column in mapping.columns)
        .map(([column, field]) => [column, field !== null && personal.has(column) ? MASK : shown(field)]),
    ),
    withheld: row.map(([column]) => column).filter((column) => !(column in mapping.columns)),
  };
}

function shown(value: FieldValue): string | null {
  const text = canonicalValue(value);
  return text === null || text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}
