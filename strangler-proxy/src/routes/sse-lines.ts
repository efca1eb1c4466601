/** One event of a server-sent event stream. */
export interface SseEvent {
  /** Default `message`. */
  readonly event: string;
  readonly data: string;
}

/**
 * Reads events from the text of a `text/event-stream` as it comes in, in pieces of any size. Comments (pings), ids
 * and retry times are skipped. @throws Error when one event has more than `maxChars`.
 */
export function createSseReader(maxChars = 4_000_000): (text: string) => readonly SseEvent[] {
  let rest = '';
  let event = 'message';
  let data: string[] = [];

  function takeLine(line: string): SseEvent | null {
    if (line === '') {
      const ended = data.length > 0 ? { event, data: data.join('\n') } : null;
      event = 'message';
      data = [];
      return ended;
    }
    const at = line.indexOf(':');
    const name = at === -1 ? line : line.slice(0, at);
    const value = at === -1 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (name === 'event') event = value;
    if (name === 'data') data.push(value);
    return null;
  }

  return (text) => {
    rest += text;
    if (rest.length > maxChars) throw new Error(`an event of more than ${maxChars} characters`);
    // A lone \r at the end may be the first half of \r\n.
    const isHalf = rest.endsWith('\r');
    const lines = (isHalf ? rest.slice(0, -1) : rest).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + (isHalf ? '\r' : '');
    return lines.map(takeLine).filter((found) => found !== null);
  };
}
