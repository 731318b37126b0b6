#pragma once
// The file in which a caseworker carries her key: user_id 16 ‖ USERKEY 104. Useless without her
// passphrase. Pure functions, thread-safe.

#include <algorithm>
#include <array>
#include <boost/system/result.hpp>
#include <cstdint>

#include "gateway/identity/envelope.hpp"

namespace ishara::identity {

inline constexpr std::size_t user_file_size = 16 + user_key_size;
using UserFile = std::array<std::uint8_t, user_file_size>;

struct UserFileParts {
  crypto::Id user_id{};
  std::array<std::uint8_t, user_key_size> user_key{};
};

inline UserFile join(const UserFileParts& parts) {
  UserFile out;
  std::ranges::copy(parts.user_key, std::ranges::copy(parts.user_id, out.begin()).out);
  return out;
}

inline boost::system::result<UserFileParts> split_user_file(crypto::View bytes) {
  if (bytes.size() != user_file_size) return envelope_errc::refused;
  UserFileParts out;
  std::ranges::copy(bytes.first<16>(), out.user_id.begin());
  std::ranges::copy(bytes.subspan(16), out.user_key.begin());
  return out;
}

}  // namespace ishara::identity
