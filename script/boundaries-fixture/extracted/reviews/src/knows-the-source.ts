export { source } from '../../../cdc/src/source/source.ts';
