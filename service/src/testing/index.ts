export { eventually } from './eventually.ts';
export { changeOf, controlRecords, heartbeat, type FeedRecord } from './feed.ts';
export { serveWithoutFeed, type ServedWithoutFeed } from './serve-without-feed.ts';
export type { ServiceContract } from './contract-terms.ts';
export { serviceContract } from './service-contract.ts';
export { failureOf, spawnService, stopService, urlOf } from './service-process.ts';
export { environmentOf, makeTestSettings, type ServiceLike, type TestSettings } from './settings.ts';
export { validateAnswers, type AnswerValidator } from './validate-answers.ts';
