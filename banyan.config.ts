import { defineConfig } from '@banyan/contracts';
import { reviewsSlice } from './extracted/reviews/slice.ts';

/** The sample: what Banyan moves out of the shop, and how the shop works. Every key: docs/reference/configuration.md. */
export default defineConfig({
  monolith: {
    command: ['node', 'monolith/src/main.ts'],
    ready: '/healthz',
    env: {
      HOST: '{host}',
      PORT: '{port}',
      DATABASE_URL: '{database.monolith}',
      SESSION_SECRET_FILE: '{secret.session}',
      // Where the proxy is; nobody else can reach the port.
      TRUST_PROXY: 'loopback, uniquelocal',
    },
  },
  source: { sample: true, topicPrefix: 'shop' },
  visitors: {
    identity: [
      { cookie: 'shop.sid', lookUp: '/api/session', id: 'customer.id', name: 'customer.displayName' },
    ],
  },
  // Express's router: case does not matter, everything else does.
  paths: {
    letterCase: 'same',
    trailingDotOrSpace: 'different',
    parameters: 'different',
    extension: 'different',
  },
  slices: [{ slice: reviewsSlice, service: { main: 'extracted/reviews/src/main.ts' } }],
});
