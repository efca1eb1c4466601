import ts from 'typescript';

/** Words that people read. */
export interface Prose {
  /** Where they begin, from 1. */
  readonly line: number;
  readonly text: string;
}

/** A Markdown text without its code, line by line: what stands in fences or backquotes, and where links lead, is blank. */
export function proseOfMarkdown(markdown: string): Prose {
  let fence: string | null = null;
  const lines = markdown.split('\n').map((line) => {
    const mark = /^\s*(```+)/.exec(line)?.[1] ?? null;
    const isCode = mark !== null || fence !== null;
    if (mark !== null && fence === null) fence = mark;
    else if (mark !== null && fence !== null && mark.startsWith(fence)) fence = null;
    return isCode ? '' : line.replaceAll(/`[^`]*`/g, '`').replaceAll(/\]\([^)]*\)/g, ']');
  });
  return { line: 1, text: lines.join('\n') };
}

/** The texts of several words in a source file: literals, and the pieces of templates. */
export function proseOfCode(source: string): Prose[] {
  const file = ts.createSourceFile('file.ts', source, ts.ScriptTarget.Latest, true);
  const pieces: Prose[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      if (/\w \w/.test(node.text)) pieces.push({ line: line + 1, text: node.text });
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return pieces;
}
