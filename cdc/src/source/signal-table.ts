/** The table through which the reader is asked for things. In every publication of a feed; its rows are on no topic. */
export const SIGNAL_TABLE = 'banyan.signal';
