export { bed } from '../../testing/beds/bed.ts';
