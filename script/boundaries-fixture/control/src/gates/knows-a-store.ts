export { store } from '../slices/store/sqlite-store.ts';
