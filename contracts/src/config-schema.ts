import { z } from 'zod';
import { envReferenceSchema } from './from-env.ts';
import { pathReadingSchema } from './path-reading.ts';
import { gateLimitsSchema } from './slice.ts';
import { declaredVisitorsSchema } from './visitors.ts';

const text = z.string().min(1);
const milliseconds = z.number().int().positive();
const httpUrl = z.url({ protocol: /^https?$/, error: 'an address such as http://10.0.0.1:3000' });
const setting = z.union([text, envReferenceSchema], "a text, or fromEnv('NAME')");
const address = z.union(
  [httpUrl, envReferenceSchema],
  "an address such as http://10.0.0.1:3000, or fromEnv('NAME')",
);
const path = z.string().regex(/^\/(?!\/)[\x21-\x7e]*$/, 'a path such as /healthz');
const name = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'lower-case words joined by -');

/** How a process of somebody's own is started, or where it runs. */
const running = {
  command: z
    .array(text)
    .min(1)
    .optional()
    .describe(
      'program and arguments; `node` is the Node that Banyan runs on; started in the folder of this file',
    ),
  urls: z
    .array(address)
    .min(1)
    .optional()
    .describe('base addresses of one that others run; used in place of `command`'),
  env: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/, "a variable's name"), setting)
    .default({})
    .describe(
      'its environment, with placeholders such as {port}; of ours it inherits PATH, HOME, TMPDIR, LANG and TZ only',
    ),
};

const monolithSchema = z
  .strictObject({
    ...running,
    ready: path.default('/healthz').describe('path that answers 200 once it serves'),
    deadlineMs: milliseconds.default(30_000).describe('time for its response headers, milliseconds'),
  })
  .superRefine(oneOf('command', 'urls'));

export const serviceSchema = z
  .strictObject({
    main: text
      .optional()
      .describe('file of a service built with our kit; it gets its whole environment from Banyan'),
    ...running,
    ready: path.default('/readyz').describe('path that answers 200 once it serves'),
  })
  .superRefine(oneOf('main', 'command', 'urls'));

/** One slice and the service that takes it. */
export const sliceEntrySchema = z.strictObject({
  slice: z.unknown().describe('what `defineSlice` returns'),
  service: serviceSchema.optional().describe('who takes it: how to start it, or where it runs'),
  deadlineMs: milliseconds
    .default(2_000)
    .describe(
      "time for the service's response headers before a read falls back to the monolith, milliseconds",
    ),
});

const sourceSchema = z
  .strictObject({
    sample: z
      .literal(true)
      .optional()
      .describe('Banyan starts a PostgreSQL of its own and makes a database in it, for trials'),
    url: setting
      .optional()
      .describe(
        "the monolith's database, of a role that may replicate; better by fromEnv: it holds a password",
      ),
    topicPrefix: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,30}$/, 'lower-case letters, digits and _, at most 31')
      .optional()
      .describe(
        'first part of every topic; with `sample` also the name of the database and of its owner; default `banyan`; stays as it was at the first start',
      ),
    outbox: z
      .string()
      .regex(/^[^.\s]+\.[^.\s]+$/, 'schema.table, e.g. public.outbox')
      .optional()
      .describe('table of events that the monolith writes itself'),
  })
  .superRefine(oneOf('sample', 'url'));

const kafkaSchema = z.strictObject({
  brokers: z
    .array(z.string().regex(/^[^\s:]+:\d{1,5}$/, 'host:port'))
    .min(1)
    .describe('of a Kafka that others run'),
  connectUrl: address.describe('REST API of its Kafka Connect'),
  connectPassword: text.describe(
    "the source's password as a reference that Connect's workers resolve, e.g. ${dir:/run/secrets:source.password}",
  ),
  ssl: z
    .union(
      [z.boolean(), z.strictObject({ caFile: text.describe('PEM file of the authorities') })],
      'true, false or { caFile }',
    )
    .optional()
    .describe(
      'connect to the brokers by TLS; with the file of its authorities where Node does not know them',
    ),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).describe('SASL mechanism'),
      username: setting.describe('user name for SASL'),
      password: envReferenceSchema.describe('its password'),
    })
    .optional()
    .describe('how a process proves who it is'),
});

const stackSchema = z.union(
  [
    z.enum(['embedded', 'kafka']),
    z.strictObject({ kafka: kafkaSchema.describe('a Kafka with Connect that others run') }),
  ],
  "'embedded', 'kafka' or { kafka: { brokers, connectUrl, connectPassword } }",
);

const listenSchema = z.strictObject({
  host: text.default('127.0.0.1').describe("the proxy's address for customers"),
  port: z
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('its port; default 8080 or a free one at the first start, then the last one'),
  trustedProxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'an address or subnet, e.g. 10.0.0.0/8'))
    .default([])
    .describe('addresses in front whose X-Forwarded-* headers are believed'),
});

const count = z.number().int().positive();
export const limitsSchema = z.strictObject({
  busMaxBytes: count.optional().describe('most bytes of the embedded bus'),
  busWarnRatio: z.number().min(0.1).max(0.85).optional().describe('part of it above which the bus warns'),
  busKeepAppliedMs: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('how long applied records stay for people who look, milliseconds'),
  retainedWalWarnBytes: count
    .optional()
    .describe('bytes of WAL that a slot keeps, from which on status and doctor warn'),
  verifyMaxRowsPerSecond: z
    .number()
    .positive()
    .optional()
    .describe('rows of the source that a verification reads a second, at most'),
  verifyPageRows: z
    .number()
    .int()
    .min(10)
    .max(10_000)
    .optional()
    .describe('rows that a verification reads at once'),
  verifyMaxServiceLatencyMs: z
    .number()
    .positive()
    .optional()
    .describe('a verification slows down while the service takes longer, milliseconds'),
  gateGraceMs: count
    .optional()
    .describe('how long a gate may fail in canary before the reads are taken back, milliseconds'),
  gates: gateLimitsSchema.optional().describe('limits of every slice that says nothing else'),
  restartAfterMs: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe("silence after which one of Banyan's processes is restarted, milliseconds; 0 for never"),
  monolithRestartAfterMs: z.number().int().nonnegative().optional().describe('the same for the monolith'),
});

/** What `banyan.config.ts` exports, whole. */
export const configSchema = z.strictObject({
  monolith: monolithSchema.optional().describe('what is being moved: how to start it, or where it runs'),
  source: sourceSchema
    .optional()
    .describe('the database whose rows are copied; left out where no slice copies a table'),
  stack: stackSchema
    .optional()
    .describe(
      'embedded: one SQLite file as the bus, and a reader of ours; kafka: Kafka, and Debezium in Kafka Connect, started by Banyan or run by others; default: the one that the state folder was begun on, else embedded',
    ),
  listen: listenSchema.prefault({}).describe('where customers come in'),
  visitors: declaredVisitorsSchema.prefault({}).describe('who customers and visitors are'),
  paths: pathReadingSchema.prefault({}).describe('how the monolith reads paths that only look alike'),
  slices: z
    .array(sliceEntrySchema)
    .min(1, 'at least one slice')
    .describe('what is moved, each with its service'),
  services: z
    .array(
      z
        .strictObject({ name: name.describe('names its process'), ...serviceSchema.shape })
        .superRefine(oneOf('main', 'command', 'urls')),
    )
    .default([])
    .describe('further processes beside the services of slices; they get no requests from the proxy'),
  limits: limitsSchema.prefault({}).describe('limits, where the defaults of the processes do not fit'),
});

export type MonolithDeclaration = Readonly<z.output<typeof monolithSchema>>;
export type SourceDeclaration = Readonly<z.output<typeof sourceSchema>>;
export type ServiceDeclaration = Readonly<z.output<typeof serviceSchema>>;
export type Limits = Readonly<z.output<typeof limitsSchema>>;
export type ConfigInput = z.input<typeof configSchema>;
export type ServiceInput = z.input<typeof serviceSchema>;

/** Refuses an object that has none or several of these keys. */
function oneOf(...keys: readonly string[]) {
  return (value: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void => {
    const given = keys.filter((key) => value[key] !== undefined);
    if (given.length === 1) return;
    const got = given.length === 0 ? 'none of them' : given.join(' and ');
    context.addIssue({ code: 'custom', message: `give one of ${keys.join(', ')}; got ${got}` });
  };
}
