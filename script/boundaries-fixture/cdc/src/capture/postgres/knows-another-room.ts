export { source } from '../feed/source.ts';
