/** What a service adds to banyan.config.ts. */
export interface ConfigEntry {
  /** E.g. `stockWatchSlice`. */
  readonly exported: string;
  /** From the configuration's folder, e.g. `./extracted/stock-watch/slice.ts`. */
  readonly file: string;
  /** The element of `slices`, on one line. */
  readonly element: string;
  /** The same over several lines, for files whose lines are at most 110 characters wide. */
  readonly tall: readonly string[];
  /** What the element wants of `@banyan/contracts`. */
  readonly needs: readonly string[];
}

const WIDTH = 110;

/** The same text with blanks for all that is no code: what stands in quotes and in comments. */
function codeOf(text: string): string {
  const noCode = /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return text.replaceAll(noCode, (found) => found.replaceAll(/[^\n]/g, ' '));
}

/** Where the list that opens at `open` closes; -1 when it does not. */
function closingOf(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at += 1) {
    if (code[at] === '[') depth += 1;
    if (code[at] === ']') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

/** @returns the text with one more element in `slices`; null when it is written in a form that is not known here. */
function withElement(text: string, entry: ConfigEntry): string | null {
  const code = codeOf(text);
  const [found, ...others] = [...code.matchAll(/\bslices\s*:\s*\[/g)];
  if (!found || others.length > 0) return null;
  const open = found.index + found[0].length - 1;
  const close = closingOf(code, open);
  if (close < 0) return null;
  const indent = /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', open) + 1))?.[0] ?? '';
  const inside = code.slice(open + 1, close);
  const fits = indent.length + entry.element.length + 3 <= WIDTH;
  const added = (fits ? [entry.element] : entry.tall).map((line) => `${indent}  ${line}`).join('\n');
  const end = open + 1 + inside.trimEnd().length; // behind the last element, before a comment that follows it
  const before = inside.includes('\n')
    ? text.slice(open + 1, end)
    : `\n${indent}  ${text.slice(open + 1, end).trim()}`;
  const comma = inside.trim() === '' || inside.trimEnd().endsWith(',') ? '' : ',';
  const trailing = inside.includes('\n') ? text.slice(end, close).trimEnd() : '';
  const kept = inside.trim() === '' && !inside.includes('\n') ? '' : before + comma + trailing;
  return `${text.slice(0, open + 1)}${kept}\n${added},\n${indent}${text.slice(close)}`;
}

/** @returns the text with the import; null when imports are written in a form that is not known here. */
function withImport(text: string, { exported, file, needs }: ConfigEntry): string | null {
  const ofContracts = /^import \{([^}]*)\} from (['"])@banyan\/contracts\2;?$/m.exec(text);
  if (!ofContracts) return null;
  const [whole, names = ''] = ofContracts;
  const had = names.split(',').map((name) => name.trim());
  const missing = needs.filter((name) => !had.includes(name));
  const wanted = [...had.filter((name) => name !== ''), ...missing].join(', ');
  const completed =
    missing.length === 0
      ? text
      : text.replace(whole, () => whole.replace(`{${names}}`, () => `{ ${wanted} }`));
  const last = [...completed.matchAll(/^import [^;]*? from (['"])[^'"]+\1;?$/gm)].at(-1);
  if (!last) return null;
  const at = last.index + last[0].length;
  return `${completed.slice(0, at)}\nimport { ${exported} } from '${file}';${completed.slice(at)}`;
}

/**
 * Puts a slice into the text of banyan.config.ts. One that imports the slice's file already stays as it is.
 *
 * @returns null when the file is not written as the sample's: one list `slices: [...]`, one import of `@banyan/contracts`.
 */
export function addToConfig(text: string, entry: ConfigEntry): string | null {
  if (text.includes(`'${entry.file}'`) || text.includes(`"${entry.file}"`)) return text;
  const imported = withImport(text, entry);
  return imported === null ? null : withElement(imported, entry);
}
