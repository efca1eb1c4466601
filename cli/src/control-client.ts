import { readFileSync } from 'node:fs';
import {
  explanationSchema,
  journalResponseSchema,
  problemSchema,
  statusReportSchema,
  verbResponseSchema,
  verificationResponseSchema,
  type Explanation,
  type JournalEntry,
  type StatusReport,
  type VerbRequest,
  type VerbResponse,
  type VerificationResponse,
} from '@banyan/contracts';
import type { z } from 'zod';
import type { Home } from './home.ts';
import { CommandError } from './output/command-error.ts';
import { readRunState } from './supervise/run-state.ts';

export type Verb = 'advance' | 'pause' | 'resume' | 'rollback' | 'route' | 'verify';

/** Longest time for an answer: `advance` may verify whole tables before it answers. */
const ANSWER_TIMEOUT_MS = 120_000;

/** Refusals that mean "not now", in contrast to "wrong request". */
const refusedStatuses = new Set([409, 412, 423]);

/** The control plane's API, as the commands use it. */
export class ControlClient {
  readonly #baseUrl: string;
  readonly #token: string;

  constructor(baseUrl: string, token: string) {
    this.#baseUrl = baseUrl;
    this.#token = token;
  }

  /** @throws CommandError `not-running` when nothing runs in this home. */
  static open(home: Home): ControlClient {
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
    return new ControlClient(run.controlUrl, readFileSync(home.secret('admin.token'), 'utf8').trim());
  }

  status(signal?: AbortSignal): Promise<StatusReport> {
    return this.#ask(statusReportSchema, '/v1/status', signal ? { signal } : {});
  }

  verb(slice: string, verb: Verb, body: VerbRequest): Promise<VerbResponse> {
    return this.#ask(verbResponseSchema, `/v1/slices/${encodeURIComponent(slice)}/${verb}`, { body });
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
    if (answer.ok) return schema.parse(body);
    throw asCommandError(answer.status, body);
  }
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
