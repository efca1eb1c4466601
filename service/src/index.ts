export { configTableOf, readServiceSettings, serviceConfigTable, type ServiceSettings } from './config.ts';
export {
  defineService,
  ServiceDefinitionError,
  type Parts,
  type Service,
  type ServiceDefinition,
} from './define-service.ts';
export { path, port, positiveNumber, publicKey, secret, url } from './fields.ts';
export type { ErrorAnswer, Face, FrameLocals, Pages } from './http/face.ts';
export {
  get,
  page,
  patch,
  post,
  put,
  remove,
  seeOther,
  view,
  type Customer,
  type Route,
  type RouteRequest,
} from './http/route.ts';
export { serviceApp, type AppOptions } from './http/service-app.ts';
export { keepCopy, type Copy, type CopyOptions } from './keep-copy.ts';
export { readListQuery, readPageNumber, readQuery, wholeNumber, type Query } from './list-query.ts';
export { notWritten, NotWrittenError } from './not-written.ts';
export { paginate, type PageRequest, type Paging } from './paging.ts';
export { found, Refusal, type FieldErrors, type RefusalCode } from './refusal.ts';
export { runService } from './run-service.ts';
export { startService, type RunningService } from './start-service.ts';
export { openStore, StoreUnopenableError } from './store/open-store.ts';
export type { OpenStore, StoreConnections, StoreKind } from './store/store.ts';
