import { describe, expect, test } from '@jest/globals';
import { readConfig, silentLogger } from '@banyan/kit';
import { busConfigTable, openBus } from './open-bus.ts';

const read = (env: NodeJS.ProcessEnv) => readConfig(busConfigTable, env);

describe('one setting chooses the stack', () => {
  test('embedded by default, which wants its file', async () => {
    expect(() => read({})).toThrow(/BUS_FILE .*: wanted with STACK=embedded; it is not set/);
    await expect(
      openBus({ stack: 'embedded' }, { clientId: 'test', logger: silentLogger }),
    ).rejects.toMatchObject({ code: 'config-invalid' });
    expect(read({ BUS_FILE: '/b.sqlite' })).toMatchObject({ stack: 'embedded', busFile: '/b.sqlite' });
  });

  test('kafka, which wants its brokers and does not look at the file', async () => {
    expect(() => read({ STACK: 'kafka', BUS_FILE: '/b.sqlite' })).toThrow(
      /KAFKA_BROKERS .*: wanted with STACK=kafka; it is not set/,
    );
    const settings = read({ STACK: 'kafka', KAFKA_BROKERS: '127.0.0.1:1, other:2' });
    expect(settings.kafkaBrokers).toEqual(['127.0.0.1:1', 'other:2']);
    const { stack, bus } = await openBus(settings, { clientId: 'test', logger: silentLogger });
    expect(stack).toBe('kafka');
    await bus.close();
  });

  test('another name, or brokers without a port, are refused with what was got', () => {
    expect(() => read({ STACK: 'rabbit', KAFKA_BROKERS: 'localhost' })).toThrow(
      /STACK.*rabbit[^]*host:port.*localhost/,
    );
  });
});
