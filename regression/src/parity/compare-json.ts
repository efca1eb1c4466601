import { align } from './align.ts';
import type { Difference } from './difference.ts';

/** A value as JSON.parse gives it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: Json | undefined): string | null =>
  value === undefined ? null : JSON.stringify(value);

function compareArrays(expected: readonly Json[], actual: readonly Json[], where: string): Difference[] {
  const differences: Difference[] = [];
  let index = 0;
  for (const stretch of align(expected, actual, (item) => JSON.stringify(item))) {
    if (stretch.kind === 'same') {
      index += 1;
      continue;
    }
    const length = Math.max(stretch.expected.length, stretch.actual.length);
    for (let n = 0; n < length; n += 1) {
      differences.push(...compareAt(stretch.expected[n], stretch.actual[n], `${where}[${index + n}]`));
    }
    index += stretch.expected.length;
  }
  return differences;
}

function compareAt(expected: Json | undefined, actual: Json | undefined, where: string): Difference[] {
  if (expected !== undefined && actual !== undefined) {
    if (Array.isArray(expected) && Array.isArray(actual)) {
      return compareArrays(expected as readonly Json[], actual as readonly Json[], where);
    }
    if (isObject(expected) && isObject(actual)) {
      const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
      return keys.flatMap((key) => compareAt(expected[key], actual[key], where ? `${where}.${key}` : key));
    }
  }
  if (textOf(expected) === textOf(actual)) return [];
  return [{ where: where || '(whole)', expected: textOf(expected), actual: textOf(actual) }];
}

/** Every place where two JSON values differ; the order of keys does not matter, that of items does. */
export function compareJson(expected: Json, actual: Json): readonly Difference[] {
  return compareAt(expected, actual, '');
}
