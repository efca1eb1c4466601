import { readFileSync } from 'node:fs';
import {
  busGroupsSchema,
  busRecordsSchema,
  busTopicsSchema,
  explanationSchema,
  journalResponseSchema,
  outboxReadmitResponseSchema,
  problemSchema,
  statusReportSchema,
  quarantineListResponseSchema,
  quarantineRetryResponseSchema,
  quarantineSkipResponseSchema,
  verbResponseSchema,
  type BusGroups,
  type BusRecords,
  type BusTopics,
  verificationResponseSchema,
  type Explanation,
  type JournalEntry,
  type OutboxReadmitRequest,
  type OutboxReadmitResponse,
  type StatusReport,
  type QuarantineListResponse,
  type QuarantineRetryRequest,
  type QuarantineRetryResponse,
  type QuarantineSkipRequest,
  type QuarantineSkipResponse,
  type VerbRequest,
  type VerbResponse,
  type VerificationResponse,
} from '@banyan/contracts';
import { printableDeep } from '@banyan/kit';
import type { z } from 'zod';
import type { Home } from './home.ts';
import { CommandError } from './output/command-error.ts';
import { readRunState } from './supervise/run-state.ts';

export type Verb = 'advance' | 'pause' | 'resume' | 'rollback' | 'route' | 'verify' | 'resync';

/** Longest time for an answer: `advance` may verify whole tables before it answers. */
const ANSWER_TIMEOUT_MS = 120_000;

/** Refusals that mean "not now", in contrast to "wrong request". */
const refusedStatuses = new Set([409, 412, 423]);

/** The control plane's API, as the commands use it. */
export class ControlClient {
  readonly #baseUrl: string;
  readonly #token: string;
  readonly #isExact: boolean;

  private constructor(at: { readonly baseUrl: string; readonly token: string; readonly isExact: boolean }) {
    this.#baseUrl = at.baseUrl;
    this.#token = at.token;
    this.#isExact = at.isExact;
  }

  /**
   * The control plane of this home, or the one at `BANYAN_CONTROL_URL`, whose admin token this home holds.
   *
   * What it answers holds texts of others: reasons that people gave, names and messages of databases, keys. They come
   * ready to be printed, with escapes for what a terminal would obey.
   *
   * @param options.exact True leaves them as they are, for JSON. Default false.
   * @throws CommandError `not-running` when nothing runs in this home, `no-admin-token`.
   */
  static open(home: Home, options: { readonly exact?: boolean } = {}): ControlClient {
    const elsewhere = controlUrlElsewhere();
    const isExact = options.exact ?? false;
    if (elsewhere !== null) {
      return new ControlClient({ baseUrl: elsewhere, token: readAdminToken(home), isExact });
    }
    const run = readRunState(home);
    if (!run) {
      throw new CommandError({
        code: 'not-running',
        message: 'Banyan does not run here.',
        evidence: [`no supervisor is alive for ${home.dir}`],
        nextSteps: ['banyan up'],
        exitCode: 3,
      });
    }
    return new ControlClient({ baseUrl: run.controlUrl, token: readAdminToken(home), isExact });
  }

  status(signal?: AbortSignal): Promise<StatusReport> {
    return this.#ask(statusReportSchema, '/v1/status', signal ? { signal } : {});
  }

  verb(slice: string, verb: Verb, body: VerbRequest): Promise<VerbResponse> {
    return this.#ask(verbResponseSchema, `/v1/slices/${encodeURIComponent(slice)}/${verb}`, { body });
  }

  quarantine(slice: string, limit: number): Promise<QuarantineListResponse> {
    return this.#ask(quarantineListResponseSchema, `${quarantineOf(slice)}?limit=${limit}`);
  }

  retryQuarantined(slice: string, body: QuarantineRetryRequest): Promise<QuarantineRetryResponse> {
    return this.#ask(quarantineRetryResponseSchema, `${quarantineOf(slice)}/retry`, { body });
  }

  skipQuarantined(slice: string, body: QuarantineSkipRequest): Promise<QuarantineSkipResponse> {
    return this.#ask(quarantineSkipResponseSchema, `${quarantineOf(slice)}/skip`, { body });
  }

  readmitOutbox(body: OutboxReadmitRequest): Promise<OutboxReadmitResponse> {
    return this.#ask(outboxReadmitResponseSchema, '/v1/outbox/readmit', { body });
  }

  verification(slice: string): Promise<VerificationResponse> {
    return this.#ask(verificationResponseSchema, `/v1/slices/${encodeURIComponent(slice)}/verification`);
  }

  explain(query: Readonly<Record<string, string>>): Promise<Explanation> {
    return this.#ask(explanationSchema, `/v1/explain?${new URLSearchParams(query).toString()}`);
  }

  async journal(query: Readonly<Record<string, string>>): Promise<readonly JournalEntry[]> {
    const path = `/v1/journal?${new URLSearchParams(query).toString()}`;
    return (await this.#ask(journalResponseSchema, path)).entries;
  }

  busTopics(): Promise<BusTopics> {
    return this.#ask(busTopicsSchema, '/v1/bus/topics');
  }

  busGroups(): Promise<BusGroups> {
    return this.#ask(busGroupsSchema, '/v1/bus/groups');
  }

  busRecords(query: Readonly<Record<string, string>>): Promise<BusRecords> {
    return this.#ask(busRecordsSchema, `/v1/bus/records?${new URLSearchParams(query).toString()}`);
  }

  async #ask<T>(
    schema: z.ZodType<T>,
    path: string,
    options: { readonly body?: unknown; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const deadline = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    let answer: Response;
    let body: unknown;
    try {
      answer = await fetch(this.#baseUrl + path, {
        method: options.body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
        signal: options.signal ? AbortSignal.any([options.signal, deadline]) : deadline,
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
      body = await answer.json();
    } catch (cause) {
      throw new CommandError({
        code: 'control-unreachable',
        message: 'The control plane does not answer.',
        evidence: [
          `${this.#baseUrl}: ${cause instanceof Error ? cause.message : String(cause)}`,
          'The proxy goes on serving by its last routes.',
        ],
        nextSteps: ['banyan status', 'banyan doctor'],
        exitCode: 3,
        cause,
      });
    }
    if (answer.ok) {
      const parsed = schema.parse(body);
      return this.#isExact ? parsed : printableDeep(parsed);
    }
    throw asCommandError(answer.status, this.#isExact ? body : printableDeep(body));
  }
}

/** `BANYAN_CONTROL_URL`: a control plane that no supervisor of ours runs, such as compose's; null when not set. */
export function controlUrlElsewhere(): string | null {
  return process.env['BANYAN_CONTROL_URL']?.replace(/\/+$/, '') || null;
}

function readAdminToken(home: Home): string {
  const file = home.secret('admin.token');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CommandError({
      code: 'no-admin-token',
      message: "The control plane's admin token is not here.",
      evidence: [cause instanceof Error ? cause.message : String(cause)],
      nextSteps: ['banyan status # the control plane writes it at its first start'],
      exitCode: 3,
      cause,
    });
  }
}

function quarantineOf(slice: string): string {
  return `/v1/slices/${encodeURIComponent(slice)}/quarantine`;
}

function asCommandError(status: number, body: unknown): CommandError {
  const problem = problemSchema.safeParse(body);
  if (!problem.success) {
    return new CommandError({
      code: 'unexpected-answer',
      message: `The control plane answered ${status} in a form that this version does not know.`,
      nextSteps: ['banyan down', 'banyan up'],
      exitCode: 3,
    });
  }
  const { code, message, evidence, next_steps: nextSteps } = problem.data.error;
  const exitCode = status >= 500 ? 3 : refusedStatuses.has(status) ? 1 : 2;
  return new CommandError({ code, message, evidence, nextSteps, exitCode });
}
