import { writeWhole } from './run-state.ts';

/** Between two tries to write what could not be written, milliseconds. */
const RETRY_MS = 1_000;

/**
 * A file that always ends up with the last text given. One that cannot be written (a full disk, a folder that became
 * read-only) is tried again each second, with the newest text: what is written for people to look at must not end the
 * processes that it tells of.
 */
export class PersistentFile {
  readonly #file: string;
  readonly #say: (line: string) => void;
  #text: string | null = null;
  #retry: NodeJS.Timeout | null = null;
  #problem: string | null = null;

  /** @param say Told once when it cannot be written, and once when it can again. Default: standard error. */
  constructor(file: string, say: (line: string) => void = (line) => console.error(line)) {
    this.#file = file;
    this.#say = say;
  }

  /** Does not throw. */
  write(text: string): void {
    this.#text = text;
    if (this.#retry === null) this.#try();
  }

  /** Writes no more. Idempotent. */
  close(): void {
    this.#text = null;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #try(): void {
    this.#retry = null;
    if (this.#text === null) return;
    try {
      writeWhole(this.#file, this.#text);
      if (this.#problem !== null) this.#say(`${this.#file} is written again`);
      this.#problem = null;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.#problem) this.#say(`${this.#file} cannot be written: ${problem}`);
      this.#problem = problem;
      this.#retry = setTimeout(() => this.#try(), RETRY_MS);
      this.#retry.unref();
    }
  }
}
