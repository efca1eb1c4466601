export { service } from '../../service/src/index.ts';
