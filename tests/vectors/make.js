// usage: node make.js [--two-keys] FILE
// Writes random cases of every type, made by both implementations, each with an altered copy that
// must be refused; C++ checks the file. With --two-keys only the one case of two_keys.js.

import './node.js';

import {writeFileSync} from 'node:fs';

import {hex} from './bytes.js';
import {load as loadIndependent} from './implementations/independent.js';
import {load as loadSodium} from './implementations/sodium.js';
import {makes} from './types.js';

const each = 20;
const only = process.argv[2] === '--two-keys' ? ['TWO_KEYS'] : null;
const file = process.argv[only ? 3 : 2];

function drawing(crypto) {
  const below = (bound) => {
    const value = crypto.random(7).reduce((n, byte) => (n << 8n) | BigInt(byte), 0n);
    return Number(value % BigInt(bound));
  };
  const letters = ['a', 'z', ' ', '"', '\\', '\n', 'é', 'ש', 'م', 'ж', '𝄞', '🙏'];
  const many = (count, one) => Array.from({length: count}, one).join('');
  return {
    below,
    digits: (count) => many(count, () => String(below(10))),
    // At most four bytes a letter, so 120 letters fit a reply.
    text: (count) => many(Math.min(count, 120), () => letters[below(letters.length)]),
  };
}

const cases = [];
for (const crypto of [await loadSodium(), await loadIndependent()]) {
  const draw = drawing(crypto);
  for (const type of only ?? Object.keys(makes)) {
    for (let i = 0; i < (type === 'TWO_KEYS' ? 1 : each); ++i) {
      const {bytes, ...made} = makes[type](crypto, draw);
      const name = only ? 'made with BigInt' : `${crypto.name}, ${i}`;
      cases.push({type, name, bytes: hex(bytes), ...made});
      if (type === 'TWO_KEYS') continue;
      const bit = draw.below(bytes.length * 8);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      cases.push({type, name: `${name}, bit ${bit} flipped`, bytes: hex(bytes), with: made.with,
        opens: null});
    }
  }
  if (only) break;
}
writeFileSync(file, JSON.stringify({cases}, null, 1) + '\n');
