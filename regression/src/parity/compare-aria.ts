import { align } from './align.ts';
import type { Difference } from './difference.ts';

/** One line of an ARIA snapshot with what is indented below it. */
interface AriaNode {
  /** e.g. `heading "Reviews of Oak table" [level=1]`. */
  readonly label: string;
  readonly children: readonly AriaNode[];
  /** The node and all below it as text: same text, same node. */
  readonly text: string;
}

interface Line {
  readonly depth: number;
  readonly label: string;
}

/** The first line and all deeper ones after it, as nodes. */
function readNodes(lines: readonly Line[]): AriaNode[] {
  const [first] = lines;
  if (!first) return [];
  const next = lines.findIndex(({ depth }, index) => index > 0 && depth <= first.depth);
  const end = next === -1 ? lines.length : next;
  const children = readNodes(lines.slice(1, end));
  const text = [first.label, ...children.map((child) => child.text.replaceAll(/^/gm, '  '))].join('\n');
  return [{ label: first.label, children, text }, ...readNodes(lines.slice(end))];
}

function parse(snapshot: string): AriaNode[] {
  const lines = snapshot.split('\n').filter((line) => line.trim() !== '');
  return readNodes(
    lines.map((line) => {
      const label = line.trimStart();
      return { depth: line.length - label.length, label: label.replace(/^- /, '').replace(/:$/, '') };
    }),
  );
}

const roleOf = ({ label }: AriaNode): string => /^[^\s:]*/.exec(label)?.[0] ?? label;

interface Pair {
  readonly expected: AriaNode | undefined;
  readonly actual: AriaNode | undefined;
  readonly where: string;
}

function comparePair({ expected, actual, where }: Pair): Difference[] {
  if (expected && actual && roleOf(expected) === roleOf(actual)) {
    const below = compareNodes(expected.children, actual.children, where);
    if (expected.label === actual.label) return below;
    return [{ where, expected: expected.label, actual: actual.label }, ...below];
  }
  const one: Difference[] = expected ? [{ where, expected: expected.text, actual: null }] : [];
  const other: Difference[] = actual ? [{ where, expected: null, actual: actual.text }] : [];
  return [...one, ...other];
}

function compareNodes(
  expected: readonly AriaNode[],
  actual: readonly AriaNode[],
  above: string,
): Difference[] {
  const differences: Difference[] = [];
  for (const stretch of align(expected, actual, ({ text }) => text)) {
    if (stretch.kind === 'same') continue;
    const length = Math.max(stretch.expected.length, stretch.actual.length);
    for (let n = 0; n < length; n += 1) {
      const pair = { expected: stretch.expected[n], actual: stretch.actual[n] };
      const [list, node] = pair.expected ? [expected, pair.expected] : [actual, pair.actual];
      const place = node ? `${roleOf(node)}[${list.indexOf(node)}]` : '';
      differences.push(...comparePair({ ...pair, where: above ? `${above} > ${place}` : place }));
    }
  }
  return differences;
}

/**
 * Every place where two ARIA snapshots (Playwright's `ariaSnapshot()`) differ, by the path of roles with each
 * node's index among its siblings. Both must agree in full, as with `/children: deep-equal`.
 */
export function compareAria(expected: string, actual: string): readonly Difference[] {
  return compareNodes(parse(expected), parse(actual), '');
}
