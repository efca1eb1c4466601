import { CodedError } from '@banyan/kit';
import { parsePlace, type Place } from './place.ts';

/** A question with its answers, of which one is right. */
export interface Question {
  readonly text: string;
  readonly answers: readonly string[];
  /** Index of the right answer. */
  readonly right: number;
  /** Why it is right, in a sentence or two. */
  readonly because: string;
}

/** A `sh` fence under "Do". Behind `sh` may stand where it begins and leads: `reviews: syncing -> canary 5%`. */
export interface LessonCommand {
  readonly text: string;
  /** What is moved; null for a command that moves nothing. */
  readonly move: { readonly slice: string; readonly from: Place; readonly to: Place | null } | null;
  /** True for `meter`: who answers is shown, second by second, until all is well again. */
  readonly isMetered: boolean;
}

/** One step of the walkthrough, read from its Markdown file. */
export interface Lesson {
  /** File name without `.md`, e.g. `03-first-reads`. */
  readonly id: string;
  /** Without its number. */
  readonly title: string;
  /** What stands before the first section. */
  readonly intro: string;
  /** To be answered before going on; null when the step asks none. */
  readonly question: Question | null;
  readonly commands: readonly LessonCommand[];
  /** One probe a line, from the `probe` fence under "Check". */
  readonly probes: readonly string[];
  readonly seen: string;
}

/** A lesson file that the runner cannot follow. */
export class LessonError extends CodedError<'lesson-invalid'> {
  constructor(message: string) {
    super('lesson-invalid', message);
  }
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

function fences(text: string, language: string): { readonly info: string; readonly text: string }[] {
  const pattern = new RegExp(`^\`\`\`${language}\\b *(.*)\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...text.matchAll(pattern)].map((match) => ({
    info: match[1] ?? '',
    text: (match[2] ?? '').trimEnd(),
  }));
}

function parseCommand({ info, text }: { readonly info: string; readonly text: string }): LessonCommand {
  const isMetered = /(^|, )meter$/.test(info);
  const [slice = '', from, to] = info.replace(/(^|, )meter$/, '').split(/: | -> /);
  const move = from === undefined ? null : { slice, from: parsePlace(from), to: to ? parsePlace(to) : null };
  return { text, move, isMetered };
}

/** The question, a `- [ ]` line an answer, `[x]` for the right one, and why. Null when that is not what it is. */
function parseQuestion(section: string): Question | null {
  const [text = '', list = '', ...rest] = section.trim().split(/\n{2,}/);
  const items = list
    .split(/\n(?=- )/)
    .map((item) => /^- \[([ x])\] ([\s\S]+)$/.exec(item))
    .map((match) => match && { isRight: match[1] === 'x', answer: (match[2] ?? '').replaceAll(/\s+/g, ' ') });
  const right = items.findIndex((item) => item?.isRight);
  const isOne = items.filter((item) => item?.isRight).length === 1;
  const because = rest.join('\n\n');
  if (!isOne || because === '' || items.includes(null)) return null;
  return {
    text: text.replaceAll(/\s+/g, ' '),
    right,
    because,
    answers: items.map((item) => item?.answer ?? ''),
  };
}

/**
 * Reads a lesson: `# Title`, then the sections Predict (may be left out), Do, Check, What you just saw.
 *
 * @throws LessonError naming the file and everything that is missing.
 */
export function parseLesson(id: string, markdown: string): Lesson {
  const sections = sectionsOf(markdown);
  const top = sections.get('') ?? '';
  const title = /^# (?:\d+\. )?(.+)$/m.exec(top)?.[1];
  const commands = fences(sections.get('Do') ?? '', 'sh').map(parseCommand);
  const probes = fences(sections.get('Check') ?? '', 'probe').flatMap(({ text }) => text.split('\n'));
  const seen = sections.get('What you just saw')?.trim();
  const predict = sections.get('Predict');
  const question = predict === undefined ? null : parseQuestion(predict);
  const missing = [
    ...(title ? [] : ['a title (# ...)']),
    ...(commands.length > 0 ? [] : ['a ```sh fence under "## Do"']),
    ...(probes.length > 0 ? [] : ['a ```probe fence under "## Check"']),
    ...(seen ? [] : ['"## What you just saw"']),
    ...(predict === undefined || question
      ? []
      : ['under "## Predict" a question, answers with one [x], and why it is right']),
  ];
  if (!title || !seen || missing.length > 0) throw new LessonError(`${id}.md lacks: ${missing.join(', ')}`);
  return { id, title, intro: top.replace(/^# .+$/m, '').trim(), question, commands, probes, seen };
}
