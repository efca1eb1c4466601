const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** `1 h 5 min`, and `1 h` where nothing is left over. */
function inTwo(value: number, of: { size: number; small: number; names: readonly [string, string] }): string {
  const { size, small, names } = of;
  const whole = Math.floor(value / size);
  const rest = Math.floor((value % size) / small);
  return rest === 0 ? `${whole} ${names[0]}` : `${whole} ${names[0]} ${rest} ${names[1]}`;
}

/**
 * Milliseconds in the unit that reads best: `374 ms`, `2 s`, `12.3 s`, `2 min 5 s`, `3 h 20 min`, `4 d 1 h`. Fine enough
 * that a value and the limit it is over do not look alike.
 *
 * @param ms 0 or more; less than 0, which only two clocks that differ can give, counts as 0.
 */
export function formatDuration(ms: number): string {
  const value = Math.max(0, Math.round(ms));
  if (value < SECOND_MS) return `${value} ms`;
  if (value < 2 * MINUTE_MS) return `${Number((value / SECOND_MS).toPrecision(3))} s`;
  if (value < HOUR_MS) return inTwo(value, { size: MINUTE_MS, small: SECOND_MS, names: ['min', 's'] });
  if (value < 2 * DAY_MS) return inTwo(value, { size: HOUR_MS, small: MINUTE_MS, names: ['h', 'min'] });
  return inTwo(value, { size: DAY_MS, small: HOUR_MS, names: ['d', 'h'] });
}
