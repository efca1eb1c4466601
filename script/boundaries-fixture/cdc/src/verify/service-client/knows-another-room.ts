export { room } from '../mapping-check/room.ts';
