// MESSAGE and NOTE: a text under its own key.

import {fromHex, fromUtf8, hex, utf8} from './bytes.js';
import {isSigned, messageId, openText, sealText, types, withSignature} from './layout.js';

const authorDomain = 'ishara/v1/sig';

const fields = (type, given) => ({
  type,
  word: given.hour,
  subject: fromHex(given.report_id),
  object: fromHex(given.message_id),
});
const asJson = (plain) => plain && {json: fromUtf8(plain)};

export const opens = {
  MESSAGE: (crypto, bytes, given) =>
    asJson(openText(crypto, bytes, fields(types.message, given), fromHex(given.key))),
  NOTE: (crypto, bytes, given) => {
    if (!isSigned(crypto, authorDomain, bytes, fromHex(given.author))) return null;
    return asJson(
      openText(crypto, bytes.slice(0, -64), fields(types.note, given), fromHex(given.key)));
  },
};

const drawn = (crypto, hour, json) => {
  const key = crypto.random(32);
  const given = {
    hour,
    report_id: hex(crypto.random(16)),
    message_id: hex(messageId(crypto, key)),
    key: hex(key),
  };
  return {key, given, opens: {json}};
};

export const makes = {
  MESSAGE: (crypto, draw) => {
    const {key, given, opens} = drawn(crypto, draw.below(2 ** 32), draw.text(draw.below(1200)));
    const bytes = sealText(crypto, fields(types.message, given), utf8(opens.json), key);
    return {bytes, with: given, opens};
  },
  NOTE: (crypto, draw) => {
    const {key, given, opens} = drawn(crypto, draw.below(2 ** 32), draw.text(draw.below(1200)));
    const author = crypto.signingKey(crypto.random(32));
    given.author = hex(author.publicKey);
    const sealed = sealText(crypto, fields(types.note, given), utf8(opens.json), key);
    return {
      bytes: withSignature(crypto, authorDomain, sealed, author.secretKey),
      with: given,
      opens,
    };
  },
};
