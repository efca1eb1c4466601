export { room } from '../apply/room.ts';
