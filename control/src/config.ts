import { busConfigTable } from '@banyan/cdc/bus';
import { outboxConfigTable } from '@banyan/cdc/capture';
import { addresses, ConfigError, readConfig, type ConfigOf, type ConfigTable } from '@banyan/kit';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);
const text = z.string({ error: 'wanted' }).min(1);

/** `reviews=http://127.0.0.1:4001,other=...` as name to URL. */
const serviceUrls = text.transform((list, context) => {
  const urls: Record<string, string> = {};
  for (const pair of list.split(',')) {
    const [name = '', url = ''] = pair.split(/=(.*)/s).map((part) => part.trim());
    if (!name || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
      context.addIssue({ code: 'custom', message: `"${pair}" is not slice=http://host:port` });
    } else if (name in urls) {
      context.addIssue({ code: 'custom', message: `"${name}" is named twice` });
    } else {
      urls[name] = url;
    }
  }
  return urls;
});

/** What the control plane needs whatever it moves. */
export const controlConfigTable = {
  host: {
    env: 'HOST',
    schema: z.string().min(1).default('127.0.0.1'),
    text: 'address to listen on; any other than loopback is for a network of your own',
  },
  port: { env: 'PORT', schema: port, text: 'port of the API; 0 for a free one' },
  storeFile: { env: 'STORE_FILE', schema: text, text: "SQLite file of slices' states and the journal" },
  configFile: { env: 'CONFIG_FILE', schema: text, text: 'banyan.config.ts' },
  topicPrefix: { env: 'TOPIC_PREFIX', schema: z.string().min(1).default('banyan'), text: 'prefix of topics' },
  adminTokenFile: {
    env: 'ADMIN_TOKEN_FILE',
    schema: text,
    text: "file of the token for people's commands; made at the first start",
  },
  peerToken: {
    env: 'PEER_TOKEN',
    schema: z.string({ error: 'wanted' }).min(16, 'at least 16 characters'),
    text: 'token between proxies, control and services',
    secret: true,
  },
  monolithUpstreams: {
    env: 'MONOLITH_URL',
    schema: addresses,
    text: 'base URL of the monolith, or of each of its servers by comma',
  },
  serviceUrls: {
    env: 'SERVICE_URLS',
    schema: serviceUrls,
    text: 'base URL of the service of each slice: name=url,name=url',
  },
  gateGraceMs: {
    env: 'GATE_GRACE_MS',
    schema: z.coerce.number().int().positive().default(10_000),
    text: 'how long a gate may fail in canary before the reads are taken back, milliseconds',
  },
  verifyMaxRowsPerSecond: {
    env: 'VERIFY_MAX_ROWS_PER_SECOND',
    schema: z.coerce.number().positive().optional(),
    text: 'rows of the source that a verification reads a second, at most; not set: as fast as it goes',
  },
  verifyPageRows: {
    env: 'VERIFY_PAGE_ROWS',
    schema: z.coerce.number().int().min(10).max(10_000).default(10_000),
    text: 'rows that a verification reads at once; what is settled is kept after each of them',
  },
  verifyMaxServiceLatencyMs: {
    env: 'VERIFY_MAX_SERVICE_LATENCY_MS',
    schema: z.coerce.number().positive().default(250),
    text: 'a verification slows down while the service takes longer for an answer, milliseconds',
  },
  retainedWalWarnBytes: {
    env: 'RETAINED_WAL_WARN_BYTES',
    schema: z.coerce.number().int().positive().default(1_073_741_824),
    text: 'bytes of WAL that a slot keeps, from which on status and doctor warn; a limit of the server counts as well',
  },
} satisfies ConfigTable;

/** What it needs besides as soon as a slice copies a table: the database, the bus, and the feed between them. */
export const feedConfigTable = {
  sourceUrl: {
    env: 'SOURCE_URL',
    schema: text,
    text: "the monolith's database; not needed where no slice has tables",
    secret: true,
  },
  ...busConfigTable,
  connectUrl: {
    env: 'CONNECT_URL',
    schema: z.url({ error: 'give a URL', protocol: /^https?$/ }).optional(),
    text: 'REST API of Kafka Connect',
    wantedWith: { env: 'STACK', value: 'kafka' },
  },
  connectPassword: {
    env: 'CONNECT_PASSWORD',
    schema: z
      .string()
      .regex(
        /^\$\{\w+:[^}]+\}$/,
        'give a reference such as ${dir:/run/secrets:source.password}, not the password',
      )
      .optional(),
    text: "the password of SOURCE_URL as a reference that Connect's workers resolve",
    wantedWith: { env: 'STACK', value: 'kafka' },
    secret: true,
  },
  ...outboxConfigTable,
  slotName: { env: 'SLOT_NAME', schema: text, text: 'replication slot of the feed' },
  publicationName: { env: 'PUBLICATION_NAME', schema: text, text: 'publication that holds the feed' },
} satisfies ConfigTable;

/** The control plane's settings. */
export const configTable = { ...controlConfigTable, ...feedConfigTable };
export type ControlConfig = ConfigOf<typeof configTable>;
export type OwnConfig = ConfigOf<typeof controlConfigTable>;

/**
 * The settings, those of the feed with them once SOURCE_URL is set.
 *
 * @throws ConfigError
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): {
  readonly own: OwnConfig;
  readonly feed: ControlConfig | null;
} {
  if (!env['SOURCE_URL'] && !env['SOURCE_URL_FILE'])
    return { own: readConfig(controlConfigTable, env), feed: null };
  const all = readConfig(configTable, env);
  return { own: all, feed: all };
}

/** @throws ConfigError when slices copy tables, and there is no feed. */
export function refuseTablesWithoutFeed(
  slices: readonly { readonly name: string; readonly tables: readonly unknown[] }[],
): void {
  const copying = slices.filter(({ tables }) => tables.length > 0).map(({ name }) => name);
  if (copying.length === 0) return;
  const { env, text } = feedConfigTable.sourceUrl;
  throw new ConfigError([
    `${env} (${text}): wanted by slices that copy tables: ${copying.join(', ')}; it is not set`,
  ]);
}
