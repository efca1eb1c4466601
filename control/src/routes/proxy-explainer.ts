import { explanationSchema, type Explanation, type ProxyReport } from '@banyan/contracts';
import { messageOf, withDeadline } from '@banyan/kit';
import { ControlError } from '../control-error.ts';

const DEADLINE_MS = 3_000;

/**
 * What to explain; `user`, `visitor` and `key` say who asks (none: a new visitor),
 * `pinned` is `true` for somebody who wrote just now, `override` the side that an authorised header asks for.
 */
export interface ExplainQuestion {
  readonly method: string;
  readonly path: string;
  readonly user?: string | undefined;
  readonly visitor?: string | undefined;
  readonly key?: string | undefined;
  readonly pinned?: 'true' | 'false' | undefined;
  readonly override?: 'monolith' | 'service' | undefined;
}

/** No live proxy gave an answer: why, one line each. */
export class NoProxyAnswerError extends ControlError<'no-proxy'> {
  constructor(findings: readonly string[]) {
    super('unavailable', 'no-proxy', 'No proxy could be asked.', {
      evidence: findings,
      nextSteps: ['banyan status', 'banyan doctor'],
    });
  }
}

/**
 * Asks the live proxies in turn, since only a proxy knows how it decides.
 *
 * @throws NoProxyAnswerError when none answered.
 */
export async function askProxies(options: {
  readonly proxies: readonly ProxyReport[];
  readonly question: ExplainQuestion;
  readonly peerToken: string;
  readonly signal: AbortSignal;
}): Promise<Explanation> {
  const { proxies, question, peerToken, signal } = options;
  const findings: string[] = proxies.length === 0 ? ['wanted a report of the last 5 s, got none'] : [];
  for (const { proxyId, adminUrl } of proxies) {
    const url = new URL('explain', adminUrl.endsWith('/') ? adminUrl : `${adminUrl}/`);
    for (const [name, value] of Object.entries(question) as [string, string | undefined][]) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    try {
      const response = await fetch(url, {
        headers: { authorization: `Bearer ${peerToken}` },
        redirect: 'error', // the token goes nowhere else
        signal: withDeadline(signal, DEADLINE_MS),
      });
      if (!response.ok) throw new Error(`status ${response.status}`);
      return explanationSchema.parse(await response.json());
    } catch (error) {
      findings.push(`proxy ${proxyId}: ${messageOf(error)}`);
    }
  }
  throw new NoProxyAnswerError(findings);
}
