import type { JournalEntry, SliceStatus } from '@banyan/contracts';
import { findFreePort } from '@banyan/postgres';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startProcess } from '@banyan/kit/testing';
import { PEER_TOKEN } from './test-control.ts';
import { slices, type Name } from './two-slices.ts';

const STEP_MS = 90_000;

/** A control plane in a process of its own, as people use it. */
export interface ControlProcess {
  verb(name: Name, verb: string, body?: object): Promise<void>;
  slice(name: Name): Promise<SliceStatus>;
  until(name: Name, isDone: (slice: SliceStatus) => boolean): Promise<void>;
  journal(): Promise<readonly JournalEntry[]>;
}

/** Starts one over both slices. */
export async function startControl(
  folder: string,
  urls: Readonly<Record<Name, string>>,
  {
    url: source,
    publication,
    settings,
  }: {
    readonly url: string;
    readonly publication: string;
    readonly settings: Readonly<Record<string, string>>;
  },
): Promise<ControlProcess> {
  const file = (name: string): string => join(folder, name);
  const config = `export const config = ${JSON.stringify({ slices: Object.values(slices) })}`;
  await writeFile(file('banyan.config.ts'), config);
  const port = String(await findFreePort());
  const child = startProcess(new URL('../src/main.ts', import.meta.url), {
    PATH: process.env['PATH'] ?? '',
    LOG_LEVEL: 'warn',
    PEER_TOKEN,
    PORT: port,
    SOURCE_URL: source,
    SLOT_NAME: publication,
    PUBLICATION_NAME: publication,
    STORE_FILE: file('control.sqlite'),
    CONFIG_FILE: file('banyan.config.ts'),
    ADMIN_TOKEN_FILE: file('admin.token'),
    MONOLITH_URL: 'http://127.0.0.1:9',
    TOPIC_PREFIX: 'shop',
    SERVICE_URLS: `reviews=${urls.reviews},orders=${urls.orders}`,
    ...settings,
  });
  const url = `http://127.0.0.1:${port}`;
  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const token = (await readFile(file('admin.token'), 'utf8')).trim();
    const response = await fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { method: 'POST', body: JSON.stringify({ by: 'tester', ...body }) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return JSON.parse(text) as T;
  };
  const soon = async <T>(what: string, look: () => Promise<T | null>): Promise<T> => {
    const deadlineMs = performance.now() + STEP_MS;
    let last: unknown = null;
    for (;;) {
      try {
        const found = await look();
        if (found !== null) return found;
      } catch (error) {
        last = error; // asked again until the time is over; then it is the cause
      }
      if (performance.now() > deadlineMs) {
        throw new Error(`${what}: not in time\n${child.said()}`, { cause: last });
      }
      await delay(50);
    }
  };
  await soon('control is up', async () => ((await fetch(`${url}/healthz`)).ok ? true : null));
  const slice = (name: Name): Promise<SliceStatus> => ask(`/v1/slices/${name}`);
  return {
    slice,
    // Refused while a gate waits for its evidence.
    verb: async (name, verb, body = {}) => {
      await soon(`${verb} ${name}`, () => ask<object>(`/v1/slices/${name}/${verb}`, body));
    },
    until: async (name, isDone) => {
      let last: SliceStatus | null = null;
      await soon(`${name} as wanted`, async () => {
        last = await slice(name);
        return isDone(last) ? last : null;
      }).catch((error: unknown) => {
        throw new Error(JSON.stringify(last, null, 1), { cause: error });
      });
    },
    journal: async () => (await ask<{ entries: JournalEntry[] }>('/v1/journal')).entries,
  };
}
