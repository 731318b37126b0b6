#include "gateway/commands/passphrase.hpp"

#include "gateway/commands/key_files.hpp"
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

namespace {

constexpr int tries = 3;  // to type a new passphrase back

bool has_been_typed(const crypto::WipedBuffer& passphrase) {
  for (int i = 0; i < tries; ++i) {
    const auto typed = ask_passphrase("Type it, to see that what you wrote is right: ");
    if (identity::as_generated(crypto::view(typed)) == passphrase) return true;
    say("That is not it.\n");
  }
  return false;
}

}  // namespace

crypto::WipedBuffer hand_over_new_passphrase(bool digits, const std::filesystem::path& file) {
  auto passphrase =
      identity::new_passphrase(digits ? identity::Passphrase::digits : identity::Passphrase::words);
  if (!file.empty()) {
    if (const auto written =
            config::write_key_file(file, crypto::bytes_of(crypto::view(passphrase)));
        !written)
      throw CommandError{file.string() + ": " + written.error().message(),
                         "name a new file in a folder that is yours"};
    return passphrase;
  }
  crypto::WipedBuffer page = crypto::wiped_copy(
      "\nThis is the passphrase. It is shown this once, and nobody can give it to you again.\n\n"
      "    ");
  page.insert(page.end(), passphrase.begin(), passphrase.end());
  for (const char c : std::string_view{"\n\nWrite it on paper, then press Enter. "})
    page.push_back(c);
  if (!say(crypto::view(page)))
    throw CommandError{"there is no terminal to show the passphrase on",
                       "name a new file for it with --new-passphrase-file"};
  ask("");
  clear_screen();
  if (!has_been_typed(passphrase))
    throw CommandError{"the passphrase was not typed as it was shown; nothing was made or changed",
                       "run it again, which gives another passphrase"};
  return passphrase;
}

}  // namespace ishara::commands
