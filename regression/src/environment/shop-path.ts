/** A way that a customer's requests may take. The same journeys are made on each. */
export interface ShopPath {
  readonly name: string;
  /** Whom the browser talks to. */
  readonly via: 'monolith' | 'proxy';
  /** Share of the readers of reviews who are served by the service, 0 to 1. Null where no proxy decides it. */
  readonly serviceShare: number | null;
}

/** The paths in the order in which they are tried: the way that a migration goes. */
export const shopPaths: readonly ShopPath[] = [
  { name: 'monolith', via: 'monolith', serviceShare: null },
  { name: 'proxy-monolith', via: 'proxy', serviceShare: 0 },
  { name: 'proxy-service', via: 'proxy', serviceShare: 1 },
  { name: 'proxy-canary', via: 'proxy', serviceShare: 0.5 },
];
