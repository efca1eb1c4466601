export type KafkaStackErrorCode =
  /** Java or Maven is missing or too old. */
  | 'tools-missing'
  /** Maven could not fetch what is needed. */
  | 'download-failed'
  /** Kafka's storage could not be made. */
  | 'format-failed'
  /** A process ended, or did not answer in time. */
  | 'not-ready';

/** Kafka or Connect cannot be had or run here. The message says what to do. */
export class KafkaStackError extends Error {
  readonly code: KafkaStackErrorCode;
  override readonly name = 'KafkaStackError';

  constructor(code: KafkaStackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
