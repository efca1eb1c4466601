export { source } from '../capture/feed/source.ts';
