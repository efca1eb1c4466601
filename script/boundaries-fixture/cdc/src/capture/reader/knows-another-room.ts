export { room } from '../debezium/room.ts';
