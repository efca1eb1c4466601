/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** From 0 inclusive to 1 exclusive. */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** One of them. @throws RangeError when there is none. */
  pick<T>(values: readonly T[]): T;
}

/** A linear congruential generator with 48 bits of state, as POSIX's drand48(3) defines it. */
export function createRandom(seed: number): Random {
  const mask = (1n << 48n) - 1n;
  let state = ((BigInt(Math.trunc(seed)) << 16n) | 0x330en) & mask;
  const next = (): number => {
    state = (state * 0x5deece66dn + 0xbn) & mask;
    return Number(state) / 2 ** 48;
  };
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    between,
    pick(values) {
      if (values.length === 0) throw new RangeError('There is nothing to pick from.');
      return values[between(0, values.length - 1)] as (typeof values)[number];
    },
  };
}
