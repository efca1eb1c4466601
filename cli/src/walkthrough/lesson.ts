/** One step of the walkthrough, read from its Markdown file. */
export interface Lesson {
  /** File name without `.md`, e.g. `03-first-reads`. */
  readonly id: string;
  readonly title: string;
  /** What stands before the first section. */
  readonly intro: string;
  /** A question to answer for oneself before going on; null when the step asks none. */
  readonly predict: string | null;
  /** Shell commands in order: the text of each `sh` fence under "Do". */
  readonly commands: readonly string[];
  /** One probe a line, from the `probe` fence under "Check". */
  readonly probes: readonly string[];
  readonly seen: string;
}

/** A lesson file that the runner cannot follow. */
export class LessonError extends Error {
  readonly code = 'lesson-invalid';
  override readonly name = 'LessonError';
}

function sectionsOf(markdown: string): Map<string, string> {
  const sections = new Map<string, string>();
  let name = '';
  let isFenced = false;
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) isFenced = !isFenced;
    const heading = isFenced ? null : /^## (.+)$/.exec(line);
    if (heading) name = heading[1] ?? '';
    else sections.set(name, `${sections.get(name) ?? ''}${line}\n`);
  }
  return sections;
}

function fences(text: string, language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...text.matchAll(pattern)].map((match) => (match[1] ?? '').trimEnd());
}

/**
 * Reads a lesson: `# Title`, then the sections Predict (may be left out), Do, Check, What you just saw.
 *
 * @throws LessonError naming the file and everything that is missing.
 */
export function parseLesson(id: string, markdown: string): Lesson {
  const sections = sectionsOf(markdown);
  const top = sections.get('') ?? '';
  const title = /^# (.+)$/m.exec(top)?.[1];
  const commands = fences(sections.get('Do') ?? '', 'sh');
  const probes = fences(sections.get('Check') ?? '', 'probe').flatMap((block) => block.split('\n'));
  const seen = sections.get('What you just saw')?.trim();
  const missing = [
    ...(title ? [] : ['a title (# ...)']),
    ...(commands.length > 0 ? [] : ['a ```sh fence under "## Do"']),
    ...(probes.length > 0 ? [] : ['a ```probe fence under "## Check"']),
    ...(seen ? [] : ['"## What you just saw"']),
  ];
  if (!title || !seen || missing.length > 0) throw new LessonError(`${id}.md lacks: ${missing.join(', ')}`);
  return {
    id,
    title,
    intro: top.replace(/^# .+$/m, '').trim(),
    predict: sections.get('Predict')?.trim() ?? null,
    commands,
    probes,
    seen,
  };
}
