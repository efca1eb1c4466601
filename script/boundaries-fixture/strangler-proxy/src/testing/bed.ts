export const bed = 1;
