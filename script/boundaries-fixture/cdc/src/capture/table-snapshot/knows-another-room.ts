export { room } from '../reader/room.ts';
