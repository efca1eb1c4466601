import { parseExactJson, type FieldValue } from '@banyan/contracts';
import { canonicalValue } from './canonical.ts';
import type { CompiledTable } from './mapping.ts';

/** The values of a record's key as texts, in key order; null when the key is not one of this table. */
export function keyTexts(key: string, { sourceKey }: CompiledTable): string[] | null {
  let json: unknown;
  try {
    json = parseExactJson(key);
  } catch {
    return null; // a key of somebody else's making
  }
  if (typeof json !== 'object' || json === null) return null;
  const texts = sourceKey.flatMap((column) => {
    const value = (json as Readonly<Record<string, FieldValue | undefined>>)[column];
    return value == null ? [] : (canonicalValue(value) ?? []);
  });
  return texts.length === sourceKey.length ? texts : null;
}
