export { room } from '../wal/room.ts';
