import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredRecord } from '../bus.ts';
import { openSqliteBus } from './sqlite-bus.ts';

const program = join(import.meta.dirname, '../../../testing/processes/append-until-killed.ts');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-bus-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function startWriter(
  file: string,
  name: string,
  batches: number,
): { child: ChildProcess; acknowledged: number[] } {
  const child = fork(program, [file, name, String(batches)], {
    execArgv: [],
    env: { PATH: process.env['PATH'] },
  });
  const acknowledged: number[] = [];
  child.on('message', (message: { acknowledged: number }) => acknowledged.push(message.acknowledged));
  return { child, acknowledged };
}

async function readAll(file: string): Promise<StoredRecord[]> {
  const bus = await openSqliteBus({ file });
  const [end] = await bus.ends(['shared']);
  const stop = new AbortController();
  const records: StoredRecord[] = [];
  if (end && end.nextOffset > 0) {
    await bus.consume({
      from: [{ topic: 'shared', partition: 0, nextOffset: 0 }],
      onBatch(batch) {
        records.push(...batch);
        if (records.length >= end.nextOffset) stop.abort();
        return Promise.resolve();
      },
      signal: stop.signal,
    });
  }
  await bus.close();
  return records;
}

/** Batches of a writer in the order on the bus; fails when one is not whole or its records are apart. */
function wholeBatches(records: readonly StoredRecord[]): string[] {
  expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => i));
  const batches: string[] = [];
  for (let i = 0; i < records.length; i += 10) {
    const names = records.slice(i, i + 10).map(({ key }) => key?.split(' ') ?? []);
    const batch = names[0]?.slice(0, 2).join(' ') ?? '';
    expect(names.map((name) => name.join(' '))).toEqual(
      Array.from({ length: 10 }, (_, n) => `${batch} ${n}`),
    );
    batches.push(batch);
  }
  return batches;
}

test('two processes that append at once both get everything stored, each batch whole and in order', async () => {
  const file = join(folder, 'two.sqlite');
  const writers = ['a', 'b'].map((name) => startWriter(file, name, 60));
  const codes = await Promise.all(writers.map(async ({ child }) => (await once(child, 'exit')) as unknown[]));
  expect(codes).toEqual([
    [0, null],
    [0, null],
  ]);
  const batches = wholeBatches(await readAll(file));
  for (const name of ['a', 'b']) {
    expect(batches.filter((batch) => batch.startsWith(name))).toEqual(
      Array.from({ length: 60 }, (_, i) => `${name} ${i}`),
    );
  }
});

test('a writer killed with kill -9 leaves whole batches, and all that was acknowledged', async () => {
  const file = join(folder, 'killed.sqlite');
  for (let round = 1; round <= 4; round += 1) {
    const { child, acknowledged } = startWriter(file, `r${round}`, 100_000);
    while (acknowledged.length < round * 7) await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');

    const batches = wholeBatches(await readAll(file)).filter((batch) => batch.startsWith(`r${round} `));
    expect(batches.slice(0, acknowledged.length)).toEqual(acknowledged.map((batch) => `r${round} ${batch}`));
    // At most the one batch in hand is stored without its acknowledgement having reached us, or two under way.
    expect(batches.length - acknowledged.length).toBeLessThanOrEqual(3);
  }
});
