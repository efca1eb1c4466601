export type Gate = string;
