import { nextStepsAfterRefusal, type CommandSubject } from '../slices/domain/next-steps.ts';
import { describeState, type SliceState } from '../slices/domain/slice-state.ts';
import type { Decision } from '../slices/domain/transitions.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { RefusedError } from '../slices/refused-error.ts';
import type { VerbOrder } from './verb-order.ts';

/** Somebody stepped while the step was decided on. */
export function conflict(slice: ManagedSlice, seen: SliceState, state: SliceState): RefusedError {
  return new RefusedError(`Somebody else changed ${slice.name} at the same time; nothing was done.`, {
    code: 'epoch-conflict',
    reasons: [
      `wanted: ${describeState(seen)}, as when it was asked for; got: ${describeState(state)}${state.paused ? ', paused' : ''}`,
    ],
    nextSteps: ['banyan status', `banyan journal ${slice.name}`],
  });
}

/** What stands against a verb, with commands that make sense instead. */
export function refusal(refused: {
  readonly subject: CommandSubject;
  readonly state: SliceState;
  readonly order: VerbOrder;
  readonly decision: Extract<Decision, { ok: false }>;
}): RefusedError {
  const { subject, state, order, decision } = refused;
  return new RefusedError(
    `${order.verb} of ${subject.name} was refused; it stays in ${describeState(state)}.`,
    {
      code: decision.code,
      reasons: decision.reasons,
      nextSteps: nextStepsAfterRefusal(decision.code, state, subject),
    },
  );
}
