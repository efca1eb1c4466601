import { CodedError, messageOf } from '@banyan/kit';
import type { TopicPosition } from './bus.ts';
import { securityAdvice } from './kafka/security-advice.ts';

/** Records that a reader wanted are gone from the bus. Going on from the first one kept would leave a gap. */
export class OffsetGoneError extends CodedError<'offset-gone'> {
  /** Where each of these topics begins now. */
  readonly starts: readonly TopicPosition[];

  constructor(wanted: readonly TopicPosition[], starts: readonly TopicPosition[]) {
    const places = wanted.map(({ topic, partition, nextOffset }) => {
      const start = starts.find((place) => place.topic === topic && place.partition === partition);
      return `${topic} at ${nextOffset} (the first record kept is ${start?.nextOffset ?? 'unknown'})`;
    });
    super(
      'offset-gone',
      `Records are gone from the bus: ${places.join(', ')}. Whatever was copied from it needs a new table snapshot.`,
    );
    this.starts = starts;
  }
}

/** There is no room for records: nothing of the append was stored. Trying again helps once there is. */
export class BusFullError extends CodedError<'bus-full'> {
  /** The bus's own limit, or the disk. */
  readonly reason: 'limit' | 'disk';

  constructor(reason: 'limit' | 'disk', message: string) {
    super('bus-full', message);
    this.reason = reason;
  }
}

/** The brokers do not answer as they should. The state behind them is unknown; trying again is right. */
export class BusUnreachableError extends CodedError<'bus-unreachable'> {
  constructor(what: string, cause: unknown) {
    const advice = securityAdvice(cause);
    const said = `Kafka could not ${what}: ${messageOf(cause)}`;
    super('bus-unreachable', advice === null ? said : `${said}; ${advice}`, { cause });
  }
}

/** The bus's file is damaged. The message names the commands that mend it. */
export class BusCorruptError extends Error {
  readonly code = 'bus-corrupt';
  override readonly name = 'BusCorruptError';
}

/** Any other failure of the bus's store. Says no values: they may be personal. */
export class BusStoreError extends CodedError {}
