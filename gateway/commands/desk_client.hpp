#pragma once
// What every person's client does with the desk: it calls with her signature, and checks the
// rosters against the pinned root key. The desk is trusted with nothing but to be there.
//
// One thread; calls block. All of these throw CommandError.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/commands/command_error.hpp"
#include "gateway/crypto/primitives.hpp"
#include "gateway/http/client.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::commands {

// Sends the request, and the very same once more if the answer is lost; throws for an answer of 400
// or more, with the desk's own words.
http::Response fetch_from_desk(const http::Origin& desk, http::Method method,
                               const std::string& path,
                               std::vector<std::pair<std::string, std::string>> fields,
                               std::string_view body, const crypto::SigningKey* signer);

// An answer of the desk that is an error.
class DeskRefusal : public CommandError {
 public:
  DeskRefusal(unsigned status, const std::string& what, std::string what_to_do)
      : CommandError{what, std::move(what_to_do)}, status_{status} {}
  unsigned status() const noexcept { return status_; }

 private:
  unsigned status_;
};

class DeskClient {
 public:
  struct Settings {
    http::Origin desk;
    std::filesystem::path key_file;  // user file; beside it `<name>.seen` remembers roster versions
    crypto::PublicKey root_key{};
  };

  // Opens the key file; blocks for one Argon2id.
  DeskClient(Settings settings, std::string_view passphrase);

  const crypto::Id& user_id() const noexcept { return user_id_; }
  const crypto::PublicKey& root_key() const noexcept { return settings_.root_key; }

  // The answers are JSON objects.
  std::string get(const std::string& path);
  // Nothing for an answer without content.
  std::optional<std::string> post(const std::string& path, bool conditional);
  http::Response send(const std::string& path, const std::string& body);
  // Fetches and verifies the rosters; refuses older ones than were ever seen with this key.
  const identity::Directory& directory();
  // The same rosters as they were signed, the root's first.
  const std::vector<identity::SignedRoster>& rosters();
  // Whether the rosters give her this role.
  bool has_role(std::string_view role);

 protected:
  const Settings& settings() const noexcept { return settings_; }
  const crypto::SigningKey& signing_key() const noexcept { return signing_key_; }
  const crypto::BoxKey& box_key() const noexcept { return box_key_; }
  // The next question for the directory asks the desk again.
  void forget_directory() { directory_.reset(); }

 private:
  Settings settings_;
  crypto::Id user_id_{};
  crypto::SigningKey signing_key_;
  crypto::BoxKey box_key_;
  std::optional<identity::Directory> directory_;
  std::vector<identity::SignedRoster> rosters_;
};

}  // namespace ishara::commands
