import { busConfigTable } from '@banyan/cdc/apply';
import type { ConfigOf, ConfigTable } from '@banyan/kit';
import { z } from 'zod';

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'give a whole number from 0 to 65535')
  .transform(Number)
  .pipe(z.int().max(65_535, 'give a whole number from 0 to 65535'));
const path = z.string('give a path').min(1);

/** Every variable that the service reads, beside LOG_LEVEL. */
export const configTable = {
  host: {
    env: 'HOST',
    schema: z.string().min(1).default('127.0.0.1'),
    text: 'address to listen on; any other than loopback is for a network of your own',
  },
  port: { env: 'PORT', schema: port, text: 'TCP port; 0 takes a free one' },
  storeFile: { env: 'STORE_FILE', schema: path, text: 'SQLite file of the reviews; made when missing' },
  ...busConfigTable,
  topicPrefix: {
    env: 'TOPIC_PREFIX',
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/, 'give letters, digits, _ and -')
      .default('shop'),
    text: "first part of the feed's topics",
  },
  peerToken: {
    env: 'PEER_TOKEN',
    schema: z.string('give a token, or its file in PEER_TOKEN_FILE').min(16, 'give at least 16 characters'),
    text: 'what the control plane proves itself with',
    secret: true,
  },
  refuseReadsAfterMs: {
    env: 'REFUSE_READS_AFTER_MS',
    schema: z.coerce.number('give a number above 0').positive('give a number above 0').optional(),
    text: "age of the feed's last heartbeat from which reads are refused, milliseconds; not set: what the slice says",
  },
  identityPublicKey: {
    env: 'IDENTITY_PUBLIC_KEY',
    schema: z
      .string('give a key, or its file in IDENTITY_PUBLIC_KEY_FILE')
      .includes('BEGIN PUBLIC KEY', 'give an Ed25519 public key as PEM'),
    text: 'PEM of the key that identity tokens are checked with',
    secret: true, // not that it matters who reads it: this is what makes a file be read
  },
} as const satisfies ConfigTable;

export type ReviewsConfig = ConfigOf<typeof configTable>;
