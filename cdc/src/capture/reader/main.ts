import { heartbeatTopic, notificationTopic } from '@banyan/contracts';
import { createLogger, readConfig, runProcess } from '@banyan/kit';
import { startBusKeeper } from '../../bus/retention/bus-keeper.ts';
import { createRetention } from '../../bus/retention/retention.ts';
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts';
import { supersededNotifications } from '../table-snapshot/superseded-notifications.ts';
import { watchFile } from '@banyan/kit/sqlite';
import { readerConfig } from './config.ts';
import { startReader } from './reader.ts';

/** Heartbeats say only that the feed lives: an old one says nothing, milliseconds. */
const HEARTBEATS_KEPT_MS = 10 * 60_000;
/** Whoever waits for the end of a table snapshot has seen it by then, milliseconds. */
const NOTIFICATIONS_KEPT_MS = 3_600_000;

const log = createLogger('reader');

await runProcess({
  log,
  start: async () => {
    const settings = readConfig(readerConfig);
    const { busFile, busMaxBytes: maxBytes, busWarnRatio, busKeepAppliedMs, ...config } = settings;
    const bus = await openSqliteBus({ file: busFile, check: true });
    // Said in the log before the feed needs it; the control plane, which uses the same file, shows it to people.
    const watch = await watchFile({ file: busFile, name: 'the bus', logger: log });
    const keeper = await startBusKeeper({
      bus,
      maxBytes,
      warnBytes: maxBytes * busWarnRatio,
      logger: log,
      retention: createRetention({
        appliedMs: busKeepAppliedMs,
        others: {
          [heartbeatTopic(config.prefix)]: { kind: 'for-a-time', maxAgeMs: HEARTBEATS_KEPT_MS },
          [notificationTopic(config.prefix)]: {
            kind: 'superseded',
            minAgeMs: NOTIFICATIONS_KEPT_MS,
            find: supersededNotifications,
          },
        },
      }),
    });
    const whenRoom = (signal: AbortSignal): Promise<void> => keeper.whenRoom(signal);
    const reader = await startReader({ ...config, log: bus, whenRoom, logger: log });
    void Promise.race([reader.stopped, keeper.stopped]).then(async (error) => {
      if (!error) return;
      // Nobody reads any more: better gone, and seen to be gone, than alive and silent.
      console.error(error.message);
      await keeper.close();
      await watch.close();
      await bus.close();
      process.exit(1);
    });
    return {
      async close() {
        await reader.close();
        await keeper.close();
        await watch.close();
        await bus.close();
      },
    };
  },
});
