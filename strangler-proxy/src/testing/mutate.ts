/** Small numbers that look random and come again with the same seed (xorshift, 32 bits). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Pieces that parsers of HTTP trip over. */
const TRAPS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\x7f',
  '\x01',
  '\xff',
  ' ',
  '\t',
  ':',
  'Content-Length: 5\r\n',
  'Content-Length: -1\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\n',
  'Upgrade: websocket\r\n',
  'Trailer: x\r\n',
  'Keep-Alive: timeout=0\r\n',
  'Content-Disposition: attachment; filename="\xe2\x82\xac"\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\n\r\n',
  'HTTP/1.1 999 ',
  'HTTP/1.1 099 ',
  'HTTP/2.0 ',
  '0\r\n\r\n',
  'ffffffffffffffff\r\n',
  '5;x=y\r\nhello\r\n',
];

/** Changes a text in one to four places: a byte flipped, a piece cut, doubled, moved, or a trap put in. */
export function mutate(text: string, random: (below: number) => number): string {
  let mutated = text;
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(mutated.length + 1);
    const length = 1 + random(12);
    const piece = mutated.slice(at, at + length);
    switch (random(6)) {
      case 0:
        mutated = mutated.slice(0, at) + String.fromCharCode(random(256)) + mutated.slice(at + 1);
        break;
      case 1:
        mutated = mutated.slice(0, at) + mutated.slice(at + length);
        break;
      case 2:
        mutated = mutated.slice(0, at) + piece + mutated.slice(at);
        break;
      case 3:
        mutated = mutated.slice(0, at);
        break;
      default:
        mutated = mutated.slice(0, at) + (TRAPS[random(TRAPS.length)] ?? '') + mutated.slice(at);
    }
  }
  return mutated;
}
