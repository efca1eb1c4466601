import { openBus, wanted, type Bus, type OpenedBus } from '@banyan/cdc/bus';
import {
  createDebeziumHistory,
  createDebeziumSource,
  createPostgresSource,
  type DebeziumSource,
  type FeedHistory,
  type Source,
} from '@banyan/cdc/capture';
import { type Closable, type Logger, type Loop, messageOf, startLoop, withDeadline } from '@banyan/kit';
import type { ControlConfig } from '../config.ts';

const MEND_INTERVAL_MS = 1_000;
/** Beginning anew waits for transactions that are open. */
const MEND_DEADLINE_MS = 60_000;
/** First part of the connector's name. */
const CONNECTOR = 'banyan-feed';

/** The two parts that a stack exchanges, and who knows where the feed stands. */
export interface Feed extends Closable {
  readonly bus: Bus;
  readonly source: Source;
  readonly history: FeedHistory;
}

/** @throws ConfigError when a setting of the stack is missing; what opening the bus throws. */
export async function openFeed(settings: ControlConfig, log: Logger): Promise<Feed> {
  const opened = await openBus(settings, { clientId: 'banyan-control', logger: log });
  const embedded = {
    url: settings.sourceUrl,
    slot: settings.slotName,
    publication: settings.publicationName,
    outboxTable: settings.outboxTable,
  };
  try {
    return opened.stack === 'embedded'
      ? embeddedFeed(opened.bus, createPostgresSource(embedded))
      : kafkaFeed(
          opened.bus,
          createDebeziumSource({ ...embedded, ...debeziumOf(settings), bus: opened.bus }),
          {
            settings,
            log,
          },
        );
  } catch (error) {
    await opened.bus.close();
    throw error;
  }
}

function embeddedFeed(bus: Extract<OpenedBus, { stack: 'embedded' }>['bus'], source: Source): Feed {
  const close = async (): Promise<void> => {
    await source.close();
    await bus.close();
  };
  return { bus, source, history: bus, close };
}

/** Nobody but us looks after the connector: it is made, mended, and made anew by a loop. */
function kafkaFeed(
  bus: Bus,
  source: DebeziumSource,
  { settings, log }: { readonly settings: ControlConfig; readonly log: Logger },
): Feed {
  const closing = new AbortController();
  const { signal } = closing;
  const history = createDebeziumHistory({ source, bus, prefix: settings.topicPrefix, signal });
  let trouble: string | null = null;
  const mending: Loop = startLoop({
    intervalMs: MEND_INTERVAL_MS,
    async run(running) {
      const done = await source.mend(withDeadline(running, MEND_DEADLINE_MS));
      if (done !== null) log.warn({ done }, 'Debezium was put right');
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
    await mending.close();
    await source.close();
    await bus.close();
  };
  return { bus, source, history, close };
}

function debeziumOf(
  settings: ControlConfig,
): Omit<Parameters<typeof createDebeziumSource>[0], 'url' | 'slot' | 'publication' | 'bus'> {
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
