import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../feed/benches/bench.ts';
import { startConsumerProcess } from '../../feed/consumer-process.ts';
import { prepareFeed, until } from '../../feed/feed.ts';
import type { Line, Measurement } from '../../feed/measurement.ts';
import { memoryOf, type ProcessMemory } from '../../feed/process-memory.ts';
import { prepareDebeziumFeed } from '../debezium-feed.ts';
import { ROWS_PER_TRANSACTION, type StackContext } from './stack-bench.ts';

/** Nothing happens for so long before memory at rest is read. */
const REST_MS = 3_000;
const AIM_MIB = 800;

/** What each part holds, at rest and at its most under a load that both stacks follow at once. */
export async function benchStackMemory(context: StackContext): Promise<Measurement> {
  const { database, folder, sizes, kafka } = context;
  await database.empty();
  const stack = await kafka.start({ fullyCompiled: false, isNew: true });
  const feed = await prepareFeed(context, 'stack_memory_embedded');
  const debezium = await prepareDebeziumFeed({ database, stack }, { name: 'stack_memory_debezium' });
  try {
    const consumers = [];
    for (const [name, bus] of [
      ['embedded', { file: feed.busFile }],
      ['full', debezium.topics],
    ] as const) {
      const consumer = await startConsumerProcess({ bus, store: { file: join(folder, `${name}.sqlite`) } });
      context.started.push(consumer.child);
      consumers.push(consumer);
    }
    const pids: Readonly<Record<Part, number>> = {
      'embedded: reader with the bus': feed.reader.pid,
      'embedded: consumer': consumers[0]?.child.pid ?? -1,
      'full: Kafka': stack.broker.pid ?? -1,
      'full: Connect with Debezium': stack.connect.pid ?? -1,
      'full: consumer': consumers[1]?.child.pid ?? -1,
    };
    await sleep(REST_MS);
    const atRest = await memoryOfAll(pids);
    await database.fill(sizes.rows, ROWS_PER_TRANSACTION);
    for (const consumer of consumers) {
      await until('all is applied', async () => (await consumer.appliedOffset()) >= sizes.rows);
    }
    const loaded = await memoryOfAll(pids);
    for (const { child } of consumers) await child.close();
    return measurementOf({ atRest, loaded, rows: sizes.rows });
  } finally {
    await debezium.close();
    await feed.close();
  }
}

const parts = [
  'embedded: reader with the bus',
  'embedded: consumer',
  'full: Kafka',
  'full: Connect with Debezium',
  'full: consumer',
] as const;
type Part = (typeof parts)[number];
type Memory = Readonly<Record<Part, ProcessMemory>>;

async function memoryOfAll(pids: Readonly<Record<Part, number>>): Promise<Memory> {
  const found = await Promise.all(parts.map(async (part) => [part, await memoryOf(pids[part])] as const));
  return Object.fromEntries(found) as Memory;
}

function measurementOf(found: {
  readonly atRest: Memory;
  readonly loaded: Memory;
  readonly rows: number;
}): Measurement {
  const { atRest, loaded, rows } = found;
  const lines = parts.flatMap((part): Line[] => [
    { name: `${part}, at rest`, value: atRest[part].residentMiB, unit: 'MiB', ratio: null },
    { name: `${part}, most`, value: loaded[part].peakMiB, unit: 'MiB', ratio: null },
  ]);
  const sum = (stack: 'embedded' | 'full'): number =>
    parts.filter((part) => part.startsWith(stack)).reduce((total, part) => total + loaded[part].peakMiB, 0);
  const embedded = { name: 'embedded: together, most', value: sum('embedded') };
  const java = loaded['full: Kafka'].peakMiB + loaded['full: Connect with Debezium'].peakMiB;
  return {
    name: 'stack-memory',
    title: 'Memory of each part',
    sizes: `${count(rows)} rows in transactions of ${ROWS_PER_TRANSACTION}; VmRSS at rest, VmHWM in the end`,
    lines: [
      ...lines,
      { ...embedded, unit: 'MiB', ratio: null },
      {
        name: 'full: together, most',
        value: sum('full'),
        unit: 'MiB',
        ratio: { of: embedded.name, value: sum('full') / embedded.value },
      },
    ],
    aim: { text: `Kafka and Connect together under ${AIM_MIB} MB resident`, met: java < AIM_MIB },
    notes: ['Heaps are bounded: Kafka 256 MB, Connect 288 MB. PostgreSQL is left out: both stacks have it.'],
  };
}
