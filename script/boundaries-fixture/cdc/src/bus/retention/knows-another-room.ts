export { room } from '../sqlite/room.ts';
