export { adapter } from '../adapters/adapter.ts';
