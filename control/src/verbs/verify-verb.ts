import { refuseTransformedKeys, VerifyUnsupportedError } from '@banyan/cdc/verify';
import type { StatusReport, VerificationReport } from '@banyan/contracts';
import { completeCopyOf, type SliceState } from '../slices/domain/slice-state.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import type { VerifyOrder } from './verb-order.ts';

/** Every reason why a slice cannot be verified, or repaired, as things stand. */
export function reasonsAgainstVerifying(question: {
  readonly slice: ManagedSlice;
  readonly state: SliceState;
  readonly order: VerifyOrder;
  readonly feed: Pick<StatusReport['feed'], 'state' | 'error'>;
}): string[] {
  const { slice, state, order, feed } = question;
  const reasons: string[] = [];
  if (slice.tables.length === 0) return ['it copies no table: there is nothing to verify'];
  if (completeCopyOf(state) === null) reasons.push('there is no complete copy to verify yet');
  try {
    refuseTransformedKeys(slice.definition);
  } catch (error) {
    if (!(error instanceof VerifyUnsupportedError)) throw error;
    reasons.push(error.message);
  }
  if (order.repair && feed.state !== 'running') {
    const why = feed.error ? `: ${feed.error}` : '';
    reasons.push(`rows that are read again wait for the feed, and the feed is ${feed.state}${why}`);
  }
  return reasons;
}

/** What a verification does, in words. @param last What is known of the one before; null without one. */
export function verifyPlan({ repair }: VerifyOrder, last: VerificationReport | null): string[] {
  if (!repair) return ['compare every row of both sides'];
  const found = (last?.tables ?? [])
    .filter(({ missing, extra, different, unsettled }) => missing + extra + different + unsettled > 0)
    .map(
      ({ source, missing, extra, different, unsettled }) =>
        `${source}: ${missing} missing, ${extra} extra, ${different} different, ${unsettled} unsettled at the last verification`,
    );
  return [
    'compare every row of both sides',
    'for each row that differs: read it again at the source, and apply it or its deletion',
    'compare these rows again',
    ...found,
  ];
}
