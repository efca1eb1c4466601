import { createLogger, runProcess } from '@banyan/kit';
import { readProxyConfig } from './config.ts';
import { createProxy } from './create-proxy.ts';

const log = createLogger('strangler-proxy');

await runProcess({
  log,
  async start() {
    const proxy = await createProxy({ ...readProxyConfig(), log, withProcessMetrics: true });
    log.info({ url: proxy.url, adminUrl: proxy.adminUrl }, 'listening');
    return proxy;
  },
});
