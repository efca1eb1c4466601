import type { SliceStatus } from '@banyan/contracts';
import { percent } from '../output/terminal.ts';

/** Where a slice stands, as far as a step of the walkthrough begins or ends there. */
export type Place =
  { readonly phase: 'monolith' | 'syncing' } | { readonly phase: 'canary'; readonly share: number };

/** @throws Error for anything but `monolith`, `syncing` and `canary 50%`. */
export function parsePlace(text: string): Place {
  const share = /^canary (\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (share !== undefined) return { phase: 'canary', share: Number(share) / 100 };
  if (text === 'monolith' || text === 'syncing') return { phase: text };
  throw new Error(`a place is monolith, syncing or canary 50%, got "${text}"`);
}

/** Null for a phase that the walkthrough does not know. */
export function placeOf({ phase, share }: Pick<SliceStatus, 'phase' | 'share'>): Place | null {
  if (phase === 'canary') return { phase, share };
  return phase === 'monolith' || phase === 'syncing' ? { phase } : null;
}

export function describePlace(place: Place): string {
  return place.phase === 'canary' ? `canary ${percent(place.share)}` : place.phase;
}

export function isSamePlace(a: Place, b: Place): boolean {
  return describePlace(a) === describePlace(b);
}

/** The commands that lead a slice from one place to another, one a step; none when it is there. */
export function commandsTo(slice: string, here: Place, there: Place): readonly string[] {
  if (isSamePlace(here, there)) return [];
  const because = '--reason "back to where this step begins"';
  const back = `npx banyan rollback ${slice} ${because}`;
  const copy = `npx banyan advance ${slice} --wait`;
  switch (there.phase) {
    case 'monolith':
      return here.phase === 'canary' ? [back, back] : [back];
    case 'syncing':
      return [here.phase === 'canary' ? back : copy];
    case 'canary': {
      const route = `npx banyan route ${slice} --share ${percent(there.share).replace(' ', '')} ${because}`;
      return here.phase === 'monolith' ? [copy, route] : [route];
    }
  }
}
