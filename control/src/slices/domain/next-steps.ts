import type { RefusalCode } from './transitions.ts';
import { completeCopyOf, type SliceState } from './slice-state.ts';

/** What the commands for a slice are made of. */
export interface CommandSubject {
  readonly name: string;
  /** A path that the slice serves, with `x` for each parameter. */
  readonly examplePath: string;
  /** True while a gate would refuse the next step forward. */
  readonly isHeldUp: boolean;
}

/** `/products/:slug/reviews` as `/products/x/reviews`, from the first route that answers GET. */
export function examplePathOf(
  routes: readonly { readonly path: string; readonly methods?: readonly string[] | undefined }[],
): string {
  const readable = routes.find(({ methods }) => methods?.includes('GET') ?? true) ?? routes[0];
  return (readable?.path ?? '/').replaceAll(/:[A-Za-z_]\w*|\*/g, 'x');
}

const rollbackCommand = (name: string): string => `banyan rollback ${name} --reason "..."`;

/** Commands that make sense for a slice as it is, most useful first; none that would be refused. */
export function nextStepsOf(state: SliceState, { name, examplePath, isHeldUp }: CommandSubject): string[] {
  const explain = `banyan explain GET ${examplePath}`;
  const forward = isHeldUp ? 'banyan status --watch' : `banyan advance ${name}`;
  if (state.paused) return ['banyan status', `banyan resume ${name}`];
  switch (state.phase) {
    case 'monolith':
      return [forward, explain];
    case 'syncing':
      return completeCopyOf(state)
        ? [forward, 'banyan status', rollbackCommand(name)]
        : ['banyan status --watch', rollbackCommand(name)];
    case 'canary':
      return state.share === 1
        ? ['banyan status', explain, rollbackCommand(name)]
        : ['banyan status', forward, explain, rollbackCommand(name)];
  }
}

/** Commands after a refusal, most useful first. */
export function nextStepsAfterRefusal(
  code: RefusalCode,
  state: SliceState,
  subject: CommandSubject,
): string[] {
  switch (code) {
    case 'paused':
      return [`banyan journal ${subject.name}`, `banyan resume ${subject.name}`];
    case 'gate-failed':
      return ['banyan status', 'banyan doctor', `banyan advance ${subject.name} --dry-run`];
    case 'nothing-to-do':
    case 'not-possible':
      return nextStepsOf(state, subject);
  }
}
