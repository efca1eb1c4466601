import type { Random } from './random.ts';

/** What the soak kills on each stack, by the name that `banyan status` gives it. */
export const kindsOfStack = {
  embedded: ['reader', 'reviews', 'control', 'proxy', 'postgres'],
  kafka: ['kafka', 'connect', 'reviews', 'control', 'proxy', 'postgres'],
} as const;
export type SoakStack = keyof typeof kindsOfStack;
export type KillKind = (typeof kindsOfStack)[SoakStack][number];

/** Kinds without which some requests cannot be answered: errors of customers in such an outage are expected. */
export const outageKinds: ReadonlySet<KillKind> = new Set(['proxy', 'postgres']);

/** Second kills of a pair come this long after the first at most, milliseconds. */
const PAIR_GAP_MS = 2_000;

/** Parts that are killed one after another, before anybody waits for them. */
export interface PlannedKill {
  readonly kind: KillKind;
  /** How long after the one before it, milliseconds; 0 of the first. */
  readonly afterMs: number;
}

/** What is killed together: one part, or two within two seconds. */
export function* strikePlan(
  kinds: readonly KillKind[],
  random: Random,
  { pairs }: { readonly pairs: boolean },
): Generator<readonly PlannedKill[], never> {
  for (const kind of killPlan(kinds, random)) {
    const first = { kind, afterMs: 0 };
    const others = kinds.filter((other) => other !== kind);
    if (!pairs || others.length === 0) yield [first];
    else yield [first, { kind: random.pick(others), afterMs: random.between(0, PAIR_GAP_MS) }];
  }
  throw new Error('a plan has no end');
}

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
