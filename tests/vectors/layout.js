// What the sealed types have in common (privacy.md section 6): the header and the three bodies.
// `crypto` is one of the implementations. Every opening function gives null for any failure.

import {concat, equal, integer, pad, unpad, utf8} from './bytes.js';

export const headerSize = 56;
export const types = {keyWrap: 1, message: 2, returnAddress: 3, reply: 4, note: 5, queueGrant: 6};

const zeros = (size) => new Uint8Array(size);

export const header = ({type, flags = 0, word, subject, object, recipient = zeros(16)}) =>
  concat([1, type], integer(flags, 2), integer(word, 4), subject, object, recipient);

const context = (crypto, head, epk = zeros(0)) =>
  crypto.hash(32, concat(utf8('ishara/v1/ctx\0'), head, epk));

const beginsWith = (bytes, head) =>
  bytes.length >= headerSize && equal(bytes.slice(0, headerSize), head);

export const keyId = (crypto, publicKey) => crypto.hash(16, publicKey);
export const messageId = (crypto, key) => crypto.hash(16, concat(utf8('ishara/v1/mid\0'), key));
export const tagged = (domain, bytes) => concat(utf8(domain + '\0'), bytes);

// --- text
export function sealText(crypto, fields, json, key) {
  const head = header({...fields, object: messageId(crypto, key)});
  return concat(head, crypto.encrypt(pad(json), head, zeros(24), key));
}
export function openText(crypto, bytes, fields, key) {
  const head = header(fields);
  const overhead = headerSize + 16;
  if (bytes.length < overhead + 512 || (bytes.length - overhead) % 512 !== 0 ||
      !beginsWith(bytes, head) || !equal(fields.object, messageId(crypto, key)))
    return null;
  const plain = crypto.decrypt(bytes.slice(headerSize), head, zeros(24), key);
  return plain && unpad(plain);
}

// --- box
export function sealBox(crypto, fields, body, sender, recipient, nonce) {
  const head = header(fields);
  const shared = crypto.sharedKey(recipient, sender.secretKey);
  if (!shared) return null;
  const plain = concat(context(crypto, head, sender.publicKey), body);
  return concat(head, sender.publicKey, nonce, crypto.box(plain, nonce, shared));
}
export function openBox(crypto, bytes, fields, pair) {
  const head = header(fields);
  if (bytes.length !== 192 || !beginsWith(bytes, head)) return null;
  const epk = bytes.slice(headerSize, headerSize + 32);
  const nonce = bytes.slice(headerSize + 32, headerSize + 56);
  const shared = crypto.sharedKey(epk, pair.secretKey);
  const plain = shared && crypto.openBox(bytes.slice(headerSize + 56), nonce, shared);
  if (!plain || !equal(plain.slice(0, 32), context(crypto, head, epk))) return null;
  return plain.slice(32);
}

// --- seal
export function sealAnonymous(crypto, fields, body, publicKey) {
  const head = header(fields);
  const sealed = crypto.seal(concat(context(crypto, head), body), publicKey);
  return sealed && concat(head, sealed);
}
export function openAnonymous(crypto, bytes, fields, pair) {
  const head = header(fields);
  if (bytes.length < headerSize + 80 || !beginsWith(bytes, head)) return null;
  const plain = crypto.openSeal(bytes.slice(headerSize), pair);
  if (!plain || !equal(plain.slice(0, 32), context(crypto, head))) return null;
  return plain.slice(32);
}

// --- signatures: the last 64 bytes, over the domain and all bytes before them
export const withSignature = (crypto, domain, bytes, secretKey) =>
  concat(bytes, crypto.sign(tagged(domain, bytes), secretKey));
export const isSigned = (crypto, domain, bytes, publicKey) =>
  bytes.length > 64 &&
  crypto.verify(bytes.slice(-64), tagged(domain, bytes.slice(0, -64)), publicKey);
