// usage: node check.js FILE...
// Opens every case of the files with both implementations, then flips bits of what opened. Ends
// with exit code 1 if anything differs from what the files say.

import './node.js';

import {readFileSync} from 'node:fs';
import {isDeepStrictEqual} from 'node:util';

import {fromHex} from './bytes.js';
import {load as loadIndependent} from './implementations/independent.js';
import {load as loadSodium} from './implementations/sodium.js';
import {needsPassphrase, opens} from './types.js';

// What is not one sealed or signed whole: any other bytes are another good input.
const unbound = new Set(['EPOCH_KEYS', 'QUEUE_KEY', 'USER_KEYS', 'PASSPHRASE', 'MESSAGE_ID',
  'ORIGIN', 'RECIPIENT', 'TWO_KEYS', 'AUDIT_ENTRY']);

const cases = process.argv.slice(2).flatMap(
  (file) => JSON.parse(readFileSync(file, 'utf8')).cases);
let failed = cases.length === 0 ? 1 : 0;

// C++ flips every bit; here every 13th with libsodium and every 251st with the slower one.
function flips(crypto, entry, step) {
  const bytes = fromHex(entry.bytes);
  let count = 0;
  for (let bit = 0; bit < bytes.length * 8; bit += step, ++count) {
    bytes[bit >> 3] ^= 1 << (bit & 7);
    if (opens[entry.type](crypto, bytes, entry.with) !== null) {
      console.error(`${crypto.name}: ${entry.type}, ${entry.name}: opens with bit ${bit} flipped`);
      ++failed;
    }
    bytes[bit >> 3] ^= 1 << (bit & 7);
  }
  return count;
}

for (const [crypto, step] of [[await loadSodium(), 13], [await loadIndependent(), 251]]) {
  const flipped = new Set();
  let opened = 0;
  let refused = 0;
  let altered = 0;
  for (const entry of cases) {
    if (needsPassphrase.has(entry.type) && !crypto.passphraseKey) continue;
    const found = opens[entry.type](crypto, fromHex(entry.bytes), entry.with);
    if (!isDeepStrictEqual(found, entry.opens)) {
      console.error(`${crypto.name}: ${entry.type}, ${entry.name}: gives`, found);
      ++failed;
    }
    if (entry.opens) ++opened;
    else ++refused;
    // One whole of each type is enough for the bits; a passphrase costs a quarter of a second.
    if (entry.opens && !unbound.has(entry.type) && !needsPassphrase.has(entry.type) &&
        !flipped.has(entry.type)) {
      flipped.add(entry.type);
      altered += flips(crypto, entry, step);
    }
  }
  console.log(`${crypto.name}: ${opened} opened, ${refused} refused, ${altered} altered refused`);
}
process.exit(failed === 0 ? 0 : 1);
