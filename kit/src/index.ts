export * from './config.ts';
export * from './http.ts';
export * from './identity.ts';
export * from './lifecycle.ts';
export * from './log.ts';
export * from './printable.ts';
