// What each seed gives, and the hashes that name things (privacy.md section 5).

import {concat, fromHex, hex, integer, utf8} from './bytes.js';
import {keyId, messageId} from './layout.js';

export const epochKeys = (crypto, seed) => ({
  box: crypto.boxKey(crypto.derive(seed, 1, 'IshEpoch')),
  tag: crypto.derive(seed, 2, 'IshEpoch'),
  mac: crypto.derive(seed, 3, 'IshEpoch'),
});
export const queueKey = (crypto, seed) => crypto.boxKey(crypto.derive(seed, 1, 'IshQueue'));
export const userKeys = (crypto, seed) => ({
  box: crypto.boxKey(crypto.derive(seed, 1, 'IshaUser')),
  signing: crypto.signingKey(crypto.derive(seed, 2, 'IshaUser')),
});
export function loginKeys(crypto, passphrase, salt) {
  const master = crypto.passphraseKey(passphrase, salt);
  return {
    auth: crypto.derive(master, 1, 'IshLogin'),
    keyEncryption: crypto.derive(master, 2, 'IshLogin'),
  };
}

export const fixedNumber = (digits) =>
  concat(integer(digits.length, 1), utf8(digits), new Uint8Array(15 - digits.length));
export const fixedRef = (digits) => concat([0, 0], utf8(digits));
export const returnAddressMac = (crypto, envelope, macKey) =>
  crypto.hash(32, concat(utf8('r'), envelope), macKey);

export const opens = {
  EPOCH_KEYS: (crypto, seed, given) => {
    const keys = epochKeys(crypto, seed);
    const tag = (letter, bytes) => crypto.hash(16, concat(utf8(letter), bytes), keys.tag);
    const number = tag('n', fixedNumber(given.number));
    const mac = (kind) =>
      hex(crypto.hash(32,
        concat(utf8(kind), number, fromHex(given.report_id), fromHex(given.origin)), keys.mac));
    return {
      box: hex(keys.box.publicKey),
      number_tag: hex(number),
      ref_tag: hex(tag('c', fixedRef(given.ref))),
      delivery_tag: hex(tag('d', fromHex(given.delivery))),
      thread_mac_n: mac('n'),
      thread_mac_c: mac('c'),
      thread_mac_u: mac('u'),
      return_address_mac: hex(returnAddressMac(crypto, fromHex(given.return_address), keys.mac)),
    };
  },
  QUEUE_KEY: (crypto, seed) => {
    const {publicKey} = queueKey(crypto, seed);
    return {box: hex(publicKey), kid: hex(keyId(crypto, publicKey))};
  },
  USER_KEYS: (crypto, seed) => {
    const keys = userKeys(crypto, seed);
    return {box: hex(keys.box.publicKey), signing: hex(keys.signing.publicKey)};
  },
  PASSPHRASE: (crypto, passphrase, given) => {
    const keys = loginKeys(crypto, passphrase, fromHex(given.salt));
    return {auth: hex(keys.auth), key_encryption: hex(keys.keyEncryption)};
  },
  MESSAGE_ID: (crypto, key) => ({id: hex(messageId(crypto, key))}),
  ORIGIN: (crypto, record) => ({origin: hex(crypto.hash(16, record))}),
  // A key that somebody can seal to: of low order there is none.
  RECIPIENT: (crypto, publicKey) =>
    crypto.sharedKey(publicKey, new Uint8Array(32).fill(0x81)) ? {} : null,
};
