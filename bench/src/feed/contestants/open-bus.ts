import { openSqliteBus, type Bus } from '@banyan/cdc/apply';
import { openKafkaBus } from '@banyan/cdc/bus';
import { silentLogger } from '@banyan/kit';

/** The Kafka `KAFKA_BROKERS`, or else the SQLite file `BUS_FILE`. */
export async function openBus(): Promise<Bus> {
  const { KAFKA_BROKERS: brokers, BUS_FILE: file } = process.env;
  if (brokers !== undefined) return openKafkaBus({ brokers: brokers.split(','), logger: silentLogger });
  return await openSqliteBus({ file: file ?? '' });
}
