/** Two slices, each of a table of its own and of two that they share. */
import { defineSlice, type SliceDefinition } from '@banyan/contracts';

function table(name: string, kind: 'owned' | 'reference'): SliceDefinition['tables'][number] {
  const columns = { id: 'id', text: 'text' };
  return { source: `public.${name}`, target: name, kind, key: ['id'], columns };
}

/** Owns a table of its name, and wants to know the customers and products. */
function sliceOf(name: string): SliceDefinition {
  return defineSlice({
    name,
    title: name,
    routes: [{ path: `/${name}` }],
    tables: [table(name, 'owned'), table('customers', 'reference'), table('products', 'reference')],
    canaryShares: [0.5, 1],
    // The machine may be busy; what is looked at here is what was copied.
    gates: { maxLagMs: 60_000, maxHeartbeatAgeMs: 60_000 },
  });
}

export const slices = { reviews: sliceOf('reviews'), orders: sliceOf('orders') };
export type Name = keyof typeof slices;
