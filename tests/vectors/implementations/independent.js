// The same primitives by libraries that share no code with libsodium: tweetnacl (X25519, boxes,
// Ed25519), blakejs (BLAKE2b) and @noble/ciphers (XChaCha20-Poly1305). There is no Argon2id among
// them.

import {xchacha20poly1305} from '@noble/ciphers/chacha';
import blake from 'blakejs';
import nacl from 'tweetnacl';

const concat = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const isZero = (bytes) => bytes.every((byte) => byte === 0);

function sharedKey(publicKey, secretKey) {
  // tweetnacl takes a low-order key; its product is zeros.
  if (isZero(nacl.scalarMult(secretKey, publicKey))) return null;
  return nacl.box.before(publicKey, secretKey);
}

const sealNonce = (epk, publicKey) => blake.blake2b(concat(epk, publicKey), null, 24);

export async function load() {
  return {
    name: 'tweetnacl, blakejs and @noble/ciphers',
    random: (size) => nacl.randomBytes(size),
    hash: (size, bytes, key = null) => blake.blake2b(bytes, key, size),
    // crypto_kdf: keyed BLAKE2b of nothing, with the id as salt and the context as personal string.
    derive: (seed, id, context) => {
      const salt = new Uint8Array(16);
      new DataView(salt.buffer).setBigUint64(0, BigInt(id), true);
      const personal = new Uint8Array(16);
      personal.set(new TextEncoder().encode(context));
      return blake.blake2b(new Uint8Array(0), seed, 32, salt, personal);
    },
    signingKey: (seed) => nacl.sign.keyPair.fromSeed(seed),
    sign: (bytes, secretKey) => nacl.sign.detached(bytes, secretKey),
    verify: (signature, bytes, publicKey) => nacl.sign.detached.verify(bytes, signature, publicKey),
    // crypto_box_seed_keypair: the scalar is the first half of SHA-512 of the seed.
    boxKey: (seed) => nacl.box.keyPair.fromSecretKey(nacl.hash(seed).slice(0, 32)),
    boxKeyOf: (secretKey) => nacl.box.keyPair.fromSecretKey(secretKey),
    sharedKey,
    box: (plain, nonce, shared) => nacl.box.after(plain, nonce, shared),
    openBox: (cipher, nonce, shared) => nacl.box.open.after(cipher, nonce, shared),
    seal: (plain, publicKey) => {
      const pair = nacl.box.keyPair();
      const shared = sharedKey(publicKey, pair.secretKey);
      if (!shared) return null;
      return concat(pair.publicKey,
        nacl.box.after(plain, sealNonce(pair.publicKey, publicKey), shared));
    },
    openSeal: (cipher, pair) => {
      if (cipher.length < 48) return null;
      const epk = cipher.slice(0, 32);
      const shared = sharedKey(epk, pair.secretKey);
      if (!shared) return null;
      return nacl.box.open.after(cipher.slice(32), sealNonce(epk, pair.publicKey), shared);
    },
    encrypt: (plain, associated, nonce, key) =>
      xchacha20poly1305(key, nonce, associated).encrypt(plain),
    decrypt: (cipher, associated, nonce, key) => {
      try {
        return xchacha20poly1305(key, nonce, associated).decrypt(cipher);
      } catch {
        return null;
      }
    },
  };
}
