import { quarantineRetryRequestSchema, quarantineSkipRequestSchema } from '@banyan/contracts';
import express from 'express';
import { z } from 'zod';
import type { AddRoutes } from '../http/add-routes.ts';
import { parse } from '../http/parse.ts';
import { goneSignal, paramOf } from '../http/request.ts';
import { findSlice, type ManagedSlice } from '../slices/managed-slice.ts';
import type { QuarantinedRecords } from './quarantined-records.ts';

const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(20) });

/** A slice's quarantine, and the two ways out of it: `/v1/slices/:name/quarantine`. */
export function quarantineRoutes(records: QuarantinedRecords, slices: readonly ManagedSlice[]): AddRoutes {
  const json = express.json({ limit: '100kb' });
  return (app, { isAdmin }) => {
    app.get('/v1/slices/:name/quarantine', isAdmin, async (request, response) => {
      const slice = findSlice(slices, paramOf(request, 'name'));
      const { limit } = parse(listQuery, request.query, 'query');
      response.json(await records.list(slice, limit, goneSignal(response)));
    });
    app.post('/v1/slices/:name/quarantine/retry', isAdmin, json, async (request, response) => {
      const slice = findSlice(slices, paramOf(request, 'name'));
      const order = parse(quarantineRetryRequestSchema, request.body, 'body');
      response.json(await records.retry(slice, order, goneSignal(response)));
    });
    app.post('/v1/slices/:name/quarantine/skip', isAdmin, json, async (request, response) => {
      const slice = findSlice(slices, paramOf(request, 'name'));
      const order = parse(quarantineSkipRequestSchema, request.body, 'body');
      response.json(await records.skip(slice, order, goneSignal(response)));
    });
  };
}
