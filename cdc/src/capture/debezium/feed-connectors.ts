import type { Connector, ConnectorConfig } from './connect-client.ts';

/**
 * What Banyan writes into a connector beside Debezium's settings, which pass over it. It lives as long as the connector,
 * in Kafka, and is there exactly when the connector is.
 */
export interface FeedMarks {
  readonly incarnation: number;
  readonly incarnationReason: string;
  /** Milliseconds since the epoch. */
  readonly incarnationAtMs: number;
  /** The server and the publication that the feed is of. */
  readonly systemId: string;
  readonly timeline: string;
  readonly publicationId: string;
  /** Why it has to be replaced; null while it has not. */
  readonly anewReason: string | null;
  /** Tables (`schema.table`) that are left out, since Kafka does not take a record of theirs, and why. */
  readonly leftOut: Readonly<Record<string, string>>;
}

/** A connector of this feed. There are two only while one replaces the other. */
export interface FeedConnector extends Connector {
  readonly marks: FeedMarks;
}

const MARK = 'banyan.';

/** The marks as settings of a connector. */
export function renderMarks(marks: FeedMarks): ConnectorConfig {
  return {
    [`${MARK}incarnation`]: String(marks.incarnation),
    [`${MARK}incarnation.reason`]: marks.incarnationReason,
    [`${MARK}incarnation.at.ms`]: String(marks.incarnationAtMs),
    [`${MARK}system.id`]: marks.systemId,
    [`${MARK}timeline`]: marks.timeline,
    [`${MARK}publication.id`]: marks.publicationId,
    ...(marks.anewReason === null ? {} : { [`${MARK}anew.reason`]: marks.anewReason }),
    ...(Object.keys(marks.leftOut).length === 0
      ? {}
      : { [`${MARK}left.out`]: JSON.stringify(marks.leftOut) }),
  };
}

/** By what a feed knows its own connectors in a Connect that others use too. */
export interface FeedNames {
  /** First part of their names, e.g. `banyan-feed`. */
  readonly connector: string;
  /** The slot that they read. Each Banyan has its own. */
  readonly slot: string;
  /** Where their database is. */
  readonly database: { readonly host: string; readonly port: number; readonly database: string };
}

/** Name of a connector made at a time, milliseconds since the epoch. Two feeds make no two of one name. */
export function connectorName({ connector, slot }: FeedNames, atMs: number): string {
  return `${connector}.${slot}.${atMs}`;
}

/**
 * Those of one feed, the one that was made last first. By their time, since whoever made it may not have known of the
 * others. The slot says whose they are, so that names of earlier versions, which did not have it, are known as well.
 */
export function ofFeed(connectors: readonly Connector[], names: FeedNames): readonly FeedConnector[] {
  return connectors
    .filter(
      ({ name, config }) => name.startsWith(`${names.connector}.`) && config['slot.name'] === names.slot,
    )
    .map((connector) => ({ ...connector, marks: parseMarks(connector.config) }))
    .sort((a, b) => b.marks.incarnationAtMs - a.marks.incarnationAtMs || (a.name < b.name ? 1 : -1));
}

/** Whether it reads the database at this address. */
export function isAt({ config }: Connector, { host, port, database }: FeedNames['database']): boolean {
  return (
    config['database.hostname'] === host &&
    config['database.port'] === String(port) &&
    config['database.dbname'] === database
  );
}

/** One that somebody else has made has no marks: what is not there fits to no server, and it is replaced. */
function parseMarks(config: ConnectorConfig): FeedMarks {
  const mark = (name: string): string => config[`${MARK}${name}`] ?? '';
  return {
    incarnation: Number(mark('incarnation') || '0'),
    incarnationReason: mark('incarnation.reason'),
    incarnationAtMs: Number(mark('incarnation.at.ms') || '0'),
    systemId: mark('system.id'),
    timeline: mark('timeline'),
    publicationId: mark('publication.id'),
    anewReason: mark('anew.reason') || null,
    leftOut: JSON.parse(mark('left.out') || '{}') as Record<string, string>,
  };
}
