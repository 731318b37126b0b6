// The primitives of privacy.md section 5 by libsodium, compiled to WebAssembly: what the browser
// uses. A function that opens gives null for anything that does not open.

import sodium from 'libsodium-wrappers-sumo';

export async function load() {
  await sodium.ready;

  // libsodium throws where it refuses.
  const orNull = (open) => {
    try {
      return open();
    } catch {
      return null;
    }
  };

  return {
    name: 'libsodium-wrappers-sumo',
    random: (size) => sodium.randombytes_buf(size),
    hash: (size, bytes, key = null) => sodium.crypto_generichash(size, bytes, key),
    derive: (seed, id, context) => sodium.crypto_kdf_derive_from_key(32, id, context, seed),
    signingKey: (seed) => {
      const pair = sodium.crypto_sign_seed_keypair(seed);
      return {publicKey: pair.publicKey, secretKey: pair.privateKey};
    },
    sign: (bytes, secretKey) => sodium.crypto_sign_detached(bytes, secretKey),
    verify: (signature, bytes, publicKey) =>
      orNull(() => sodium.crypto_sign_verify_detached(signature, bytes, publicKey)) === true,
    boxKey: (seed) => {
      const pair = sodium.crypto_box_seed_keypair(seed);
      return {publicKey: pair.publicKey, secretKey: pair.privateKey};
    },
    boxKeyOf: (secretKey) => ({publicKey: sodium.crypto_scalarmult_base(secretKey), secretKey}),
    sharedKey: (publicKey, secretKey) =>
      orNull(() => sodium.crypto_box_beforenm(publicKey, secretKey)),
    box: (plain, nonce, shared) => sodium.crypto_box_easy_afternm(plain, nonce, shared),
    openBox: (cipher, nonce, shared) =>
      orNull(() => sodium.crypto_box_open_easy_afternm(cipher, nonce, shared)),
    seal: (plain, publicKey) => orNull(() => sodium.crypto_box_seal(plain, publicKey)),
    openSeal: (cipher, pair) =>
      orNull(() => sodium.crypto_box_seal_open(cipher, pair.publicKey, pair.secretKey)),
    encrypt: (plain, associated, nonce, key) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, associated, null, nonce, key),
    decrypt: (cipher, associated, nonce, key) =>
      orNull(() =>
        sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, cipher, associated, nonce, key)),
    passphraseKey: (passphrase, salt) =>
      sodium.crypto_pwhash(32, passphrase, salt, 3, 64 * 1024 * 1024,
        sodium.crypto_pwhash_ALG_ARGON2ID13),
  };
}
