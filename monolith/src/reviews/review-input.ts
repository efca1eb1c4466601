import { z } from 'zod';
import { text, wholeNumber } from '../web/input.ts';

/** Longest body of a review in characters. */
export const MAX_BODY = 4000;

/** A review as a form or a JSON body brings it. */
export const reviewInput = z.object({
  rating: wholeNumber(1, 5, 'Choose from 1 to 5 stars.'),
  title: text({ missing: 'Give your review a title.', max: 120 }),
  body: text({ missing: 'Tell others what you think.', max: MAX_BODY }),
});

/** `rating` 1 to 5, `title` up to 120 characters, `body` up to 4000; both trimmed. */
export type ReviewInput = z.output<typeof reviewInput>;
