#pragma once
// A key that a person holds, as a file under her passphrase: id 16 ‖ USERKEY 104, as user_file.hpp
// has it for users. The id is the user's, the organisation's (also for its recovery key) or, for
// the root key, the deployment's. Pure functions, thread-safe; what blocks does so for one
// Argon2id.

#include <boost/system/result.hpp>
#include <string_view>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/key_kind.hpp"
#include "gateway/identity/user_file.hpp"

namespace ishara::identity {

enum class sealed_key_errc {
  not_a_key_file = 1,
  wrong_passphrase,  // or the file was altered: nobody can tell which
};
const boost::system::error_category& sealed_key_category() noexcept;
inline boost::system::error_code make_error_code(sealed_key_errc code) noexcept {
  return {static_cast<int>(code), sealed_key_category()};
}

// What anybody sees of the file; it holds only once the file has opened.
struct SealedKeyHead {
  KeyKind kind{};
  crypto::Id id{};
};
boost::system::result<SealedKeyHead> read_sealed_key_head(crypto::View file);

struct HeldKey {
  KeyKind kind{};
  crypto::Id id{};
  crypto::Secret<32> seed;
};
UserFile blocking_seal_key(const HeldKey& key, std::string_view passphrase);
boost::system::result<HeldKey> blocking_open_sealed_key(crypto::View file,
                                                        std::string_view passphrase);

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::sealed_key_errc> : std::true_type {};
