import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from '@banyan/kit';
import { z } from 'zod';
import { ConnectError } from './connect-error.ts';

const REQUEST_TIMEOUT_MS = 10_000;
/** A worker refuses changes while its group is formed anew, and for a moment after its start. */
const BUSY_RETRY_MS = 100;
const BUSY_DEADLINE_MS = 30_000;

/** Never made; see `connectors`. */
const PROBE = 'banyan.probe';

/** Settings of a connector as Connect has them. A password is a reference, never the password. */
export type ConnectorConfig = Readonly<Record<string, string>>;

const configSchema = z.record(z.string(), z.string());
const partSchema = z.object({ state: z.string(), trace: z.string().optional() });
const statusSchema = z.object({
  connector: partSchema,
  tasks: z.array(partSchema.extend({ id: z.number() })),
});
/** Connect's own words: RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, RESTARTING. */
export type ConnectorStatus = z.infer<typeof statusSchema>;

/** A connector as the worker that was asked knows it. */
export interface Connector {
  readonly name: string;
  readonly config: ConnectorConfig;
  readonly status: ConnectorStatus | null;
}

const connectorsSchema = z.record(
  z.string(),
  z.object({ info: z.object({ config: configSchema }), status: statusSchema.optional() }),
);

/** Connect's own 404 has a code in it; a worker that is starting answers 404 to everything, with a page. */
const errorSchema = z.object({ error_code: z.number(), message: z.string() });

/** Kafka Connect's REST API, as far as Banyan uses it. Names are connectors'. */
export class ConnectClient {
  readonly #url: string;

  /** @param url e.g. `http://127.0.0.1:8083`. */
  constructor(url: string) {
    this.#url = url.replace(/\/$/, '');
  }

  /**
   * All connectors.
   *
   * A worker lists what it has read of its configuration so far, and while its broker is away that may be nothing for
   * seconds. It answers for a single connector only once it has read everything, so that is asked first: a list that
   * comes after such an answer is whole.
   *
   * @throws ConnectError `connect-unreachable` while the worker does not know all its connectors.
   */
  async connectors(signal: AbortSignal): Promise<readonly Connector[]> {
    await this.#ask('GET', path(PROBE), { signal });
    const body = await this.#ask('GET', '/connectors?expand=info&expand=status', { signal });
    if (body === null) throw this.#starting();
    return Object.entries(connectorsSchema.parse(body)).map(([name, { info, status }]) => ({
      name,
      config: info.config,
      status: status ?? null,
    }));
  }

  /** Makes a connector, or gives it other settings; its task begins anew with them. */
  async putConfig(name: string, config: ConnectorConfig, signal: AbortSignal): Promise<void> {
    await this.#ask('PUT', `${path(name)}/config`, { signal, body: config });
  }

  /** Starts what has failed of it again. */
  async restartFailed(name: string, signal: AbortSignal): Promise<void> {
    await this.#ask('POST', `${path(name)}/restart?includeTasks=true&onlyFailed=true`, { signal });
  }

  async pause(name: string, signal: AbortSignal): Promise<void> {
    await this.#ask('PUT', `${path(name)}/pause`, { signal });
  }

  /** Ends its task; unlike a paused one it lets go of its slot, and reads nothing ahead. `resume` starts it again. */
  async stop(name: string, signal: AbortSignal): Promise<void> {
    await this.#ask('PUT', `${path(name)}/stop`, { signal });
  }

  async resume(name: string, signal: AbortSignal): Promise<void> {
    await this.#ask('PUT', `${path(name)}/resume`, { signal });
  }

  /** Ends it. Its offsets stay in Kafka, under its name. Idempotent. */
  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#ask('DELETE', path(name), { signal });
  }

  /** @returns the answer's body; null for Connect's own 404 and for an empty one. */
  async #ask(
    method: string,
    requestPath: string,
    options: { readonly signal: AbortSignal; readonly body?: unknown },
  ): Promise<unknown> {
    const { signal, body } = options;
    const deadline = Date.now() + BUSY_DEADLINE_MS;
    for (;;) {
      const { status, json } = await this.#once(method, requestPath, { signal, body });
      const error = errorSchema.safeParse(json).data;
      if (status === 404 && !error) throw this.#starting();
      if (status === 404) return null;
      if (status < 300) return json;
      const message = error?.message ?? `status ${status}`;
      // A worker whose group is being formed refuses changes by 409, and questions by 500.
      const isBusy = status === 409 || (status >= 500 && method === 'GET');
      if (!isBusy) {
        throw new ConnectError(
          'connect-refused',
          `Kafka Connect refused ${method} ${requestPath} (${status}): ${message}`,
        );
      }
      if (Date.now() > deadline) {
        throw new ConnectError('connect-unreachable', `Kafka Connect is busy for too long: ${message}`);
      }
      await delay(BUSY_RETRY_MS, undefined, { signal });
    }
  }

  #starting(): ConnectError {
    return new ConnectError('connect-unreachable', `Kafka Connect at ${this.#url} is starting.`);
  }

  async #once(
    method: string,
    requestPath: string,
    options: { readonly signal: AbortSignal; readonly body: unknown },
  ): Promise<{ readonly status: number; readonly json: unknown }> {
    const { signal, body } = options;
    try {
      const answer = await fetch(`${this.#url}${requestPath}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        signal: withDeadline(signal, REQUEST_TIMEOUT_MS),
      });
      const text = await answer.text();
      return { status: answer.status, json: parseJson(text) };
    } catch (cause) {
      signal.throwIfAborted();
      throw new ConnectError('connect-unreachable', `Kafka Connect at ${this.#url} does not answer.`, {
        cause,
      });
    }
  }
}

function path(name: string): string {
  return `/connectors/${encodeURIComponent(name)}`;
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return null; // a page of something in between: its status says enough
  }
}
