export { orders } from '../../orders/src/index.ts';
