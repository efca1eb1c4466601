import type { FieldTransform, FieldValue } from './slice.ts';

/**
 * Other words for some values of a text column; every other value stays as it is. So that it can be undone for every
 * text, a new word that the column holds itself is exchanged for the old one.
 *
 * @throws RangeError when two words become the same one.
 * @example
 * renamedValues('visibility', { published: 'visible' }) // and a status `visible`, if there were one, `published`
 */
export function renamedValues(name: string, words: Readonly<Record<string, string>>): FieldTransform {
  const forward = new Map(Object.entries(words));
  const inverse = new Map(Array.from(forward, ([from, to]) => [to, from]));
  if (inverse.size < forward.size) {
    throw new RangeError(`${name}: two values become the same one, which could not be undone.`);
  }
  // Makes a permutation of it: a word that is only ever arrived at goes to where its chain began.
  for (const last of Object.values(words).filter((word) => !forward.has(word))) {
    let first = last;
    for (let from = inverse.get(first); from !== undefined; from = inverse.get(first)) first = from;
    forward.set(last, first);
    inverse.set(first, last);
  }
  const lookUp =
    (table: ReadonlyMap<string, string>) =>
    (value: FieldValue): FieldValue =>
      typeof value === 'string' ? (table.get(value) ?? value) : value;
  return { name, forward: lookUp(forward), inverse: lookUp(inverse) };
}

/** What a transform did to a value that it could not bring back. */
export type TransformFault = 'forward-throws' | 'inverse-throws' | 'another-value';

/** How a transform fails to bring `value` back; null when it does not. Does not throw. */
export function transformFault(transform: FieldTransform, value: FieldValue): TransformFault | null {
  let there: FieldValue;
  try {
    there = transform.forward(value);
  } catch {
    return 'forward-throws'; // whatever it says may hold the value
  }
  try {
    return isSame(transform.inverse(there), value) ? null : 'another-value';
  } catch {
    return 'inverse-throws';
  }
}

function isSame(a: FieldValue, b: FieldValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each, i) => isSame(each as FieldValue, b[i] as FieldValue));
  }
  return Object.is(a, b);
}
