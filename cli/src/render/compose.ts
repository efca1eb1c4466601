import {
  fillPlaceholders,
  isEnvReference,
  secretOf,
  type EnvReference,
  type ServiceDeclaration,
} from '@banyan/contracts';
import type { ResolvedBanyanConfig } from '@banyan/contracts';
import { limitsEnv } from '../supervise/limits-env.ts';
import { renderTemplate } from './render-template.ts';

const MADE_BY = 'run: node script/compose-env.js';
/** Port of every service, each in a container of its own. */
const SERVICE_PORT = '4000';
const MONOLITH_PORT = '3000';
const STORES = '/var/lib/banyan';

/** A variable of compose's that has to be set. */
const wanted = (name: string, how = 'set it in .env'): string => `\${${name}:?${how}}`;
const made = (name: string): string => wanted(name, MADE_BY);
const quoted = (text: string): string =>
  /^[\w./:=-]+$/.test(text) && !/^\d+$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`;

/** A process as it is declared, with references to the environment as they are: compose resolves its own. */
interface Declared {
  readonly name: string;
  readonly declaration: Pick<ServiceDeclaration, 'main' | 'command' | 'urls' | 'env' | 'ready'>;
}

export interface ComposeOptions {
  readonly config: ResolvedBanyanConfig;
  readonly template: string;
  /** Of a service's main file: the folder with its package.json, from the checkout's root. */
  readonly workspaceOf: (main: string) => string;
}

/** What is declared that a file of compose cannot do. */
export class RenderError extends Error {
  readonly code = 'compose-unfit';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`compose cannot run this declaration:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const prefixOf = ({ source }: ResolvedBanyanConfig): string => source?.topicPrefix ?? 'banyan';
const databaseName = (prefix: string): string =>
  ['banyan', 'postgres'].includes(prefix) ? 'monolith' : prefix;

const compose = (setting: string | EnvReference): string =>
  isEnvReference(setting) ? wanted(setting.fromEnv) : setting.replaceAll('$', '$$$$');

function servicesOf(config: ResolvedBanyanConfig): readonly (Declared & { readonly isSlice: boolean })[] {
  return [
    ...config.slices.flatMap(({ name }) => {
      const declaration = config.serviceOf[name];
      return declaration ? [{ name, declaration, isSlice: true }] : [];
    }),
    ...config.services.map((declaration) => ({ name: declaration.name, declaration, isSlice: false })),
  ];
}

const urlOf = ({ name, declaration: { urls } }: Declared, port: string): string =>
  urls === undefined ? `http://${name}:${port}` : compose(urls[0] ?? '');

/** What placeholders become in one container. */
function fillerOf({ name }: Declared, config: ResolvedBanyanConfig, port: string): (text: string) => string {
  const database = databaseName(prefixOf(config));
  const url = config.source?.url;
  const values: Readonly<Record<string, string>> = {
    host: '0.0.0.0',
    port,
    'database.monolith':
      url === undefined
        ? `postgres://${database}:${made('MONOLITH_PASSWORD')}@postgres:5432/${database}`
        : compose(url),
    'monolith.url': config.monolith
      ? urlOf({ name: 'monolith', declaration: config.monolith }, MONOLITH_PORT)
      : '',
    'identity.publicKey': made('IDENTITY_PUBLIC_KEY'),
    'store.file': `${STORES}/${name}/${name}.sqlite`,
  };
  return (text) =>
    fillPlaceholders(text, (placeholder) => {
      const secret = secretOf(placeholder);
      if (secret === null) return values[placeholder] ?? '';
      return made(`${secret.replaceAll('-', '_').toUpperCase()}_SECRET`);
    });
}

/** The variables of a process. A secret comes as a variable: `X_FILE: '{secret.a}'` is `X` with the value. */
function envLines(declared: Declared, config: ResolvedBanyanConfig, port: string): string[] {
  const fill = fillerOf(declared, config, port);
  return Object.entries(declared.declaration.env).map(([key, setting]) => {
    const text = compose(setting);
    const isFile = /^\{(secret\.[a-z0-9-]+|identity\.publicKey)\}$/.test(text) && key.endsWith('_FILE');
    return `${isFile ? key.slice(0, -'_FILE'.length) : key}: ${quoted(fill(text))}`;
  });
}

function commandOf(declared: Declared, config: ResolvedBanyanConfig, port: string): string {
  const { main, command = [] } = declared.declaration;
  const fill = fillerOf(declared, config, port);
  const parts = main === undefined ? command.map((part) => fill(compose(part))) : ['node', main];
  return `command: [${parts.map((part) => `'${part.replaceAll("'", "''")}'`).join(', ')}]`;
}

const environment = (lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['environment:', ...lines.map((line) => `  ${line}`)];

const dependsOn = (names: readonly [string, string][]): string[] =>
  names.length === 0
    ? []
    : ['depends_on:', ...names.map(([name, state]) => `  ${name}: { condition: service_${state} }`)];

function monolithLines(config: ResolvedBanyanConfig): string[] {
  const { monolith } = config;
  if (monolith?.command === undefined) return [];
  const declared: Declared = { name: 'monolith', declaration: monolith };
  return [
    'monolith:',
    ...[
      '<<: *banyan',
      commandOf(declared, config, MONOLITH_PORT),
      ...environment(envLines(declared, config, MONOLITH_PORT)),
      ...dependsOn(config.source ? [['prepare', 'completed_successfully']] : []),
      ...healthLines(`http://127.0.0.1:${MONOLITH_PORT}${monolith.ready}`),
    ].map((line) => `  ${line}`),
  ];
}

const healthLines = (url: string): string[] => [
  'healthcheck:',
  '  <<: *health',
  `  test: ['CMD', 'node', 'compose/healthy.js', '${url}']`,
];

/** One service on one stack. On the full one its container has another name, and the same alias. */
function serviceLines(
  declared: Declared,
  config: ResolvedBanyanConfig,
  profile: 'embedded' | 'full',
): string[] {
  const { name, declaration } = declared;
  const isKit = declaration.main !== undefined;
  const isFull = profile === 'full';
  const bus = isFull || !isKit ? [] : [`'bus:${STORES}/bus'`];
  const first: [string, string][] = isFull
    ? [
        ['kafka', 'healthy'],
        ['prepare', 'completed_successfully'],
      ]
    : [['reader', 'healthy']];
  return [
    isFull ? `${name}-kafka:` : `${name}:`,
    ...[
      '<<: *banyan',
      `profiles: [${profile}]`,
      commandOf(declared, config, SERVICE_PORT),
      ...environment([
        ...(isKit
          ? [
              `<<: [*service, *peer, *${isFull ? 'kafka' : 'embedded'}]`,
              `STORE_FILE: ${STORES}/${name}/${name}.sqlite`,
            ]
          : []),
        ...envLines(declared, config, SERVICE_PORT),
      ]),
      ...(isFull ? [`networks: { default: { aliases: [${name}] } }`] : []),
      `volumes: [${[...bus, `'${name}:${STORES}/${name}'`].join(', ')}]`,
      ...dependsOn(config.source && isKit ? first : []),
      ...healthLines(`http://127.0.0.1:${SERVICE_PORT}${declaration.ready}`),
    ].map((line) => `  ${line}`),
  ];
}

function refuseUnfit(config: ResolvedBanyanConfig): void {
  const monolith = config.monolith ? [{ name: 'monolith', declaration: config.monolith }] : [];
  const problems = [...monolith, ...servicesOf(config)].flatMap(({ name, declaration }) => {
    const program = declaration.command?.[0];
    return program === undefined || program === 'node'
      ? []
      : [
          `${name} is started by ${program}, which is not in the image of Banyan: run it elsewhere, and give its urls`,
        ];
  });
  if (config.monolith === null) problems.push('monolith: say what is moved');
  if (problems.length > 0) throw new RenderError(problems);
}

const limitLines = ({ limits }: ResolvedBanyanConfig, reader: 'reader' | 'control'): string[] =>
  Object.entries(limitsEnv(limits, reader, {})).map(([name, value]) => `${name}: ${quoted(value)}`);

/** Lines of several services, an empty one between them. */
const together = (blocks: readonly (readonly string[])[]): string[] =>
  blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));

/**
 * `docker-compose.yml` of a declaration.
 *
 * @throws RenderError with all that compose cannot do.
 */
export function renderCompose({ config, template, workspaceOf }: ComposeOptions): string {
  refuseUnfit(config);
  const prefix = prefixOf(config);
  const services = servicesOf(config);
  const own = services.filter(({ declaration }) => declaration.urls === undefined);
  const workspaces = [
    config.monolith?.command,
    ...own.map(({ declaration: { main, command } }) => (main ? ['node', main] : command)),
  ].flatMap((command) => (command?.[1] ? [workspaceOf(command[1])] : []));
  const { source } = config;
  const sourceUrl =
    source?.url === undefined
      ? `postgres://banyan:${made('BANYAN_PASSWORD')}@postgres:5432/${databaseName(prefix)}`
      : compose(source.url);
  const monolithUrls = config.monolith
    ? (config.monolith.urls?.map(compose) ?? [
        urlOf({ name: 'monolith', declaration: config.monolith }, MONOLITH_PORT),
      ])
    : [];
  const slicesUrls = services
    .filter(({ isSlice }) => isSlice)
    .map((service) => `${service.name}=${urlOf(service, SERVICE_PORT)}`);
  const allServices = (profile: 'embedded' | 'full'): string[] =>
    together(own.map((service) => serviceLines(service, config, profile)));
  return renderTemplate(template, {
    conditions: {
      made: source?.sample === true,
      feed: source !== null,
      started: config.monolith?.command !== undefined,
    },
    blocks: {
      header: [
        '# Made from banyan.config.ts by `npx banyan config render`; change compose/docker-compose.template.yml.',
      ],
      build: [
        'build:',
        '  context: .',
        '  args:',
        `    SERVICES: '${[...new Set(workspaces)].join(' ')}'`,
        `    STORES: '${own.map(({ name }) => name).join(' ')}'`,
      ],
      feed:
        source === null
          ? ['{}']
          : [
              `SOURCE_URL: '${sourceUrl}'`,
              `TOPIC_PREFIX: ${prefix}`,
              `SLOT_NAME: banyan_${prefix}`,
              `PUBLICATION_NAME: banyan_${prefix}`,
              '# Of a table of events, schema.table: docs/reference/outbox.md',
              `OUTBOX_TABLE: '\${OUTBOX_TABLE:-${source.outbox ?? ''}}'`,
            ],
      topics: [`TOPIC_PREFIX: ${prefix}`],
      prepare: source?.sample
        ? [
            `ADMIN_DATABASE_URL: 'postgres://postgres:${made('POSTGRES_PASSWORD')}@postgres:5432/postgres'`,
            `DATABASE_NAME: ${databaseName(prefix)}`,
            `MONOLITH_PASSWORD: '${made('MONOLITH_PASSWORD')}'`,
            `BANYAN_PASSWORD: '${made('BANYAN_PASSWORD')}'`,
          ]
        : [`SOURCE_URL: '${sourceUrl}'`],
      reader: limitLines(config, 'reader'),
      control: [
        ...limitLines(config, 'control'),
        `MONOLITH_URL: ${quoted(monolithUrls.join(','))}`,
        `SERVICE_URLS: ${quoted(slicesUrls.join(','))}`,
      ],
      proxy: [
        `MONOLITH_URL: ${quoted(monolithUrls.join(','))}`,
        `READY_PATH: ${quoted(config.monolith?.ready ?? '/')}`,
        ...(config.listen.trustedProxies.length > 0
          ? [`TRUSTED_PROXIES: '${config.listen.trustedProxies.join(',')}'`]
          : []),
      ],
      monolith: monolithLines(config),
      'services embedded': allServices('embedded'),
      'services full': allServices('full'),
      volumes: own.map(({ name }) => `${name}:`),
    },
  });
}

/** `compose/prometheus.yml`: what the profile `observability` collects. */
export function renderPrometheus(config: ResolvedBanyanConfig): string {
  const job = (name: string, target: string): string[] => [
    `  - job_name: ${name}`,
    `    static_configs: [{ targets: ['${target}'] }]`,
  ];
  const services = servicesOf(config).flatMap((service) => {
    const { main, urls } = service.declaration;
    // Of others' services nobody knows whether they show any.
    return main === undefined || urls !== undefined
      ? []
      : job(service.name, `${service.name}:${SERVICE_PORT}`);
  });
  return `${[
    '# Made from banyan.config.ts by `npx banyan config render`.',
    "# What the profile `observability` collects: all pages are open within compose's network only.",
    'global:',
    '  scrape_interval: 5s',
    '  scrape_timeout: 4s',
    '',
    'scrape_configs:',
    ...job('control', 'control:7000'),
    ...job('proxy', 'proxy:9090'),
    ...services,
  ].join('\n')}\n`;
}
