import { createHash } from 'node:crypto';
import type { VisitorSettings } from '@banyan/contracts';
import type { Credential } from './credential.ts';
import type { PinKey } from './key-pins.ts';
import type { RequestReader } from './request-reader.ts';

/** What stands for a key wherever one is kept or counted: none of them is readable there. 128 bits. */
export const digestOfKey = (value: string): string =>
  createHash('sha256').update(value).digest('base64url').slice(0, 22);

/** What tells a client apart. */
export interface Keys {
  /** The first that is sent of those that are asked for; null for none. */
  readonly key: string | null;
  /** All of them, for pins. */
  readonly pinKeys: readonly PinKey[];
}

/** @param credential What says who is signed in, where something does. */
export function keysOf(
  reader: RequestReader,
  credential: Credential | null,
  visitors: VisitorSettings,
): Keys {
  const pinKeys: PinKey[] = [];
  if (credential?.kind === 'named') {
    pinKeys.push({ digest: digestOfKey(credential.customer.id), isCookie: false });
  } else if (credential) {
    const isCookie = 'cookie' in credential.source;
    pinKeys.push({ digest: digestOfKey(credential.value), isCookie });
  }
  let key: string | null = null;
  for (const source of visitors.keys) {
    if (source === 'visitor-cookie') {
      key ??= reader.visitorId;
      continue;
    }
    const value = reader.valueOf(source);
    if (value === null || value === '') continue;
    const digest = digestOfKey(value);
    key ??= digest;
    pinKeys.push({ digest, isCookie: 'cookie' in source });
  }
  if (key === null && visitors.withoutKey === 'fingerprint') {
    const { fingerprint } = reader;
    if (fingerprint !== null) {
      key = digestOfKey(fingerprint);
      pinKeys.push({ digest: key, isCookie: false });
    }
  }
  return { key, pinKeys };
}
