export { room } from '../quarantine/room.ts';
