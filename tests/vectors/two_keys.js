// A MESSAGE whose ciphertext opens under two keys: XChaCha20-Poly1305 commits to no key, because
// Poly1305 is linear. Two of the 16-byte blocks are solved for, so that the one tag holds under
// both. What refuses it is the message id, which is the hash of one key (privacy.md section 6).

import {xchacha20} from '@noble/ciphers/chacha';

import {concat, fromHex, hex, integer} from './bytes.js';
import {header, messageId, openText, types} from './layout.js';

const prime = (1n << 130n) - 5n;
const high = 1n << 128n;
const mod = (value) => ((value % prime) + prime) % prime;
const little = (bytes) => bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);
const littleBytes = (value) =>
  Uint8Array.from({length: 16}, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

function power(base, exponent) {
  let out = 1n;
  for (; exponent > 0n; exponent >>= 1n, base = mod(base * base))
    if (exponent & 1n) out = mod(out * base);
  return out;
}
const inverse = (value) => power(mod(value), prime - 2n);

// r and s of Poly1305 and the key stream of the first 512 bytes.
function stream(key) {
  const bytes = xchacha20(key, new Uint8Array(24), new Uint8Array(64 + 512));
  const clamp = 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  return {r: little(bytes.slice(0, 16)) & clamp, s: little(bytes.slice(16, 32)),
    stream: bytes.slice(64)};
}

// Both keys end in the same byte of key stream, so that the padding is good under both.
function twoKeys(crypto) {
  const first = crypto.random(32);
  const last = stream(first).stream[511];
  for (;;) {
    const second = crypto.random(32);
    if (stream(second).stream[511] === last) return [first, second];
  }
}

function solve(crypto, head, keys) {
  const streams = keys.map(stream);
  const cipher = crypto.random(512);
  cipher[511] = streams[0].stream[511] ^ 0x80;
  const lengths = concat(integer(head.length, 8).reverse(), integer(cipher.length, 8).reverse());
  for (;;) {
    const data = concat(head, new Uint8Array(64 - head.length), cipher, lengths);
    const tag = crypto.random(16);
    const count = data.length / 16;
    const [x, y] = [4, 5];  // the first two blocks of ciphertext
    // a·x + b·y = c for each key, with everything else moved to the right.
    const rows = streams.map(({r, s}) => {
      let rest = 0n;
      for (let i = 0; i < count; ++i) {
        if (i === x || i === y) continue;
        const value = high + little(data.slice(16 * i, 16 * i + 16));
        rest = mod(rest + value * power(r, BigInt(count - i)));
      }
      const target = ((little(tag) - s) % high + high) % high;
      return {
        a: power(r, BigInt(count - x)),
        b: power(r, BigInt(count - y)),
        c: mod(target - rest),
      };
    });
    const [p, q] = rows;
    const scale = inverse(p.a * q.b - q.a * p.b);
    const solved = [mod((p.c * q.b - q.c * p.b) * scale), mod((p.a * q.c - q.a * p.c) * scale)];
    // A block is 128 bits with one bit above them: one solution in sixteen is a pair of blocks.
    if (solved.some((value) => value < high || value >= 2n * high)) continue;
    cipher.set(littleBytes(solved[0] - high), 0);
    cipher.set(littleBytes(solved[1] - high), 16);
    return concat(head, cipher, tag);
  }
}

export const opens = {
  // Under how many of the keys the bare cipher opens, and the MESSAGE does, whatever is expected.
  TWO_KEYS: (crypto, bytes, given) => {
    const keys = given.keys.map(fromHex);
    const fields = {type: types.message, word: given.hour, subject: fromHex(given.report_id)};
    const head = bytes.slice(0, 56);
    const ids = keys.map((key) => messageId(crypto, key));
    return {
      ciphers: keys.filter((key) =>
        crypto.decrypt(bytes.slice(56), head, new Uint8Array(24), key) !== null).length,
      messages: keys.filter((key) =>
        ids.some((object) => openText(crypto, bytes, {...fields, object}, key) !== null)).length,
    };
  },
};

export const makes = {
  TWO_KEYS: (crypto, draw) => {
    const keys = twoKeys(crypto);
    const given = {
      hour: draw.below(2 ** 32),
      report_id: hex(crypto.random(16)),
      keys: keys.map(hex),
    };
    const head = header({
      type: types.message,
      word: given.hour,
      subject: fromHex(given.report_id),
      object: messageId(crypto, keys[0]),
    });
    return {bytes: solve(crypto, head, keys), with: given, opens: {ciphers: 2, messages: 1}};
  },
};
