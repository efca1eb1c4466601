import { syncRetryRequestSchema, syncSkipRequestSchema } from '@banyan/contracts';
import express, { type Express } from 'express';
import { z } from 'zod';
import type { HeldRecords } from './held-records.ts';
import { findSlice, type ManagedSlice } from '../slices/managed-slice.ts';
import { requireToken } from '../http/auth.ts';
import { parse } from '../http/parse.ts';
import { goneSignal, paramOf } from '../http/request.ts';

const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(20) });

/** What a slice's service holds back, and the two ways out: `/v1/slices/:name/quarantine`. */
export function addQuarantineRoutes(
  app: Express,
  deps: { readonly held: HeldRecords; readonly slices: readonly ManagedSlice[]; readonly adminToken: string },
): void {
  const { held, slices } = deps;
  const isAdmin = requireToken(deps.adminToken, 'the token of people: in the file ADMIN_TOKEN_FILE');
  const json = express.json({ limit: '100kb' });
  app.get('/v1/slices/:name/quarantine', isAdmin, async (request, response) => {
    const slice = findSlice(slices, paramOf(request, 'name'));
    const { limit } = parse(listQuery, request.query, 'query');
    response.json(await held.list(slice, limit, goneSignal(response)));
  });
  app.post('/v1/slices/:name/quarantine/retry', isAdmin, json, async (request, response) => {
    const slice = findSlice(slices, paramOf(request, 'name'));
    const order = parse(syncRetryRequestSchema, request.body, 'body');
    response.json(await held.retry(slice, order, goneSignal(response)));
  });
  app.post('/v1/slices/:name/quarantine/skip', isAdmin, json, async (request, response) => {
    const slice = findSlice(slices, paramOf(request, 'name'));
    const order = parse(syncSkipRequestSchema, request.body, 'body');
    response.json(await held.skip(slice, order, goneSignal(response)));
  });
}
