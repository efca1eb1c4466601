export { room } from '../service-client/room.ts';
