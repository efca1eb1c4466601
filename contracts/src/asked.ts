import { z } from 'zod';

/** Longest names and reasons that a verb takes, in characters: they are kept for ever and shown again and again. */
export const MAX_BY_CHARS = 100;
export const MAX_REASON_CHARS = 1_000;

/** Who asks, for the journal. Any characters: whoever shows it escapes what a terminal would obey. */
export const bySchema = z.string().min(1).max(MAX_BY_CHARS, `at most ${MAX_BY_CHARS} characters`);

/** Why, for the journal. Any characters, as with `bySchema`. */
export const reasonSchema = z.string().min(1).max(MAX_REASON_CHARS, `at most ${MAX_REASON_CHARS} characters`);
