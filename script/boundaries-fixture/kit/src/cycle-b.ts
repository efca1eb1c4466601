export { a } from './cycle-a.ts';
export const b = 'b';
