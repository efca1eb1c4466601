import { openBus, wanted, type Bus, type OpenedBus } from '@banyan/cdc/bus';
import {
  createDebeziumHistory,
  createDebeziumFeed,
  createPostgresSource,
  type DebeziumFeed,
  type FeedHistory,
  type PostgresSource,
  type TableFeed,
} from '@banyan/cdc/capture';
import { type Closable, type Logger, type Loop, messageOf, startLoop, withDeadline } from '@banyan/kit';
import type { ControlConfig } from '../config.ts';

const MEND_INTERVAL_MS = 1_000;
/** A restart of the feed waits for transactions that are open. */
const MEND_DEADLINE_MS = 60_000;
/** First part of the connector's name. */
const CONNECTOR = 'banyan-feed';

/** The two parts that a stack exchanges, and who knows where the feed stands. */
export interface Feed extends Closable {
  readonly bus: Bus;
  readonly database: PostgresSource;
  readonly feed: TableFeed;
  readonly history: FeedHistory;
}

/** @throws ConfigError when a setting of the stack is missing; what opening the bus throws. */
export async function openFeed(settings: ControlConfig, log: Logger): Promise<Feed> {
  const opened = await openBus(settings, { clientId: 'banyan-control', logger: log });
  const names = { url: settings.sourceUrl, slot: settings.slotName, publication: settings.publicationName };
  const database = createPostgresSource({ ...names, outboxTable: settings.outboxTable });
  try {
    if (opened.stack === 'embedded') return embeddedFeed(opened.bus, database);
    const { bus } = opened;
    const { outboxTable } = settings;
    const feed = createDebeziumFeed({
      ...names,
      ...debeziumOf(settings),
      outboxTable,
      bus,
      postgres: database,
    });
    return kafkaFeed({ bus, database, feed }, { settings, log });
  } catch (error) {
    await database.close();
    await opened.bus.close();
    throw error;
  }
}

function embeddedFeed(bus: Extract<OpenedBus, { stack: 'embedded' }>['bus'], database: PostgresSource): Feed {
  const close = async (): Promise<void> => {
    await database.close();
    await bus.close();
  };
  return { bus, database, feed: database, history: bus, close };
}

/** Nobody but us looks after the connector: a loop creates, repairs and re-creates it. */
function kafkaFeed(
  opened: { readonly bus: Bus; readonly database: PostgresSource; readonly feed: DebeziumFeed },
  { settings, log }: { readonly settings: ControlConfig; readonly log: Logger },
): Feed {
  const { bus, database, feed } = opened;
  const closing = new AbortController();
  const { signal } = closing;
  const history = createDebeziumHistory({ feed, bus, prefix: settings.topicPrefix, signal });
  let trouble: string | null = null;
  const repairing: Loop = startLoop({
    intervalMs: MEND_INTERVAL_MS,
    async run(running) {
      const done = await feed.mend(withDeadline(running, MEND_DEADLINE_MS));
      if (done !== null) log.warn({ done }, 'Debezium was repaired');
      trouble = null;
    },
    onError(error) {
      const message = messageOf(error);
      if (message !== trouble) log.error({ err: error }, 'Debezium cannot be looked after; tried again');
      trouble = message;
    },
  });
  const close = async (): Promise<void> => {
    closing.abort();
    await repairing.close();
    await feed.close();
    await database.close();
    await bus.close();
  };
  return { bus, database, feed, history, close };
}

function debeziumOf(
  settings: ControlConfig,
): Omit<Parameters<typeof createDebeziumFeed>[0], 'url' | 'slot' | 'publication' | 'bus' | 'postgres'> {
  const { stack, topicPrefix } = settings;
  const url = new URL(settings.sourceUrl);
  return {
    connectUrl: wanted(settings.connectUrl, 'CONNECT_URL', stack),
    connector: CONNECTOR,
    prefix: topicPrefix,
    database: {
      host: url.hostname,
      port: Number(url.port || '5432'),
      database: decodeURIComponent(url.pathname.slice(1)),
      user: decodeURIComponent(url.username),
      passwordReference: wanted(settings.connectPassword, 'CONNECT_PASSWORD', stack),
    },
  };
}
