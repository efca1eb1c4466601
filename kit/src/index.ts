export * from './bearer.ts';
export * from './config.ts';
export * from './http.ts';
export * from './identity.ts';
export * from './lifecycle.ts';
export * from './log.ts';
export * from './raw-answer.ts';
export * from './url-of.ts';
