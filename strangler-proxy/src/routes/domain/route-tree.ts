/** A route to be put into the tree. */
export interface TreeRoute<T> {
  /** As in a slice's definition: literal or `:name` segments, `*` only as the last one. */
  readonly path: string;
  /** Upper-case; `GET` takes HEAD with it. Default: all. */
  readonly methods?: readonly string[] | undefined;
  readonly value: T;
}

interface Leaf<T> {
  readonly methods: ReadonlySet<string> | null;
  readonly value: T;
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  param: Node<T> | null;
  /** Routes that end here. */
  readonly ends: Leaf<T>[];
  /** Routes that end here with `*`: they take one segment more, or many. */
  readonly rests: Leaf<T>[];
}

const newNode = <T>(): Node<T> => ({ literals: new Map(), param: null, ends: [], rests: [] });

/** A tree over path segments: built once a routes snapshot, only read afterwards. */
export interface RouteTree<T> {
  /**
   * The value of the most specific route that takes this method: at each segment from the left, a literal beats
   * `:name` beats `*`. An empty segment is no `:name`.
   *
   * @param segments Decoded, as `createPathReader` gives them.
   */
  match(method: string, segments: readonly string[]): T | null;
}

function methodsOf(methods: readonly string[] | undefined): ReadonlySet<string> | null {
  if (!methods) return null;
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

function leavesFor<T>(root: Node<T>, path: string): Leaf<T>[] {
  let node = root;
  for (const segment of path.split('/').filter((part) => part !== '')) {
    if (segment === '*') return node.rests;
    if (segment.startsWith(':')) {
      node = node.param ??= newNode();
      continue;
    }
    let next = node.literals.get(segment);
    if (!next) node.literals.set(segment, (next = newNode()));
    node = next;
  }
  return node.ends;
}

const takes = <T>(leaves: readonly Leaf<T>[], method: string): Leaf<T> | undefined =>
  leaves.find((leaf) => leaf.methods === null || leaf.methods.has(method));

function find<T>(
  node: Node<T>,
  wanted: { readonly method: string; readonly segments: readonly string[] },
  depth: number,
): Leaf<T> | undefined {
  const segment = wanted.segments[depth];
  if (segment === undefined) return takes(node.ends, wanted.method);
  const literal = node.literals.get(segment);
  const param = segment === '' ? null : node.param;
  return (
    (literal && find(literal, wanted, depth + 1)) ??
    (param && find(param, wanted, depth + 1)) ??
    takes(node.rests, wanted.method)
  );
}

const overlap = <T>(a: Leaf<T>, b: Leaf<T>): boolean =>
  a.methods === null || b.methods === null || [...a.methods].some((method) => b.methods?.has(method));

/** Builds the tree, and names every pair of routes that no request could tell apart. */
export function buildRouteTree<T>(routes: readonly TreeRoute<T>[]): {
  readonly tree: RouteTree<T>;
  readonly conflicts: readonly { readonly path: string; readonly between: readonly [T, T] }[];
} {
  const root = newNode<T>();
  const conflicts: { path: string; between: [T, T] }[] = [];
  for (const { path, methods, value } of routes) {
    const leaves = leavesFor(root, path);
    const leaf = { methods: methodsOf(methods), value };
    const other = leaves.find((present) => present.value !== value && overlap(present, leaf));
    if (other) conflicts.push({ path, between: [other.value, value] });
    leaves.push(leaf);
  }
  return {
    tree: { match: (method, segments) => find(root, { method, segments }, 0)?.value ?? null },
    conflicts,
  };
}
