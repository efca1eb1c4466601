import { parseArgs } from 'node:util';
import { z } from 'zod';

const whole = (min: number, max: number) =>
  z.coerce.number(`a whole number from ${min} to ${max}`).pipe(z.int().min(min).max(max));

const optionsSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'an address such as http://127.0.0.1:8080' }),
  customers: whole(1, 1_000).default(8),
  seed: whole(0, 2 ** 32 - 1).default(1),
  'pause-ms': whole(0, 60_000).default(150),
  'deadline-ms': whole(1, 600_000).default(10_000),
  'duration-s': whole(1, 86_400).optional(),
  'json-lines': z.boolean().default(false),
});

/** The command line of the built-in customers, checked. */
export type CustomersCommand = z.output<typeof optionsSchema>;

export const USAGE = `usage: node regression/src/customers/main.ts --url URL [--customers 8] [--seed 1]
         [--pause-ms 150] [--deadline-ms 10000] [--duration-s SECONDS] [--json-lines]`;

/** Mistakes on the command line: every one of them, in one message. */
export class UsageError extends Error {
  readonly code = 'usage';
  override readonly name = 'UsageError';
}

/** @throws UsageError */
export function readCustomersCommand(argv: readonly string[]): CustomersCommand {
  let values: unknown;
  try {
    const text = { type: 'string' } as const;
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        url: text,
        customers: text,
        seed: text,
        'pause-ms': text,
        'deadline-ms': text,
        'duration-s': text,
        'json-lines': { type: 'boolean' },
      },
    }));
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`, { cause });
  }
  const result = optionsSchema.safeParse({ ...(values as object) });
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `  --${path.join('.')}: ${message}`);
  throw new UsageError(`${lines.join('\n')}\n${USAGE}`);
}
