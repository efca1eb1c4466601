import { confirm, isCancel, select } from '@clack/prompts';
import { style } from '../output/terminal.ts';
import type { Question } from './lesson.ts';

/** Whether somebody is there to answer; the walkthrough goes on by itself when not. */
export interface Guide {
  /** True when somebody looks on. */
  readonly isPresent: boolean;
  /** Shows a question with its answers. @returns the index of the one chosen, null for none, `quit` to leave. */
  predict(question: Question): Promise<number | null | 'quit'>;
  /** Shows nothing; asks whether to run the command above. */
  mayRun(): Promise<boolean>;
}

/** Nobody is there: the question is printed, and all is run. */
export const printed: Guide = {
  isPresent: false,
  predict({ text, answers }) {
    console.log(`${style('bold', 'Predict')}: ${text}`);
    for (const answer of answers) console.log(`  - ${answer}`);
    return Promise.resolve(null);
  },
  mayRun: () => Promise.resolve(true),
};

const NO_IDEA = -1;

/** Somebody sits at a terminal. */
export const interactive: Guide = {
  isPresent: true,
  async predict({ text, answers }) {
    const chosen = await select({
      message: `Predict: ${text}`,
      options: [
        ...answers.map((label, value) => ({ value, label })),
        { value: NO_IDEA, label: 'No idea; tell me' },
      ],
    });
    if (isCancel(chosen)) return 'quit';
    return chosen === NO_IDEA ? null : chosen;
  },
  async mayRun() {
    const answer = await confirm({ message: 'Run it?', active: 'run', inactive: 'leave the walkthrough' });
    return !isCancel(answer) && answer;
  },
};

/** The verdict on an answer, in one line; the right answer when none was given. */
export function verdictOn({ answers, right }: Question, chosen: number | null): string {
  const answer = answers[right] ?? '';
  if (chosen === null) return `${style('bold', 'Answer')}: ${answer}`;
  if (chosen === right) return `${style('green', 'Right')}: ${answer}`;
  return `${style('yellow', 'Not quite')}: you said "${answers[chosen] ?? ''}"; it is: ${answer}`;
}
