import { CodedError } from '@banyan/kit';

export type ConnectErrorCode =
  /** Connect does not answer, or is rebalancing for too long. */
  | 'connect-unreachable'
  /** Connect refused the request; the message says why. */
  | 'connect-refused'
  /** The connector does not run as wanted within the time given; the message says what it does. */
  | 'connector-not-ready'
  /** The replication slot is somebody else's; the message says how to go on. */
  | 'slot-foreign'
  /** A connector of somebody else writes to the feed's topics; the message says how to go on. */
  | 'topics-foreign';

/** Kafka Connect, or a connector in it, does not do what was asked. */
export class ConnectError extends CodedError<ConnectErrorCode> {}

/** A connector that is not ours writes to our topics. */
export function foreignTopicsError(
  { name, config }: { readonly name: string; readonly config: Readonly<Record<string, string>> },
  { prefix, connectUrl }: { readonly prefix: string; readonly connectUrl: string },
): ConnectError {
  const [slot = '?', host = '?', port = '?'] = ['slot.name', 'database.hostname', 'database.port'].map(
    (key) => config[key],
  );
  const url = `${connectUrl.replace(/\/$/, '')}/connectors/${encodeURIComponent(name)}`;
  return new ConnectError(
    'topics-foreign',
    `The topics ${prefix}.* are written by a connector that is not ours, "${name}", which reads the slot "${slot}" of ` +
      `${host}:${port}. Give this Banyan another TOPIC_PREFIX (control plane and services); or, if nobody needs that ` +
      `connector any more, remove it: curl -X DELETE ${url}`,
  );
}
