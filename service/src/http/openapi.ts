import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

/** One operation of a contract. */
export interface Operation {
  /** Upper case. */
  readonly method: string;
  /** With `:name` for `{name}`, as routes have it. */
  readonly path: string;
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

const document = z.object({
  openapi: z.string().regex(/^3\./, 'OpenAPI 3'),
  paths: z.record(z.string().startsWith('/'), z.record(z.string(), z.unknown())),
});

/**
 * The operations of an OpenAPI file (YAML or JSON), in its order.
 *
 * @throws Error that names the file, when it cannot be read or is no OpenAPI 3
 */
export async function readOperations(file: URL): Promise<readonly Operation[]> {
  try {
    const { paths } = document.parse(parse(await readFile(file, 'utf8')));
    return Object.entries(paths).flatMap(([path, item]) =>
      METHODS.filter((method) => method in item).map((method) => ({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{([^}]+)\}/g, ':$1'),
      })),
    );
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new Error(`The contract ${file.pathname} cannot be read: ${why}`, { cause });
  }
}
