export { source } from '../../cdc/src/capture/feed/source.ts';
