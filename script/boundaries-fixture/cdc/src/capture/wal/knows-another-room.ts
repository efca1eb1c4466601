export { room } from '../table-snapshot/room.ts';
