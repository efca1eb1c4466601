/**
 * PostgreSQL's texts of dates and times (datestyle ISO, zone UTC) as Debezium tells them with
 * `time.precision.mode=microseconds`. Calendar and years are PostgreSQL's own: proleptic Gregorian, from
 * 4713 BC to 294276 (dates to 5874897), which JavaScript's Date does not cover.
 */

const MOMENT = /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?))?(?:[+-][\d:]+)?( BC)?$/;
const MICROS_OF_DAY = 86_400_000_000;
/** Days whose microseconds are below 2^53. */
const SAFE_DAYS = 104_249;

/** Debezium's documented stand-ins for an infinite `timestamp` (those of PostgreSQL's JDBC driver). */
const INFINITE_TIMESTAMPS: Readonly<Record<string, bigint>> = {
  infinity: 9223372036825200000n,
  '-infinity': -9223372036832400000n,
};

interface Moment {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** `hh:mm:ss` with up to six digits behind the point. */
  readonly timeOfDay: string;
}

/** Null for `infinity` and `-infinity`. */
function parseMoment(text: string): Moment | null {
  const match = MOMENT.exec(text);
  if (!match) return null;
  const [, year = '', month = '', day = '', timeOfDay = '00:00:00', bc] = match;
  return { year: bc ? 1 - Number(year) : Number(year), month: Number(month), day: Number(day), timeOfDay };
}

/** Days since 1970-01-01. Years begin in March here, so that a leap day is the last of its year. */
function epochDays({ year, month, day }: Moment): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** `date`: days since 1970; infinite ones keep their text. */
export function decodeDate(text: string): number | string {
  const moment = parseMoment(text);
  return moment ? epochDays(moment) : text;
}

/** `time`: microseconds since midnight, up to 24:00:00. */
export function decodeTime(text: string): number {
  const [clock = '', fraction = ''] = text.split('.');
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + Number(fraction.padEnd(6, '0'));
}

/** `timestamp`: microseconds since 1970 of a wall clock without zone. */
export function decodeTimestamp(text: string): number | bigint | string {
  const moment = parseMoment(text);
  if (!moment) return INFINITE_TIMESTAMPS[text] ?? text;
  const days = epochDays(moment);
  const micros = decodeTime(moment.timeOfDay);
  if (Math.abs(days) < SAFE_DAYS) return days * MICROS_OF_DAY + micros;
  const exact = BigInt(days) * BigInt(MICROS_OF_DAY) + BigInt(micros);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

/**
 * `timestamptz`: ISO 8601 in UTC; the session's zone is UTC, so that the printed one needs no arithmetic. Years before 1
 * and beyond 9999 are signed. Infinite ones keep their text.
 *
 * @param digits Behind the point, 0 to 6: the column's precision.
 */
export function decodeTimestampTz(text: string, digits: number): string {
  if (text[4] === '-' && text.endsWith('+00')) {
    // Years of four digits, that is to say nearly all, need no parsing: it is a matter of punctuation.
    return `${text.slice(0, 10)}T${text.slice(11, 19)}${fractionOf(text.slice(20, -3), digits)}Z`;
  }
  const moment = parseMoment(text);
  if (!moment) return text;
  const { year, month, day, timeOfDay } = moment;
  const [clock = '', fraction = ''] = timeOfDay.split('.');
  const sign = year < 0 ? '-' : year > 9_999 ? '+' : '';
  const date = `${sign}${padded(Math.abs(year), 4)}-${padded(month, 2)}-${padded(day, 2)}`;
  return `${date}T${clock}${fractionOf(fraction, digits)}Z`;
}

function fractionOf(printed: string, digits: number): string {
  return digits > 0 ? `.${printed.padEnd(digits, '0')}` : '';
}

/** `timetz`: time of day in UTC with the digits that it has; the text's offset is the value's own. */
export function decodeTimeTz(text: string): string {
  const match = /^([\d:.]+)([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?$/.exec(text);
  if (!match) return text;
  const [, timeOfDay = '', sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000_000;
  const local = decodeTime(timeOfDay);
  if (local === MICROS_OF_DAY && offset === 0) return '24:00:00Z';
  const micros = (local - (sign === '-' ? -offset : offset) + 2 * MICROS_OF_DAY) % MICROS_OF_DAY;
  const fraction = padded(micros % 1_000_000, 6).replace(/0+$/, '');
  const whole = Math.floor(micros / 1_000_000);
  const clock = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  return `${clock.map((part) => padded(part, 2)).join(':')}${fraction ? `.${fraction}` : ''}Z`;
}

const INTERVAL =
  /^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+(?:\.\d+)?)S)?)?$/;

/** `interval`: PostgreSQL leaves out parts that are 0, Debezium prints them all. Infinite ones keep their text. */
export function decodeInterval(text: string): string {
  const match = INTERVAL.exec(text);
  if (!match) return text;
  const [, years = '0', months = '0', days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  return `P${years}Y${months}M${days}DT${hours}H${minutes}M${seconds}S`;
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
