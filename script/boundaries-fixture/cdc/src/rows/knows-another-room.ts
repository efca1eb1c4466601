export { room } from '../bus/room.ts';
