/** Fields that say how to read or route a message, or who asks: never taken from a trailer (RFC 9110 6.5.1). */
const NEVER_A_TRAILER =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-(?:length|encoding|type|range)|host|expect|cookie|set-cookie|authorization|via|forwarded|x-forwarded-.*|x-real-ip|banyan-.*)$/i;

/** @param raw Trailers; name, value, name, value. @returns Those that may be passed on, as pairs. */
export function passableTrailers(raw: readonly string[]): [string, string][] {
  const trailers: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!NEVER_A_TRAILER.test(name)) trailers.push([name, raw[i + 1] ?? '']);
  }
  return trailers;
}
