#include "gateway/commands/root_key.hpp"

#include <fstream>

#include "gateway/crypto/encoding.hpp"

namespace ishara::commands {

std::optional<crypto::PublicKey> root_key_of(const std::string& given) {
  if (const auto key = crypto::from_hex_exact<32>(given)) return key;
  std::ifstream in{given};
  std::string word;
  return in >> word ? crypto::from_hex_exact<32>(word) : std::nullopt;
}

}  // namespace ishara::commands
