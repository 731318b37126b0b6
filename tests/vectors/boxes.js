// KEYWRAP, and RETADDR in its two forms: 32 bytes between a sender key and the recipient's.

import {concat, equal, fromHex, fromUtf8, hex, isZero, Reader} from './bytes.js';
import {epochKeys, fixedNumber, fixedRef, queueKey, returnAddressMac} from './keys.js';
import {keyId, messageId, openBox, sealBox, types} from './layout.js';

const wrapFields = (given) => ({
  type: types.keyWrap,
  word: given.generation,
  subject: fromHex(given.report_id),
  object: fromHex(given.message_id),
  recipient: fromHex(given.kid),
});
const addressFields = (crypto, given, object, keys) => ({
  type: types.returnAddress,
  word: given.epoch,
  subject: fromHex(given.report_id),
  object,
  recipient: keyId(crypto, keys.box.publicKey),
});

// The ten digits of a ref close with a Damm check digit.
const quasigroup = ['0317598642', '7092154863', '4206871359', '1750983426', '6123045978',
  '3674209581', '5869720134', '8945362017', '9438617205', '2581436790'];
const damm = (digits) => [...digits].reduce((state, digit) => quasigroup[state][digit], 0);
export const refOf = (nine) => nine + damm(nine);

function readAddress(body) {
  const read = new Reader(body);
  const size = read.integer(1);
  const number = read.bytes(15);
  const zeros = read.integer(2);
  const ref = fromUtf8(read.bytes(10));
  const [channel, preferences, start, end] = [1, 1, 1, 1].map((bytes) => read.integer(bytes));
  const digits = fromUtf8(number.slice(0, size));
  if (size > 15 || !(size === 0 || /^[0-9]{7,15}$/.test(digits)) || !isZero(number.slice(size)) ||
      zeros !== 0 || !/^[2-9][0-9]{9}$/.test(ref) || damm(ref) !== '0' || channel === 0 ||
      preferences > 7 || (start === 0) !== (end === 0) || start > 49 || end > 49)
    return null;
  return {
    number: digits,
    ref,
    channel,
    may_text: (preferences & 1) !== 0,
    ref_unverified: (preferences & 2) !== 0,
    yes_unverified: (preferences & 4) !== 0,
    safe: start === 0 ? null : [start - 1, end - 1],
  };
}

const writeAddress = (address) =>
  concat(fixedNumber(address.number), fixedRef(address.ref), [
    address.channel,
    (address.may_text ? 1 : 0) | (address.ref_unverified ? 2 : 0) |
      (address.yes_unverified ? 4 : 0),
    address.safe ? address.safe[0] + 1 : 0,
    address.safe ? address.safe[1] + 1 : 0,
  ]);

function openAddress(crypto, bytes, given, keys) {
  const fields = addressFields(crypto, given, bytes.slice(24, 40), keys);
  const body = bytes.length === 192 ? openBox(crypto, bytes, fields, keys.box) : null;
  return body && readAddress(body);
}

export const opens = {
  KEYWRAP: (crypto, bytes, given) => {
    const pair = queueKey(crypto, fromHex(given.queue_seed));
    const key = openBox(crypto, bytes, wrapFields(given), pair);
    if (!key || !equal(messageId(crypto, key), fromHex(given.message_id))) return null;
    return {key: hex(key)};
  },
  RETADDR: (crypto, bytes, given) =>
    openAddress(crypto, bytes, given, epochKeys(crypto, fromHex(given.epoch_seed))),
  STORED_RETADDR: (crypto, bytes, given) => {
    const keys = epochKeys(crypto, fromHex(given.epoch_seed));
    const envelope = bytes.slice(0, 192);
    if (bytes.length !== 224 ||
        !equal(bytes.slice(192), returnAddressMac(crypto, envelope, keys.mac)))
      return null;
    return openAddress(crypto, envelope, given, keys);
  },
};

function madeAddress(crypto, draw) {
  const seed = crypto.random(32);
  const keys = epochKeys(crypto, seed);
  const given = {
    report_id: hex(crypto.random(16)),
    epoch: draw.below(2 ** 32),
    epoch_seed: hex(seed),
  };
  const address = {
    number: draw.below(8) === 0 ? '' : draw.digits(7 + draw.below(9)),
    ref: refOf(String(2 + draw.below(8)) + draw.digits(8)),
    channel: 1 + draw.below(255),
    may_text: draw.below(2) === 0,
    ref_unverified: draw.below(2) === 0,
    yes_unverified: draw.below(2) === 0,
    safe: draw.below(2) === 0 ? null : [draw.below(49), draw.below(49)],
  };
  const bytes = sealBox(crypto, addressFields(crypto, given, crypto.random(16), keys),
    writeAddress(address), crypto.boxKey(crypto.random(32)), keys.box.publicKey,
    crypto.random(24));
  return {keys, made: {bytes, with: given, opens: address}};
}

export const makes = {
  KEYWRAP: (crypto, draw) => {
    const [seed, key] = [crypto.random(32), crypto.random(32)];
    const {publicKey} = queueKey(crypto, seed);
    const given = {
      report_id: hex(crypto.random(16)),
      message_id: hex(messageId(crypto, key)),
      kid: hex(keyId(crypto, publicKey)),
      generation: draw.below(2 ** 32),
      queue_seed: hex(seed),
    };
    const bytes = sealBox(crypto, wrapFields(given), key, crypto.boxKey(crypto.random(32)),
      publicKey, crypto.random(24));
    return {bytes, with: given, opens: {key: hex(key)}};
  },
  RETADDR: (crypto, draw) => madeAddress(crypto, draw).made,
  STORED_RETADDR: (crypto, draw) => {
    const {keys, made} = madeAddress(crypto, draw);
    return {...made, bytes: concat(made.bytes, returnAddressMac(crypto, made.bytes, keys.mac))};
  },
};
