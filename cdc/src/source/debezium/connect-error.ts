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
export class ConnectError extends Error {
  readonly code: ConnectErrorCode;
  override readonly name = 'ConnectError';

  constructor(code: ConnectErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
