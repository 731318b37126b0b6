// REPLY, QGRANT and USERKEY: what one person seals for one recipient, or for her own passphrase.

import {concat, equal, fromHex, fromUtf8, hex, integer, pad, Reader, unpad, utf8} from './bytes.js';
import {epochKeys, loginKeys, userKeys} from './keys.js';
import {isSigned, keyId, openAnonymous, sealAnonymous, types, withSignature} from './layout.js';

const authorDomain = 'ishara/v1/sig';

const replyFields = (crypto, given, flags, keys) => ({
  type: types.reply,
  flags,
  word: given.epoch,
  subject: fromHex(given.report_id),
  object: fromHex(given.reply_id),
  recipient: keyId(crypto, keys.box.publicKey),
});

function readReply(body, flags) {
  const plain = unpad(body);
  if (body.length !== 512 || !plain || plain.length < 7) return null;
  const read = new Reader(plain);
  const [notAfter, mode, size] = [4, 1, 2].map((bytes) => read.integer(bytes));
  const text = fromUtf8(read.rest);
  if (mode > 1 || size !== read.rest.length || size === 0 || size > 480 || text === null)
    return null;
  return {
    release_to_unverified_refs: (flags & 1) !== 0,
    confirms_unverified_yes: (flags & 2) !== 0,
    not_after: notAfter,
    mode,
    text,
  };
}

const writeReply = (reply) => {
  const text = utf8(reply.text);
  return pad(concat(integer(reply.not_after, 4), integer(reply.mode, 1), integer(text.length, 2),
    text));
};

const grantFields = (crypto, given, publicKey) => ({
  type: types.queueGrant,
  word: given.generation,
  subject: fromHex(given.queue_id),
  object: fromHex(given.user_id),
  recipient: keyId(crypto, publicKey),
});

// The one set of parameters: Argon2id, 3 passes, 64 MiB.
const userKeyHead = concat([1, 7, 1, 0], integer(3, 4), integer(64 * 1024, 4), integer(0, 4));

export const opens = {
  REPLY: (crypto, bytes, given) => {
    const flags = bytes.length === 712 ? new Reader(bytes.slice(2, 4)).integer(2) : 4;
    if (flags > 3 || !isSigned(crypto, authorDomain, bytes, fromHex(given.author))) return null;
    const keys = epochKeys(crypto, fromHex(given.epoch_seed));
    const body = openAnonymous(crypto, bytes.slice(0, -64),
      replyFields(crypto, given, flags, keys), keys.box);
    return body && readReply(body, flags);
  },
  QGRANT: (crypto, bytes, given) => {
    const pair = userKeys(crypto, fromHex(given.user_seed)).box;
    const seed = bytes.length === 168
      ? openAnonymous(crypto, bytes, grantFields(crypto, given, pair.publicKey), pair)
      : null;
    return seed && {queue_seed: hex(seed)};
  },
  USERKEY: (crypto, bytes, given) => {
    if (bytes.length !== 104 || !equal(bytes.slice(0, 16), userKeyHead)) return null;
    const {keyEncryption} = loginKeys(crypto, given.passphrase, bytes.slice(16, 32));
    const seed = crypto.decrypt(bytes.slice(56), concat(bytes.slice(0, 56), fromHex(given.user_id)),
      bytes.slice(32, 56), keyEncryption);
    return seed && {user_seed: hex(seed)};
  },
};

export const makes = {
  REPLY: (crypto, draw) => {
    const seed = crypto.random(32);
    const keys = epochKeys(crypto, seed);
    const author = crypto.signingKey(crypto.random(32));
    const flags = draw.below(4);
    const given = {
      report_id: hex(crypto.random(16)),
      reply_id: hex(crypto.random(16)),
      epoch: draw.below(2 ** 32),
      epoch_seed: hex(seed),
      author: hex(author.publicKey),
    };
    const reply = {
      release_to_unverified_refs: (flags & 1) !== 0,
      confirms_unverified_yes: (flags & 2) !== 0,
      not_after: draw.below(2 ** 32),
      mode: draw.below(2),
      text: draw.text(1 + draw.below(150)),
    };
    const sealed = sealAnonymous(crypto, replyFields(crypto, given, flags, keys),
      writeReply(reply), keys.box.publicKey);
    return {
      bytes: withSignature(crypto, authorDomain, sealed, author.secretKey),
      with: given,
      opens: reply,
    };
  },
  QGRANT: (crypto, draw) => {
    const [seed, queueSeed] = [crypto.random(32), crypto.random(32)];
    const {publicKey} = userKeys(crypto, seed).box;
    const given = {
      queue_id: hex(crypto.random(16)),
      user_id: hex(crypto.random(16)),
      generation: draw.below(2 ** 32),
      user_seed: hex(seed),
    };
    const bytes =
      sealAnonymous(crypto, grantFields(crypto, given, publicKey), queueSeed, publicKey);
    return {bytes, with: given, opens: {queue_seed: hex(queueSeed)}};
  },
};
