import { expect } from '@jest/globals';
import { downloadKafka, findJavaTools } from '@banyan/kafka';
import type { JournalEntry, StatusReport } from '@banyan/contracts';
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Reviewer } from './reviewer.ts';
import { Stack, until } from './stack.ts';

const TOOL_TIMEOUT_MS = 60_000;
/** Of slices that set none: commit to apply. */
const MAX_LAG_MS = 2_000;

/** A full stack whose copy of the reviews is in sync, a reviewer who writes, and what has to hold after every fault. */
export class FullStack {
  readonly stack = new Stack();
  #shopUrl = '';
  #reviewer: Reviewer | null = null;
  #writing = new AbortController();
  #written: Promise<void> = Promise.resolve();

  get reviewer(): Reviewer {
    if (!this.#reviewer) throw new Error('write() comes first');
    return this.#reviewer;
  }

  async start(): Promise<void> {
    ({ shopUrl: this.#shopUrl } = await this.stack.up('--stack', 'kafka'));
    await this.stack.json('advance', 'reviews', '--wait');
  }

  async close(): Promise<void> {
    await this.stopWriting();
    await this.stack.close();
  }

  /** From here on reviews are written all the time; those that are acknowledged must be found in the end. */
  write(): void {
    this.#writing = new AbortController();
    this.#reviewer = new Reviewer(this.#shopUrl, this.stack.secret('override.token'));
    this.#written = this.#reviewer.writeUntil(this.#writing.signal);
  }

  async stopWriting(): Promise<void> {
    this.#writing.abort();
    await this.#written;
  }

  async goesOnWriting(): Promise<void> {
    const count = this.reviewer.acknowledged.length;
    await until('reviews are written', () => this.reviewer.acknowledged.length > count + 5);
  }

  async report(): Promise<StatusReport> {
    const { report } = await this.stack.status();
    if (!report) throw new Error('the control plane does not answer');
    return report;
  }

  async feed(): Promise<StatusReport['feed']> {
    return (await this.report()).feed;
  }

  /** The feed runs, the copy is in sync, and changes are applied within the slice's limit. */
  async inSync(timeoutMs = 90_000): Promise<void> {
    await until(
      'the feed runs, the copy is in sync, and lag is under its limit',
      async () => {
        const { feed, slices } = await this.report();
        const [slice] = slices;
        // The middle one: late samples stay in the window for a minute, long after the feed has caught up.
        const lagMs = slice?.sync?.lag?.p50Ms ?? Infinity;
        return feed.state === 'running' && slice?.inSync === true && lagMs <= MAX_LAG_MS;
      },
      timeoutMs,
    );
  }

  /** After quiet both sides are equal, and the service has everything that the shop acknowledged. */
  async nothingIsLost(): Promise<void> {
    await this.stopWriting();
    await this.inSync();
    await this.equalCopies();
    await this.nothingAcknowledgedIsLost();
  }

  async equalCopies(): Promise<void> {
    // 3: they could not be compared just now, on a busy machine say. It is asked for again, as the command says; what was
    // compared and differs (1) is not.
    const { code, stdout, stderr } = await this.stack.banyan(['verify', 'reviews']);
    expect([code, stdout, stderr]).toEqual([0, expect.stringContaining('0 differences'), expect.any(String)]);
  }

  async nothingAcknowledgedIsLost(): Promise<void> {
    const { run } = await this.stack.status();
    const service = run.processes.find(({ name }) => name === 'reviews')?.url ?? null;
    await until('the service lists every acknowledged review', async () => {
      expect(await this.reviewer.missingInService(service)).toEqual([]);
      return true;
    });
  }

  /**
   * Status has to say that the copy is not in sync, and may not take that back before `work` has ended, unless the copy
   * was resynced meanwhile.
   */
  async notInSyncDuring(work: () => Promise<void>): Promise<void> {
    const { epoch } = await this.stack.slice();
    const over = new AbortController();
    let isSeen = false;
    const lies: StatusReport[] = [];
    const watching = (async () => {
      while (!over.signal.aborted) {
        const { report } = await this.stack.status();
        const slice = report?.slices[0];
        if (slice?.inSync === false) isSeen = true;
        if (report && slice?.inSync && isSeen && slice.epoch === epoch) lies.push(report);
        await sleep(100);
      }
    })();
    try {
      await work();
      await until('status says that the copy is not in sync', () => isSeen);
    } finally {
      over.abort();
      await watching;
    }
    expect(lies).toEqual([]);
  }

  async journal(): Promise<readonly JournalEntry[]> {
    return (await this.stack.json<{ entries: JournalEntry[] }>('journal')).entries;
  }

  /** Id of the last entry; 0 with none. */
  async lastEntry(): Promise<number> {
    return (await this.journal()).at(-1)?.id ?? 0;
  }

  /** Waits until the feed resyncs the copy. @returns why it does. */
  async resyncAfter(lastId: number): Promise<string> {
    const reasons: (string | null)[] = [];
    await until(
      'a resync by the feed is in the journal',
      async () => {
        const found = (await this.journal()).find(({ id, verb }) => id > lastId && verb === 'resync');
        if (found?.by === 'feed') reasons.push(found.reason);
        return reasons.length > 0;
      },
      120_000,
    );
    return String(reasons[0]);
  }

  /** Waits until a copy that was resynced is whole and verified. */
  async newCopy(): Promise<void> {
    await until(
      'the new copy is verified',
      async () => {
        const slice = await this.stack.slice();
        return slice.inSync && slice.verification !== null;
      },
      120_000,
    );
  }

  async onDatabase<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client(this.stack.secret('source.url'));
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** The address that a process of the stack listens at. */
  async url(name: string): Promise<string> {
    const { run } = await this.stack.status();
    return run.processes.find((each) => each.name === name)?.url ?? '';
  }

  /** Runs one of Kafka's own tools, as an administrator would. */
  async kafkaTool(tool: string, args: readonly string[], input = ''): Promise<void> {
    const [{ java }, { classPath }] = [await findJavaTools({ needsMaven: false }), await downloadKafka()];
    const broker = (await this.url('kafka')).replace('kafka://', '');
    const running = ['-XX:TieredStopAtLevel=1', '-cp', classPath, `org.apache.kafka.tools.${tool}`];
    await new Promise<void>((resolve, reject) => {
      const child = execFile(
        java,
        [...running, '--bootstrap-server', broker, ...args],
        { timeout: TOOL_TIMEOUT_MS },
        (error, stdout, stderr) => {
          if (error) reject(new Error(`${tool} failed: ${stdout}${stderr}`, { cause: error }));
          else resolve();
        },
      );
      child.stdin?.end(input);
    });
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.kafkaTool('TopicCommand', ['--delete', '--topic', topic]);
  }

  /** Puts a record on a topic that no source has written. */
  async produce(topic: string, { key, value }: { key: string; value: string }): Promise<void> {
    const separated = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=|'];
    await this.kafkaTool('ConsoleProducer', ['--topic', topic, ...separated], `${key}|${value}\n`);
  }
}
