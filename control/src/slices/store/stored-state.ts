import { z } from 'zod';
import type { SliceState } from '../domain/slice-state.ts';

const atMs = z.number().int();

/** A copy stored before feeds were told apart is of the first one. */
const feed = z
  .strictObject({
    incarnation: z.number().int().positive(),
    beganAtMs: atMs.nullable(),
    membership: z.string().nullable(),
    catalog: z
      .record(
        z.string(),
        z.strictObject({
          identity: z.string(),
          files: z.string(),
          columns: z.record(z.string(), z.strictObject({ what: z.string(), written: z.string() })),
          labels: z.record(z.string(), z.string()),
        }),
      )
      .nullish(),
  })
  .default({ incarnation: 1, beganAtMs: null, membership: null });

const completeCopy = z.strictObject({
  step: z.literal('complete'),
  startedAtMs: atMs,
  snapshotId: z.string(),
  feed,
  copiedAtMs: atMs,
  verification: z
    .strictObject({
      finishedAtMs: atMs,
      rowsSource: z.number().int(),
      rowsTarget: z.number().int(),
      differences: z.number().int(),
      examples: z.array(z.string()),
    })
    .nullable(),
});

const copy = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('starting'), startedAtMs: atMs }),
  z.strictObject({ step: z.literal('copying'), startedAtMs: atMs, snapshotId: z.string(), feed }),
  completeCopy,
]);

const everyPhase = {
  name: z.string(),
  epoch: z.number().int().nonnegative(),
  salt: z.string().min(1),
  rolledBack: z.boolean(),
  paused: z.strictObject({ by: z.string(), reason: z.string(), atMs }).nullable(),
};

/** A slice's state as it lies in the store; an older or foreign form is refused rather than guessed at. */
export const storedStateSchema: z.ZodType<SliceState> = z.discriminatedUnion('phase', [
  z.strictObject({
    ...everyPhase,
    phase: z.literal('monolith'),
    feed: z.enum(['detached', 'attached']),
  }),
  z.strictObject({ ...everyPhase, phase: z.literal('syncing'), copy }),
  z.strictObject({
    ...everyPhase,
    phase: z.literal('canary'),
    copy: completeCopy.nullable(),
    share: z.number().min(0).max(1),
    sinceMs: atMs,
  }),
]);
