import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadKafka, startKafkaStack, type KafkaStack } from '@banyan/kafka';
import { findFreePort } from '@banyan/postgres';

const PASSWORD_FILE = 'source.password';

/** A Kafka and a Kafka Connect for the benchmarks, started when the first one wants them. */
export class KafkaOnDemand {
  readonly #folder: string;
  readonly #databaseUrl: string;
  #running: { readonly stack: KafkaStack; readonly settings: string } | null = null;
  #starts = 0;

  /** @param databaseUrl Its password is what connectors get. */
  constructor(folder: string, databaseUrl: string) {
    this.#folder = folder;
    this.#databaseUrl = databaseUrl;
  }

  /** What connectors name instead of the database's password. */
  static passwordReference({ secretsDir }: KafkaStack): string {
    return `\${dir:${secretsDir}:${PASSWORD_FILE}}`;
  }

  /**
   * Gives the one that runs, where it has the settings wanted and nothing new was asked for; else an empty one.
   *
   * @param options.fullyCompiled Default true: these processes run for minutes, as they would in earnest. False: as
   * `banyan up` starts them.
   */
  async start(
    options: {
      readonly exactlyOnce?: boolean;
      readonly fullyCompiled?: boolean;
      readonly isNew?: boolean;
      /** The worker's `fetch.max.wait.ms`. Default: as Banyan starts it. */
      readonly fetchMaxWaitMs?: number | undefined;
    } = {},
  ): Promise<KafkaStack> {
    const { exactlyOnce = true, fullyCompiled = true, isNew = false, fetchMaxWaitMs } = options;
    const settings = JSON.stringify({ exactlyOnce, fullyCompiled, fetchMaxWaitMs });
    if (this.#running?.settings === settings && !isNew) return this.#running.stack;
    await this.close();
    this.#starts += 1;
    const dir = join(this.#folder, `kafka-${this.#starts}`);
    const stack = await startKafkaStack({
      dir,
      ports: { kafka: await findFreePort(), controller: await findFreePort(), connect: await findFreePort() },
      files: await downloadKafka({ withJdbcSink: true }),
      exactlyOnce,
      fullyCompiled,
      ...(fetchMaxWaitMs === undefined
        ? {}
        : { properties: { worker: { 'fetch.max.wait.ms': fetchMaxWaitMs } } }),
    });
    this.#running = { stack, settings };
    await mkdir(stack.secretsDir, { recursive: true });
    await writeFile(join(stack.secretsDir, PASSWORD_FILE), new URL(this.#databaseUrl).password, {
      mode: 0o600,
    });
    return stack;
  }

  /** Ends it. Idempotent; `start` starts another one. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    await running?.stack.close();
  }
}
