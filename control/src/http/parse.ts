import type { z } from 'zod';
import { InvalidRequestError } from './problem.ts';

/** What stands at a place of a value; undefined for nothing. */
export function lookUp(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

/** One line a mistake: where, what is wanted, what was got. */
export function findingsOf(issues: readonly z.core.$ZodIssue[], value: unknown, where: string): string[] {
  return issues.map(({ path, message }) => {
    const got = lookUp(value, path);
    const text = got === undefined ? 'nothing' : JSON.stringify(got);
    return `${[where, ...path.map(String)].join('.')}: ${message}; got ${text.slice(0, 200)}`;
  });
}

/** @param where `body` or `query`. @throws InvalidRequestError with every mistake. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new InvalidRequestError(findingsOf(result.error.issues, value, where));
  return result.data;
}
