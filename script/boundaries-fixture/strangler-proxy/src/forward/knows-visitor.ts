import type { Visit } from '../visitor/visit.ts';

export const visits: Visit[] = [];
