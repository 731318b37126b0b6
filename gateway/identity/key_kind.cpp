#include "gateway/identity/key_kind.hpp"

#include <array>

namespace ishara::identity {
namespace {

constexpr std::array<std::string_view, 5> names{"user", "root", "organisation", "recovery",
                                                "service"};

}  // namespace

std::string_view name_of(KeyKind kind) noexcept { return names[static_cast<std::size_t>(kind)]; }

std::optional<KeyKind> key_kind_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<KeyKind>(i);
  return std::nullopt;
}

crypto::PublicKey public_key_of(KeyKind kind, const crypto::Secret<32>& seed) {
  return kind == KeyKind::recovery ? crypto::box_key(seed).public_key
                                   : crypto::signing_key(seed).public_key;
}

}  // namespace ishara::identity
