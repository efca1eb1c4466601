export { serviceContract } from '../../../service/src/testing/index.ts';
