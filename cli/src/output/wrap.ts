/**
 * Prose for a terminal: the line breaks of its Markdown source are undone and made anew at `width` columns.
 * Paragraphs stay apart, and each item of a `- ` list begins a line.
 */
export function wrap(markdown: string, width: number): string {
  return markdown
    .split(/\n{2,}/)
    .map((paragraph) =>
      paragraph
        .split(/\n(?=- )/)
        .map((item) => wrapLine(item, width))
        .join('\n'),
    )
    .join('\n\n');
}

function wrapLine(text: string, width: number): string {
  const indent = text.startsWith('- ') ? '  ' : '';
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}
