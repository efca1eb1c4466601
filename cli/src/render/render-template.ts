/** What fills a template's marks, by name; and which of its parts are wanted. */
export interface Filling {
  /** Lines for `# @name`, indented as that mark is. */
  readonly blocks: Readonly<Record<string, readonly string[]>>;
  /** Parts between `# @if name` and `# @end` that stay. */
  readonly conditions: Readonly<Record<string, boolean>>;
}

const MARK = /^( *)# @(if |end$)?(.*)$/;

/**
 * Fills a YAML template line by line: the file stays readable as what it makes.
 *
 * @throws Error for a mark that nobody fills.
 */
export function renderTemplate(template: string, { blocks, conditions }: Filling): string {
  const open: boolean[] = [];
  const out: string[] = [];
  for (const line of template.split('\n')) {
    const [, indent = '', verb, name = ''] = MARK.exec(line) ?? [];
    const isMark = MARK.test(line);
    if (verb === 'if ') {
      const wanted = conditions[name];
      if (wanted === undefined) throw new Error(`the template asks for a part "${name}" that nobody knows`);
      open.push(wanted);
    } else if (verb === 'end') {
      open.pop();
    } else if (!open.includes(false)) {
      const block = isMark ? blocks[name] : [line];
      if (!block) throw new Error(`the template has a mark "${name}" that nobody fills`);
      out.push(...(isMark ? block.map((each) => (each === '' ? '' : indent + each)) : block));
    }
  }
  return out.join('\n').replaceAll(/\n{3,}/g, '\n\n');
}
