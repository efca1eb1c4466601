import type { RequestHandler } from 'express';
import { DEPARTMENTS } from '../catalog/departments.ts';
import { formatDay, formatMoney } from './format.ts';

/** The shop's name, as the header shows it. */
export const SHOP_NAME = 'Alderwick';

/**
 * What each page's frame needs. All of it is fixed but `customer` and `csrfToken`, which later middleware sets:
 * the header is `SHOP_NAME`, the departments, "Cart", and `Account (displayName)` or "Sign in".
 */
export const layoutLocals: RequestHandler = (_req, res, next) => {
  Object.assign(res.locals, {
    shopName: SHOP_NAME,
    departments: DEPARTMENTS,
    department: null,
    customer: null,
    csrfToken: '',
    formatMoney,
    formatDay,
  });
  next();
};
