import { z } from 'zod';
import { ShopError, type FieldErrors } from './shop-error.ts';

/** What a parse gives: the value, or a message for each faulty field. */
export type Parsed<T> = { readonly value: T } | { readonly errors: FieldErrors };

/** Checks untrusted input against a schema; of several faults of a field the first is told. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const result = schema.safeParse(input ?? {});
  if (result.success) return { value: result.data };
  const errors: Record<string, string> = {};
  for (const issue of result.error.issues) errors[issue.path.join('.') || 'body'] ??= issue.message;
  return { errors };
}

/** Like `parseInput`, but throws `invalid-input` with all faulty fields. */
export function requireInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = parseInput(schema, input);
  if ('errors' in parsed)
    throw new ShopError('invalid-input', 'Some fields need another look.', parsed.errors);
  return parsed.value;
}

interface TextRule {
  readonly missing: string;
  /** Longest length in characters, after trimming. */
  readonly max: number;
}

/** One required line or paragraph: trimmed, line ends as `\n`, 1 to `max` characters, no NUL (PostgreSQL has none). */
export function text({ missing, max }: TextRule) {
  return z
    .string(missing)
    .transform((value) => value.replaceAll('\r\n', '\n').trim())
    .pipe(
      z
        .string()
        .min(1, missing)
        .max(max, `Use at most ${max} characters.`)
        .refine((value) => !value.includes('\0'), 'This contains a character that cannot be stored.'),
    );
}

/** A whole number that arrives as a number (JSON) or as digits (form, query). */
export function wholeNumber(min: number, max: number, message: string) {
  return z
    .union([z.number(message), z.string(message).regex(/^\d{1,9}$/, message)], message)
    .transform(Number)
    .pipe(z.int(message).min(min, message).max(max, message));
}

/** What a form held, to show it again: strings only, everything else as ''. */
export function submitted<K extends string>(body: unknown, fields: readonly K[]): Record<K, string> {
  const values: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {};
  const entries = fields.map((field) => {
    const value = values[field];
    return [field, typeof value === 'string' ? value : ''] as const;
  });
  return Object.fromEntries(entries) as Record<K, string>;
}
