export { kit } from '../../kit/src/index.ts';
