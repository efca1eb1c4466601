export { room } from '../postgres/room.ts';
