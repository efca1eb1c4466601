import { murmur3 } from './murmur3.ts';

/** Buckets that keys are dealt into: a share is exact to a hundredth of a per cent. */
export const BUCKETS = 10_000;

/** Where one person stands for one slice. */
export interface Cohort {
  /** Customer id or visitor id. */
  readonly key: string;
  /** 0 to 9,999, the same at every proxy as long as the slice's salt is. */
  readonly bucket: number;
  /** First bucket that is out: the share times 10,000. */
  readonly limit: number;
}

/**
 * Deals a key. Raising the share only ever adds people, since the bucket does not depend on it.
 *
 * @param share 0 (nobody) to 1 (everybody).
 */
export function dealCohort(key: string, { salt, share }: { salt: string; share: number }): Cohort {
  return { key, bucket: murmur3(`${salt}:${key}`) % BUCKETS, limit: Math.round(share * BUCKETS) };
}

/** True when this person's reads go to the service. */
export const isIn = (cohort: Cohort): boolean => cohort.bucket < cohort.limit;
