import { createLogger, runProcess } from '@banyan/kit';
import { readProxyConfig } from './config.ts';
import { createProxy } from './create-proxy.ts';

const log = createLogger('strangler-proxy');

await runProcess({
  log,
  async start() {
    const config = readProxyConfig();
    const proxy = await createProxy({ ...config, log, withProcessMetrics: true });
    log.info({ url: proxy.url, adminUrl: proxy.adminUrl }, 'listening');
    // A little more than requests in flight may take, for whatever comes after them.
    return { close: () => proxy.close(), closeTimeoutMs: config.drainMs + 3_000 };
  },
});
