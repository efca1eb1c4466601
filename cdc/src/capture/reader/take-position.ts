import { formatDuration } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import { SourceFencedError, type SourcePosition } from '../../bus/bus.ts';
import { beginAnew, type BeginAnewOptions } from './begin-anew.ts';
import { inspectSource } from './prepare-source.ts';

export interface TakePositionOptions extends Omit<BeginAnewOptions, 'announced'> {
  /** The position that this reader holds already; null before it has taken over. */
  readonly held: SourcePosition | null;
  /** Why the feed has to begin anew, whatever the server says now; null when it need not. */
  readonly brokenBecause: string | null;
  /** The feed begins anew at most once in so many milliseconds. */
  readonly incarnationGapMs: number;
  /** Called when this reader holds another position, also when what follows fails. */
  readonly onHeld: (position: SourcePosition) => void;
  readonly logger: Logger;
}

export interface TakenPosition {
  readonly position: SourcePosition;
  /** Where to ask the server to begin: what is stored since then comes again. */
  readonly sentFrom: bigint;
}

/**
 * Where to go on from: checked against the server, and this reader's alone. Begins the feed anew when going on would
 * lose something.
 *
 * @throws SourceFencedError when another reader has taken over; ReaderStoppedError; Error for what time mends.
 */
export async function takePosition(options: TakePositionOptions): Promise<TakenPosition> {
  const { log, slot, server, held, onHeld } = options;
  const stored = await log.sourcePosition(slot);
  if (held && stored?.epoch !== held.epoch) {
    throw new SourceFencedError(`Another reader has taken over the source "${slot}". This one stops.`);
  }
  const state = await inspectSource({ ...options, stored });
  const { systemId, timeline } = server;
  if (state.kind === 'new') {
    const { lsn, publicationId } = state;
    const position = await log.takeOver(slot, { systemId, timeline, lsn, publicationId });
    onHeld(position);
    return { position, sentFrom: position.lsn };
  }
  if (!stored) throw new Error('A source without a position has a state that only one with a position has.');
  const reason = options.brokenBecause ?? (state.kind === 'broken' ? state.reason : null);
  if (reason !== null) return await announceAndBegin(options, stored, reason);
  if (state.kind === 'broken') throw new Error(state.reason);
  const { confirmedLsn, publicationId } = state;
  const start = { systemId, timeline, lsn: stored.lsn, publicationId };
  // From here on an older reader cannot store anything; what it has stored, we go on from.
  const position = held ? stored : await log.takeOver(slot, start);
  onHeld(position);
  return { position, sentFrom: confirmedLsn < position.lsn ? confirmedLsn : position.lsn };
}

async function announceAndBegin(
  options: TakePositionOptions,
  stored: SourcePosition,
  reason: string,
): Promise<TakenPosition> {
  const { log, slot, server, incarnationGapMs, onHeld, logger } = options;
  const sinceMs = Date.now() - (stored.incarnationAtMs ?? 0);
  // Whatever broke it again at once, a new table snapshot of everything each second would not help.
  if (stored.incarnation > 1 && sinceMs < incarnationGapMs) {
    throw new Error(
      `The feed began anew ${formatDuration(sinceMs)} ago and has to again: ${reason}. It waits ${formatDuration(incarnationGapMs)}.`,
    );
  }
  const { systemId, timeline } = server;
  // 1. (the further ones are in beginAnew)
  const anew = { step: 'announce', reason } as const;
  const announced = await log.takeOver(slot, { systemId, timeline, lsn: stored.lsn, anew });
  onHeld(announced);
  logger.error({ slot, reason }, 'changes may have been lost: the feed begins anew');
  const position = await beginAnew({ ...options, announced });
  onHeld(position);
  logger.error(
    { slot, incarnation: position.incarnation, reason },
    'the feed has begun anew; every copy of before needs a new table snapshot, which control asks for',
  );
  return { position, sentFrom: position.lsn };
}
