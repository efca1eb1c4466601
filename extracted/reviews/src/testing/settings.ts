import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReviewsConfig } from '../config.ts';

/** Settings of a service of its own, in a folder of its own. `remove` removes the folder. */
export async function makeTestSettings(): Promise<
  ReviewsConfig & { busFile: string; remove(): Promise<void> }
> {
  const folder = await mkdtemp(join(tmpdir(), 'reviews-'));
  const { publicKey } = generateKeyPairSync('ed25519');
  return {
    host: '127.0.0.1',
    port: 0,
    storeFile: join(folder, 'reviews.sqlite'),
    stack: 'embedded',
    kafkaBrokers: undefined,
    kafkaSsl: false,
    kafkaSslCaFile: undefined,
    kafkaSaslMechanism: undefined,
    kafkaSaslUsername: undefined,
    kafkaSaslPassword: undefined,
    busFile: join(folder, 'bus.sqlite'),
    topicPrefix: 'shop',
    refuseReadsAfterMs: undefined,
    peerToken: 'a-token-for-peers-in-tests',
    identityPublicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Asks until the answer will do. @throws Error that tells the last answer, after `timeoutMs`. */
export async function eventually<T>(
  ask: () => Promise<T>,
  willDo: (answer: T) => boolean,
  timeoutMs = 10_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (willDo(answer)) return answer;
    if (performance.now() > deadlineMs) throw new Error(`Not in time; at last: ${JSON.stringify(answer)}`);
    await delay(20);
  }
}
