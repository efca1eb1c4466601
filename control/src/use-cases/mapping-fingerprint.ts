import { createHash } from 'node:crypto';
import type { SliceDefinition } from '@banyan/contracts';

/** Tells whether two definitions map their tables alike, transforms included (by name and source text). */
export function mappingFingerprint({ tables }: SliceDefinition): string {
  const text = JSON.stringify(tables, (_key, value: unknown) =>
    typeof value === 'function' ? Function.prototype.toString.call(value) : value,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
