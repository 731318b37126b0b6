#pragma once
// Words that people say, write down and type: generated passphrases, and fingerprints by which two
// people make sure that they mean the same keys. Pure functions, thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/crypto/primitives.hpp"
#include "gateway/crypto/wipe.hpp"
#include "gateway/identity/key_kind.hpp"

namespace ishara::identity {

// Nobody chooses a passphrase: what people choose, programs guess.
enum class Passphrase : std::uint8_t {
  words,   // 6 words with single spaces, 77 bits
  digits,  // 24 digits in groups of four, 79 bits: for those who type no Latin letters
};
crypto::WipedBuffer new_passphrase(Passphrase form);

// What was typed, in the form in which it was generated: case, spaces, hyphens and line ends do not
// matter. What is neither words of the list nor 24 digits comes back as it was typed.
crypto::WipedBuffer as_generated(std::string_view typed);

// The same for any number of words of the list; nothing if there is another word among them, or no
// word at all.
std::optional<crypto::WipedBuffer> read_words(std::string_view typed);

// Eight words with single spaces that stand for public keys: BLAKE2b-256 of
// "ishara/v1/words\0" ‖ kind ‖ keys as a big-endian number, of which the eight lowest digits in
// base 7,776 are the words, the lowest first. 103 bits: nobody finds another key with the same
// words. Since 2^256 is far above 7776^8, no word is likelier than another by more than 2^-152.
std::string user_fingerprint(const crypto::PublicKey& signing_key,
                             const crypto::PublicKey& box_key);
std::string key_fingerprint(KeyKind kind, const crypto::PublicKey& key);
// Of the key of a queue's generation: kind 255, keys = queue id ‖ generation u32 ‖ box_pk, so that
// the words are for this queue and generation alone.
std::string queue_fingerprint(const crypto::Id& queue, std::uint32_t generation,
                              const crypto::PublicKey& box_key);

}  // namespace ishara::identity
