/** The phases of a slice, in order. `shadowing`, `extracted` and `retired` are not reachable yet. */
export const phases = ['monolith', 'syncing', 'shadowing', 'canary', 'extracted', 'retired'] as const;
export type Phase = (typeof phases)[number];

/** Who accepts the slice's writes. */
export type Owner = 'monolith' | 'service';
