import { catalogQuerySchema, type CatalogResponse } from '@banyan/contracts';
import { proposeTable } from '@banyan/cdc/verify';
import { withDeadline } from '@banyan/kit';
import type { AddRoutes } from '../http/add-routes.ts';
import { parse } from '../http/parse.ts';
import { goneSignal } from '../http/request.ts';
import { describeAll } from './describe-all.ts';
import type { TableFeed } from './ports.ts';

const DEADLINE_MS = 15_000;

/** `GET /v1/catalog?tables=public.orders,public.items`: what a new slice could copy, and why it could not. */
export function catalogRoutes(feed: Pick<TableFeed, 'describeTables'>): AddRoutes {
  return (app, { isAdmin }) => {
    app.get('/v1/catalog', isAdmin, async (request, response) => {
      const { tables: names } = parse(catalogQuerySchema, request.query, 'query');
      const signal = withDeadline(goneSignal(response), DEADLINE_MS);
      const { tables, problems } = await describeAll(feed, names, signal);
      const proposed = names.flatMap((name) => {
        const table = tables.find((each) => each.name === name);
        return table ? [proposeTable(table)] : [];
      });
      response.json({
        schema_version: 1,
        tables: proposed.filter((each) => each.problems.length === 0).map(({ table }) => table),
        problems: [...problems, ...proposed.flatMap((each) => each.problems)],
      } satisfies CatalogResponse);
    });
  };
}
