// A process for tests: tells Kafka how far a group is, again and again, until it is killed. Arguments: brokers, group.
import { silentLogger } from '@banyan/kit';
import { openKafkaBus } from '../../src/bus/kafka/kafka-bus.ts';

const [broker, group] = process.argv.slice(2);
if (!broker || !group) throw new Error('usage: commit-until-killed BROKER GROUP');
const bus = openKafkaBus({ brokers: [broker], logger: silentLogger });
process.on('disconnect', () => process.exit(1));
for (;;) {
  await bus.commit(group, [{ topic: 'a', partition: 0, nextOffset: 1 }]);
  process.send?.('told');
}
