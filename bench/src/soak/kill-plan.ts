import type { Random } from './random.ts';

/** What the soak kills, by the name that `banyan status` gives it. */
export const killKinds = ['reader', 'reviews', 'control', 'proxy', 'postgres'] as const;
export type KillKind = (typeof killKinds)[number];

/** Kinds without which some requests cannot be answered: errors of customers in such an outage are expected. */
export const outageKinds: ReadonlySet<KillKind> = new Set(['proxy', 'postgres']);

/** Kinds in random order, each as often as any other: a new shuffle whenever all had their turn. */
export function* killPlan(kinds: readonly KillKind[], random: Random): Generator<KillKind, never> {
  for (;;) {
    const left = [...kinds];
    while (left.length > 0) {
      const kind = random.pick(left);
      left.splice(left.indexOf(kind), 1);
      yield kind;
    }
  }
}
