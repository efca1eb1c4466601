const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' });
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** `129900` as `€1,299.00`. */
export const formatMoney = (cents: number): string => euros.format(cents / 100);

/** A moment as its day in UTC, e.g. `3 March 2026`. */
export const formatDay = (moment: Date): string => day.format(moment);
