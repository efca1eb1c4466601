/**
 * A reader that kills itself (SIGKILL) at one point, for tests that start it as a process of their own. `KILL_AT` is
 * `<call of the bus>:<before|after>:<nth>`, e.g. `appendAt:after:2`; calls of `appendAt` count only with records of
 * `KILL_TOPIC`. Empty: it lives.
 */
import { silentLogger } from '@banyan/kit';
import type { SourceLog } from '../../src/bus/bus.ts';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { startReader } from '../../src/capture/reader/reader.ts';

const { SOURCE_URL = '', BUS_FILE = '', SLOT = '', PREFIX = '', KILL_AT = '', KILL_TOPIC = '' } = process.env;
const [killCall, killWhen, killNth] = KILL_AT.split(':');
let calls = 0;

function dieIf(when: string): void {
  if (when === killWhen && calls === Number(killNth)) process.kill(process.pid, 'SIGKILL');
}

function dying(bus: SourceLog): SourceLog {
  return new Proxy(bus, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (name !== killCall) return call;
      return async (...args: unknown[]) => {
        const [records] = args as [readonly { topic: string }[]];
        const counts = name !== 'appendAt' || records.some(({ topic }) => topic === KILL_TOPIC);
        if (counts) calls += 1;
        if (counts) dieIf('before');
        const result = await call(...args);
        if (counts) dieIf('after');
        // What follows the nth one: it is confirmed, and the reader has gone on.
        if (!counts && calls === Number(killNth)) dieIf('beyond');
        return result;
      };
    },
  });
}

const bus = await openSqliteBus({ file: BUS_FILE });
const reader = await startReader({
  sourceUrl: SOURCE_URL,
  log: dying(bus),
  prefix: PREFIX,
  slot: SLOT,
  publication: SLOT,
  heartbeatIntervalMs: 100,
  incarnationGapMs: 0,
  logger: silentLogger,
});
console.log('started');
const error = await reader.stopped;
console.error(error?.message ?? 'closed');
process.exit(1);
