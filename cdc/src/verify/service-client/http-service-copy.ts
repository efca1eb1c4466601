import {
  barrierReportSchema,
  heldKeyReportSchema,
  quarantineReportSchema,
  retryReportSchema,
  storeReportSchema,
  piecesReportSchema,
  rowsReportSchema,
  syncReportSchema,
} from '@banyan/contracts';
import { CodedError, withDeadline } from '@banyan/kit';
import type { z } from 'zod';
import type { ServiceCopy, ServiceStore } from './copy.ts';

/** A service may have thousands of queues to replay. */
const RETRY_DEADLINE_MS = 100_000;

export type ServiceCopyErrorCode =
  | 'service-unreachable'
  /** It answered with a status of 500 or above: it may do better next time. */
  | 'service-failed'
  /** It answered with another status than 200. */
  | 'service-refused'
  /** It answered with something else than agreed. */
  | 'service-answer-invalid';

/** A service could not be asked about its copy. */
export class ServiceCopyError extends CodedError<ServiceCopyErrorCode> {}

/**
 * A service's copy over HTTP, as `syncRoutes` serves it.
 *
 * @param options.url Where the service listens, e.g. `http://127.0.0.1:4001`.
 * @param options.deadlineMs For each call, milliseconds. Default 10,000.
 */
export function createHttpServiceCopy(options: {
  readonly url: string;
  readonly peerToken: string;
  readonly deadlineMs?: number;
}): ServiceCopy & ServiceStore {
  const { url, peerToken, deadlineMs = 10_000 } = options;

  async function ask<T>(question: {
    readonly path: string;
    readonly schema: z.ZodType<T>;
    readonly body?: object;
    /** Default: the copy's. */
    readonly timeoutMs?: number;
    readonly signal: AbortSignal;
  }): Promise<T> {
    const { path, schema, body, signal, timeoutMs = deadlineMs } = question;
    const address = new URL(path, url).href;
    const { status, text } = await request(address, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${peerToken}`, ...(body && { 'content-type': 'application/json' }) },
      signal: withDeadline(signal, timeoutMs),
      ...(body && { body: JSON.stringify(body) }),
    });
    if (status >= 500) throw new ServiceCopyError('service-failed', `${address} answered ${status}`);
    if (status !== 200) throw new ServiceCopyError('service-refused', `${address} answered ${status}`);
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ServiceCopyError('service-answer-invalid', `${address}: ${problems.join('; ')}`);
  }

  return {
    sync: (signal) => ask({ path: '/_banyan/sync', schema: syncReportSchema, signal }),
    async metTopics(id, signal) {
      const path = `/_banyan/barriers/${encodeURIComponent(id)}`;
      return (await ask({ path, schema: barrierReportSchema, signal })).metTopics;
    },
    store: (signal) => ask({ path: '/_banyan/store', schema: storeReportSchema, signal }),
    quarantine: (limit, signal) =>
      ask({ path: `/_banyan/quarantine?limit=${limit}`, schema: quarantineReportSchema, signal }),
    retryHeld(body, signal) {
      const path = '/_banyan/quarantine/retry';
      return ask({ path, schema: retryReportSchema, body, signal, timeoutMs: RETRY_DEADLINE_MS });
    },
    heldKey: (body, signal) =>
      ask({ path: '/_banyan/quarantine/key', schema: heldKeyReportSchema, body, signal }),
    pieces: (body, signal) => ask({ path: '/_banyan/pieces', schema: piecesReportSchema, body, signal }),
    rows: (body, signal) => ask({ path: '/_banyan/rows', schema: rowsReportSchema, body, signal }),
  };
}

async function request(address: string, init: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(address, init);
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    const { message, cause: reason } = cause as Error;
    const why = reason instanceof Error ? reason.message : message;
    throw new ServiceCopyError('service-unreachable', `${address}: ${why}`, { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it, and says so
  }
}
