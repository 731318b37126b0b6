// Bytes, hexadecimal and big-endian integers.

export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
export const fromHex = (text) =>
  Uint8Array.from({length: text.length / 2}, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
export const utf8 = (text) => new TextEncoder().encode(text);
// Null for anything that is no UTF-8.
export function fromUtf8(bytes) {
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch {
    return null;
  }
}

export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

// `size` bytes, at most 8; a Number up to 2^53 or a BigInt.
export function integer(value, size) {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out.slice(8 - size);
}
export const readInteger = (bytes) => Number(bytes.reduce((n, b) => (n << 8n) | BigInt(b), 0n));

// In a time that does not depend on the content.
export function equal(left, right) {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let i = 0; i < left.length; ++i) difference |= left[i] ^ right[i];
  return difference === 0;
}
export const isZero = (bytes) => equal(bytes, new Uint8Array(bytes.length));

// ISO/IEC 7816-4 to whole blocks of 512.
const block = 512;
export function pad(bytes) {
  const out = new Uint8Array((Math.floor(bytes.length / block) + 1) * block);
  out.set(bytes);
  out[bytes.length] = 0x80;
  return out;
}
export function unpad(bytes) {
  if (bytes.length === 0 || bytes.length % block !== 0) return null;
  let end = bytes.length - 1;
  while (end > bytes.length - block && bytes[end] === 0) --end;
  return bytes[end] === 0x80 ? bytes.slice(0, end) : null;
}

// Reads one field after the other.
export class Reader {
  constructor(bytes) {
    this.rest = bytes;
  }
  bytes(size) {
    const out = this.rest.slice(0, size);
    this.rest = this.rest.slice(size);
    return out;
  }
  integer(size) {
    return readInteger(this.bytes(size));
  }
}
