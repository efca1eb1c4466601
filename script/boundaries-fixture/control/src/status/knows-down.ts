export { ledger } from '../slices/ledger.ts';
