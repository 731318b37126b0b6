#include "gateway/commands/passphrase.hpp"

#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::commands {

boost::system::result<crypto::WipedBuffer> given_passphrase(const std::filesystem::path& file,
                                                            std::string_view prompt) {
  if (file.empty()) return identity::as_generated(crypto::view(ask_passphrase(prompt)));
  const auto bytes = config::read_secret_file(file, 1024);
  if (!bytes) return bytes.error();
  std::string_view line{reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return identity::as_generated(line);
}

}  // namespace ishara::commands
