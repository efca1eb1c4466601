import { describe, expect, test } from '@jest/globals';
import { renderConnectorConfig, tablePattern, type IncludedTable } from './connector-config.ts';
import { judge } from './connector-state.ts';
import { largeRecordOf } from './large-record.ts';

const part = (state: string, trace?: string): { id: number; state: string; trace?: string } => ({
  id: 0,
  state,
  ...(trace === undefined ? {} : { trace }),
});

describe('a connector is', () => {
  const running = part('RUNNING');
  test.each([
    ['absent without a status', null, true, { state: 'absent' }],
    ['running when its slot is read', { connector: running, tasks: [running] }, true, { state: 'running' }],
    [
      'starting while nobody reads its slot, whatever Connect says',
      { connector: running, tasks: [running] },
      false,
      { state: 'starting', reason: 'nobody reads its replication slot yet' },
    ],
    [
      'starting without a task, though another reads its slot',
      { connector: running, tasks: [] },
      true,
      { state: 'starting', reason: 'it has no task yet' },
    ],
    [
      'starting while its task is not assigned',
      { connector: running, tasks: [part('UNASSIGNED')] },
      true,
      { state: 'starting', reason: 'Connect says UNASSIGNED' },
    ],
    ['paused', { connector: part('PAUSED'), tasks: [part('PAUSED')] }, false, { state: 'paused' }],
    [
      'failed with its task, and no value of a row is told',
      {
        connector: running,
        tasks: [part('FAILED', 'PSQLException: duplicate key Detail: Key (email)=(ann@x.io)\n\tat x')],
      },
      true,
      { state: 'failed', reason: 'PSQLException: duplicate key' },
    ],
    [
      'failed with the cause, where Connect says only that it tolerates no failure',
      {
        connector: running,
        tasks: [
          part('FAILED', 'x: Tolerance exceeded in error handler\n\tat y\nCaused by: z: no field a\n\tat b'),
        ],
      },
      true,
      { state: 'failed', reason: 'z: no field a' },
    ],
  ])('%s', (_, status, active, state) => {
    expect(judge(status, { active })).toEqual(state);
  });
});

describe('the connector’s settings', () => {
  const settings = {
    database: {
      host: 'db',
      port: 5432,
      database: 'shop',
      user: 'banyan',
      passwordReference: '${dir:/run/secrets:p}',
    },
    prefix: 'shop',
    slot: 's',
    publication: 'p',
    offsetsTopic: 'banyan.1-offsets',
    placeholder: 'banyan-x7',
  };

  const table = (name: string, ...columns: string[]): IncludedTable => ({
    name,
    columns: ['id', ...columns],
    generated: [],
  });

  test('name each table once, as a pattern that matches it alone, with the signal table', () => {
    const tables = [table('public.b'), table('public.a+')];
    const config = renderConnectorConfig({ ...settings, tables });
    expect(config['table.include.list']).toBe('banyan\\.signal,public\\.a\\+,public\\.b');
    expect(new RegExp(`^${tablePattern('a.b$(c)')}$`).test('a.b$(c)')).toBe(true);
    expect(new RegExp(`^${tablePattern('a.b')}$`).test('axb')).toBe(false);
  });

  /** What Debezium makes of the list: split at commas, each without regard to case and for the whole name. */
  const carries = (tables: readonly IncludedTable[], column: string): boolean => {
    const list = renderConnectorConfig({ ...settings, tables })['column.include.list'] ?? '';
    return list.split(',').some((pattern) => {
      expect(pattern).toBe(pattern.trim());
      const literally = pattern.startsWith('(?-i)');
      // Java's spelling of what is literal, and of flags.
      const source = pattern
        .replaceAll('(?-i)', '')
        .replaceAll('(?s:.+)', '[^]+')
        .replaceAll(/\\x\{([0-9a-f]+)\}/g, (_, hex: string) => `\\u{${hex}}`);
      return new RegExp(`^(?:${source})$`, literally ? 'u' : 'ui').test(column);
    });
  };

  test('name the columns of every table that they name, the signal table among them', () => {
    const config = renderConnectorConfig({
      ...settings,
      tables: [table('public.a', 'x'), table('public.b')],
    });
    for (const name of ['banyan.signal', 'public.a', 'public.b']) {
      expect(config['table.include.list']).toContain(tablePattern(name));
    }
    const tables = [table('public.a', 'x'), table('public.b')];
    for (const column of [
      'banyan.signal.id',
      'banyan.signal.type',
      'banyan.signal.data',
      'public.a.id',
      'public.a.x',
    ]) {
      expect([column, carries(tables, column)]).toEqual([column, true]);
    }
    for (const column of [
      'public.a.y',
      'public.b.x',
      'public.a.X',
      'public.axx',
      'other.a.x',
      'xpublic.a.x',
    ]) {
      expect([column, carries(tables, column)]).toEqual([column, false]);
    }
    expect(config['column.exclude.list']).toBeUndefined();
  });

  test('match columns of every kind of name, and no others', () => {
    const odd = [
      'a b',
      ' a',
      'a,b',
      'a.b',
      'a\\b',
      '.*',
      'a|b',
      '"q"',
      "o'c",
      'Größe',
      'x$',
      '😀',
      '(?i)z',
      'E',
    ];
    for (const column of odd) {
      const others = [...odd, 'a', 'b', 'z', 'q', 'größe', 'e', 'anything'].filter(
        (other) => other !== column,
      );
      const tables = [table('public.t', column)];
      expect(carries(tables, `public.t.${column}`)).toBe(true);
      expect(others.filter((other) => carries(tables, `public.t.${other}`))).toEqual([]);
    }
  });

  test('every column leaves out those that the log does not carry', () => {
    const tables: IncludedTable[] = [{ name: 'public.t', columns: 'every', generated: ['sum', 'a.b'] }];
    expect(['id', 'sums', 'a', 'x\ny'].map((column) => carries(tables, `public.t.${column}`))).toEqual([
      ...[true, true, true, true],
    ]);
    expect(['sum', 'a.b'].map((column) => carries(tables, `public.t.${column}`))).toEqual([false, false]);
  });

  test('are the same for the same tables in another order, and hold no password', () => {
    const [a, b] = [table('public.a', 'x', 'y'), table('public.b')];
    const one = renderConnectorConfig({ ...settings, tables: [a, b] });
    const other = renderConnectorConfig({ ...settings, tables: [b, table('public.a', 'y', 'x')] });
    expect(other).toEqual(one);
    expect(one['database.password']).toBe('${dir:/run/secrets:p}');
    expect(one['topic.prefix']).toBe('shop');
    expect([one['unavailable.value.placeholder'], one['transforms.unavailable.value.literal']]).toEqual([
      'banyan-x7',
      'banyan-x7',
    ]);
  });
});

describe('a record that Kafka does not take', () => {
  const failed = (trace: string) => ({ connector: part('RUNNING'), tasks: [part('FAILED', trace)] });
  // As Kafka 4.3 and Connect told it.
  const ofProducer = failed(
    'org.apache.kafka.common.KafkaException: Cannot execute transactional method because we are in an error state\n' +
      '\tat org.apache.kafka.clients.producer.internals.TransactionManager.maybeFailWithError(TransactionManager.java:1189)\n' +
      'Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 34000750 bytes when serialized ' +
      'which is larger than 33554432, which is the value of the max.request.size configuration.\n',
  );
  const ofBroker = failed(
    'org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception trying to send\n' +
      'Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The request included a message larger than ' +
      'the max message size the server will accept.\n',
  );

  test('is told with its size and the limit, or that the broker refused it', () => {
    const text = 'a record of 34,000,750 bytes is larger than 33,554,432 bytes (max.request.size)';
    expect(largeRecordOf(ofProducer)).toEqual({ bytes: 34_000_750, text });
    expect(judge(ofProducer, { active: false })).toEqual({ state: 'failed', reason: text });
    expect(largeRecordOf(ofBroker)).toEqual({
      bytes: null,
      text: 'the broker refused a record as too large',
    });
  });

  test('is no other failure, and not one that is over', () => {
    expect(largeRecordOf(failed('PSQLException: no route to host'))).toBeNull();
    expect(largeRecordOf({ connector: part('RUNNING'), tasks: [part('RUNNING')] })).toBeNull();
    expect(largeRecordOf(null)).toBeNull();
  });
});
