import type { ConfigTable } from '@banyan/kit';
import { z } from 'zod';

/** The one setting of outbox routing, for every process that has to know it: the embedded reader, and the control plane. */
export const outboxConfigTable = {
  outboxTable: {
    env: 'OUTBOX_TABLE',
    schema: z
      .string()
      .regex(/^[^.]+\.[^.]+$/, 'schema.table, each as it is, without quotes')
      .optional(),
    text: 'outbox table, schema.table, whose rows become events on the topics outbox.event.<aggregatetype>; not set: none',
  },
} as const satisfies ConfigTable;
