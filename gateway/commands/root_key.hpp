#pragma once
// The root key of a deployment as a person gives it. Thread-safe.

#include <optional>
#include <string>

#include "gateway/crypto/primitives.hpp"

namespace ishara::commands {

// 64 hexadecimal digits, or the name of a file that holds them.
std::optional<crypto::PublicKey> root_key_of(const std::string& given);

}  // namespace ishara::commands
