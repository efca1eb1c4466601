import { listen, type Closable, type Logger } from '@banyan/kit';
import { createAdminHandler, type AdminHandlerOptions } from './admin-handler.ts';

export interface AdminOptions extends AdminHandlerOptions {
  /** 0, the default, for a free one. */
  readonly adminPort?: number | undefined;
  /** Default 127.0.0.1. */
  readonly adminHost?: string | undefined;
  readonly log: Logger;
}

/** Opens the admin listener. @throws Error with code EADDRINUSE when its port is taken. */
export async function openAdmin(options: AdminOptions): Promise<Closable & { readonly url: string }> {
  const { adminPort: port = 0, adminHost, log } = options;
  return listen(createAdminHandler(options), {
    port,
    log,
    ...(adminHost !== undefined && { host: adminHost }),
  });
}
