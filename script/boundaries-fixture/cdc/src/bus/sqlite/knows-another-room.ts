export { room } from '../kafka/room.ts';
