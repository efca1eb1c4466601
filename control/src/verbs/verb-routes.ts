import express from 'express';
import type { AddRoutes } from '../http/add-routes.ts';
import { goneSignal, paramOf } from '../http/request.ts';
import { findSlice, type ManagedSlice } from '../slices/managed-slice.ts';
import { parseOrder, parseVerb } from './parse-order.ts';
import type { SliceVerbs } from './slice-verbs.ts';

/** `POST /v1/slices/:name/:verb`. */
export function verbRoutes(verbs: SliceVerbs, slices: readonly ManagedSlice[]): AddRoutes {
  const json = express.json({ limit: '100kb' });
  return (app, { isAdmin }) => {
    app.post('/v1/slices/:name/:verb', isAdmin, json, async (request, response) => {
      const { name } = findSlice(slices, paramOf(request, 'name'));
      const order = parseOrder(name, parseVerb(paramOf(request, 'verb')), request.body);
      response.json(await verbs.perform(name, order, goneSignal(response)));
    });
  };
}
