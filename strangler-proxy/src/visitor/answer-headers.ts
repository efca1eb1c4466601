import type { IncomingHttpHeaders } from 'node:http';
import { SERVED_BY_HEADER } from '@banyan/contracts';
import type { RoutingTable } from '../routes/domain/routing-table.ts';
import { isSafe, type Target } from '../routes/domain/sides.ts';
import { beginsPage, cookieHeaders, sharingOf } from './domain/answer-cookies.ts';
import type { PinCookies } from './pin-cookie.ts';
import type { PinTracker } from './pin-tracker.ts';
import type { Visit } from './visit.ts';
import { newVisitorId, visitorCookie } from './visitor-cookie.ts';

/** An answer that is about to go to a visitor. */
export interface AnswerTo {
  readonly method: string;
  readonly requestHeaders: IncomingHttpHeaders;
  readonly visit: Visit;
  readonly table: RoutingTable | null;
  /** Who answers. */
  readonly side: Target;
  /** The answer's own; name, value, name, value. */
  readonly headers: readonly string[];
}

/** What the proxy adds to an answer. */
export interface Added {
  /** Name, value, name, value. */
  readonly headers: readonly string[];
  /** True when it brings the visitor a cookie that tells him apart from now on. */
  readonly isVisitorTold: boolean;
}

interface Pins {
  readonly pins: Pick<PinTracker, 'mayClear'>;
  readonly pinCookies: PinCookies;
}

function pinCookie({ method, visit, table, side }: AnswerTo, { pins, pinCookies }: Pins): string[] {
  if (!table?.isPinning) return [];
  if (!isSafe(method)) return side === 'monolith' ? [pinCookies.issue(visit.isSecure)] : [];
  return visit.pinNonce !== null && pins.mayClear(visit.pinNonce)
    ? [pinCookies.clearing(visit.isSecure)]
    : [];
}

function newVisitorCookie({ method, requestHeaders, visit, table, headers }: AnswerTo): string[] {
  if (!table?.isDealing || visit.visitorId !== null) return [];
  if (!table.snapshot.visitors.keys.includes('visitor-cookie')) return [];
  if (!beginsPage({ method, headers: requestHeaders }, headers)) return [];
  return [visitorCookie(newVisitorId(), visit.isSecure)];
}

/** Call as late as possible, with the answer's headers there: a pin's clearing must still hold then. */
export function addedHeaders(answer: AnswerTo, pins: Pins): Added {
  const visitor = newVisitorCookie(answer);
  const cookies = [...pinCookie(answer, pins), ...visitor];
  const sharing = cookies.length === 0 ? 'never' : sharingOf(answer.headers, Date.now());
  const headers = cookieHeaders(cookies, { sharing, isOwed: !isSafe(answer.method) });
  if (answer.visit.isTester) headers.push(SERVED_BY_HEADER, answer.side);
  return { headers, isVisitorTold: visitor.length > 0 };
}
