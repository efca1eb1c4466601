/** Code of a CopyData message, and the bytes of a header: code and length (PostgreSQL's message formats). */
const COPY_DATA = 0x64;
const HEADER_BYTES = 5;
/** From so many bytes on a frame is taken off pg. */
const LARGE_BYTES = 1024 * 1024;

/** What `takeLargeFrames` does with a connection's bytes. */
export interface FrameTakers {
  /** pg's own parser. */
  readonly pass: (bytes: Buffer) => void;
  /** The payload of a large CopyData message. It is gone when this returns. */
  readonly onLargeFrame: (payload: Buffer) => void;
}

/**
 * Takes large CopyData messages out of a connection's bytes before pg's parser sees them: that one keeps a message in a
 * buffer that it doubles and copies while more comes, and so needs twice its memory. Here it gets its size at once.
 * Chunks that a large message filled are emptied: nobody else may hold them.
 *
 * @returns what takes the bytes in, in the order in which they come, from the beginning of a message on.
 */
export function takeLargeFrames({ pass, onLargeFrame }: FrameTakers): (chunk: Buffer) => void {
  /** Bytes of the message that have not come yet. */
  let left = 0;
  let large: { readonly payload: Buffer; end: number } | null = null;
  /** A header that has not come whole. */
  let header: Buffer | null = null;

  const fill = (bytes: Buffer): void => {
    if (!large) return;
    large.end += bytes.copy(large.payload, large.end);
    if (left > 0) return;
    const { payload } = large;
    large = null;
    onLargeFrame(payload);
    release(payload);
  };

  return (chunk) => {
    const bytes = header ? Buffer.concat([header, chunk]) : chunk;
    header = null;
    let passed = 0;
    let at = 0;
    const passUpTo = (end: number): void => {
      if (end > passed) pass(bytes.subarray(passed, end));
      passed = end;
    };
    while (at < bytes.length) {
      if (left === 0) {
        if (bytes.length - at < HEADER_BYTES) break;
        const length = bytes.readUInt32BE(at + 1); // counts itself, not the code
        left = length + 1;
        if (bytes[at] === COPY_DATA && length > LARGE_BYTES) {
          passUpTo(at);
          large = { payload: Buffer.allocUnsafeSlow(length - 4), end: 0 };
          left -= HEADER_BYTES;
          at += HEADER_BYTES;
          passed = at;
        }
      }
      const end = Math.min(bytes.length, at + left);
      left -= end - at;
      if (large) {
        fill(bytes.subarray(at, end));
        passed = end;
        // Thousands of these would wait for the collector beside the frame.
        if (at === 0 && end === bytes.length) release(bytes);
      }
      at = end;
    }
    passUpTo(at);
    if (at < bytes.length) header = bytes.subarray(at);
  };
}

/** Gives memory back at once, where it is the buffer's alone: the collector would let it stay for long. */
function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
