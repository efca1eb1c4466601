import { createLogger, readConfig, runProcess } from '@banyan/kit';
import { openSqliteBus } from '../bus/sqlite-bus.ts';
import { readerConfig } from './config.ts';
import { startReader } from './reader.ts';

const log = createLogger('reader');

await runProcess({
  log,
  start: async () => {
    const { busFile, ...config } = readConfig(readerConfig);
    const bus = await openSqliteBus({ file: busFile });
    const reader = await startReader({ ...config, log: bus, logger: log });
    void reader.stopped.then(async (error) => {
      if (!error) return;
      // Nobody reads any more: better gone, and seen to be gone, than alive and silent.
      console.error(error.message);
      await bus.close();
      process.exit(1);
    });
    return {
      async close() {
        await reader.close();
        await bus.close();
      },
    };
  },
});
