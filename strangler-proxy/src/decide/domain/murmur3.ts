const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const encoder = new TextEncoder();

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
const mixBlock = (block: number): number => Math.imul(rotate(Math.imul(block, C1), 15), C2);

/**
 * MurmurHash3_x86_32 (Austin Appleby, public domain), little-endian.
 *
 * @param key Bytes, or text that is hashed as UTF-8.
 * @param seed Unsigned 32 bits. Default 0.
 * @returns Unsigned 32 bits.
 */
export function murmur3(key: string | Uint8Array, seed = 0): number {
  const bytes = typeof key === 'string' ? encoder.encode(key) : key;
  const at = (index: number): number => bytes[index] ?? 0;
  const blocksEnd = bytes.length & ~3;
  let hash = seed | 0;
  for (let i = 0; i < blocksEnd; i += 4) {
    const block = at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24);
    hash = (Math.imul(rotate(hash ^ mixBlock(block), 13), 5) + 0xe6546b64) | 0;
  }
  if (blocksEnd < bytes.length) {
    // One to three bytes are left; those beyond the end count as 0.
    hash ^= mixBlock(at(blocksEnd) | (at(blocksEnd + 1) << 8) | (at(blocksEnd + 2) << 16));
  }
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
