import { CONTROL_SCHEMA_VERSION, type JournalEntry } from '@banyan/contracts';
import { z } from 'zod';
import type { AddRoutes } from '../http/add-routes.ts';
import { parse } from '../http/parse.ts';
import type { JournalQuery } from './journal-query.ts';

const journalQuery = z.strictObject({
  slice: z.string().min(1).optional(),
  afterId: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** `GET /v1/journal?slice=&afterId=&limit=`. */
export function journalRoutes(deps: {
  readonly journal: (query: JournalQuery) => Promise<readonly JournalEntry[]>;
  /** Throws when there is no such slice. */
  readonly checkSlice: (name: string) => void;
}): AddRoutes {
  const { journal, checkSlice } = deps;
  return (app, { isAdmin }) => {
    app.get('/v1/journal', isAdmin, async (request, response) => {
      const query = parse(journalQuery, request.query, 'query');
      if (query.slice !== undefined) checkSlice(query.slice);
      response.json({ schema_version: CONTROL_SCHEMA_VERSION, entries: await journal(query) });
    });
  };
}
