export { room } from '../http/room.ts';
