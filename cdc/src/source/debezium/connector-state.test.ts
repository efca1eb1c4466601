import { describe, expect, test } from '@jest/globals';
import { renderConnectorConfig, tablePattern } from './connector-config.ts';
import { judge } from './connector-state.ts';

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

  test('name each table once, as a pattern that matches it alone, with the signal table', () => {
    const config = renderConnectorConfig({ ...settings, tables: ['public.b', 'public.a+', 'public.b'] });
    expect(config['table.include.list']).toBe('banyan\\.signal,public\\.a\\+,public\\.b');
    expect(new RegExp(`^${tablePattern('a.b$(c)')}$`).test('a.b$(c)')).toBe(true);
    expect(new RegExp(`^${tablePattern('a.b')}$`).test('axb')).toBe(false);
  });

  test('are the same for the same tables in another order, and hold no password', () => {
    const one = renderConnectorConfig({ ...settings, tables: ['public.a', 'public.b'] });
    expect(renderConnectorConfig({ ...settings, tables: ['public.b', 'public.a'] })).toEqual(one);
    expect(one['database.password']).toBe('${dir:/run/secrets:p}');
    expect(one['topic.prefix']).toBe('shop');
    expect([one['unavailable.value.placeholder'], one['transforms.unavailable.value.literal']]).toEqual([
      'banyan-x7',
      'banyan-x7',
    ]);
  });
});
