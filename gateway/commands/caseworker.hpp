#pragma once
// A caseworker's client: calls the desk with her signature, checks everything that the desk says
// against the pinned root key, and opens reports with her own key, on her own machine. The desk is
// trusted with nothing but to be there.
//
// One thread; calls block.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http/client.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/message_content.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::commands {

// What a caseworker's command stops with: what happened and what to do, for people.
class CaseworkerError : public std::runtime_error {
 public:
  CaseworkerError(const std::string& what, std::string what_to_do)
      : std::runtime_error{what}, what_to_do_{std::move(what_to_do)} {}
  const std::string& what_to_do() const noexcept { return what_to_do_; }

 private:
  std::string what_to_do_;
};

// A report that was opened. Where the desk's row says something that a gateway has signed, the
// signed word stands and the row's does not.
struct OpenedReport {
  identity::IntakeRecord record;     // of the first text, verified
  std::string queue;                 // its owner's name in the signed rosters; empty: not there
  std::string row;                   // a JSON object: what the desk alone can know, unsigned
  std::vector<std::string> flagged;  // fields in which the row differed from the record
  std::vector<identity::MessageContent> texts;
};

class Caseworker {
 public:
  struct Settings {
    http::Origin desk;
    std::filesystem::path key_file;  // user file; beside it `<name>.seen` remembers roster versions
    crypto::PublicKey root_key{};
  };

  // Opens the key file; blocks for one Argon2id. Throws CaseworkerError.
  Caseworker(Settings settings, std::string_view passphrase);

  // All of these throw CaseworkerError. The answers are JSON objects.
  std::string get(const std::string& path);
  // Nothing for an answer without content. Sends the same request again once if the answer is lost.
  std::optional<std::string> post(const std::string& path, bool conditional);
  // Fetches and verifies the rosters; refuses older ones than were ever seen with this key.
  const identity::Directory& directory();
  // Fetches, verifies and opens a report.
  OpenedReport open(const std::string& report_id);

 private:
  http::Response call(http::Method method, const std::string& path,
                      std::vector<std::pair<std::string, std::string>> fields);
  const crypto::BoxKey* queue_key(const crypto::Id& kid);
  struct SealedText {
    crypto::Bytes record;
    crypto::Bytes message;
    crypto::Bytes wraps;
  };
  struct OpenedText {
    identity::IntakeRecord record;
    identity::MessageContent content;
  };
  OpenedText open_text(const SealedText& text, const crypto::Id& report, bool first);

  Settings settings_;
  crypto::Id user_id_{};
  crypto::SigningKey signing_key_;
  crypto::BoxKey box_key_;
  std::optional<identity::Directory> directory_;
  bool has_grants_ = false;
  std::map<crypto::Id, crypto::BoxKey> queue_keys_;  // by kid
};

}  // namespace ishara::commands
