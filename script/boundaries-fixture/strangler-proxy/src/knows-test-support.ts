export { bed } from './testing/bed.ts';
