import { z } from 'zod';
import { unknownName } from './nearest-name.ts';

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly prefixItems?: readonly Shape[];
  readonly anyOf?: readonly Shape[];
}

/** What may stand at a path; several where there is a choice. */
function shapesAt(root: Shape, path: readonly PropertyKey[]): readonly Shape[] {
  const open = (shape: Shape): readonly Shape[] => shape.anyOf?.flatMap(open) ?? [shape];
  return path.reduce<readonly Shape[]>(
    (shapes, key) =>
      shapes.flatMap((shape) => {
        const next = typeof key === 'number' ? shape.items : shape.properties?.[String(key)];
        return next === undefined ? [] : open(next);
      }),
    open(root),
  );
}

const jsonShape = (schema: z.ZodType): Shape =>
  z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as Shape;

/** One mistake as people read it: a key that nobody knows is named with the one that was most likely meant. */
export function problemText(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code !== 'unrecognized_keys' || !issue.message.startsWith('Unrecognized key'))
    return issue.message;
  const known = shapesAt(jsonShape(schema), issue.path).flatMap((shape) =>
    Object.keys(shape.properties ?? {}),
  );
  return issue.keys.map((key) => unknownName(key, [...new Set(known)])).join('; ');
}
