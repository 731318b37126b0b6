#pragma once
// What the desk remembers of its callers, in memory and bounded. Each object belongs to one thread.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "gateway/crypto/primitives.hpp"
#include "gateway/http/message.hpp"

namespace ishara::desk {

// Sealed texts handed to a user: 200 in any hour, 1,000 in any day (privacy.md section 10), counted
// to five minutes. It slows a member who copies what she may read.
class FetchLimit {
 public:
  static constexpr std::uint32_t an_hour = 200;
  static constexpr std::uint32_t a_day = 1'000;

  // Counts one text before it is read, so that requests side by side cannot all pass; false, and
  // nothing is counted, if `user` has used up her texts.
  bool charge(const crypto::Id& user, std::uint64_t unix_time);
  // Corrects a charge that was made at `unix_time` to the number of texts that were read. False,
  // and nothing is counted, if others of her requests have used up the texts meanwhile: then none
  // is handed out.
  bool settle(const crypto::Id& user, std::uint64_t unix_time, std::uint32_t texts);

 private:
  struct Step {
    std::uint64_t number;  // of five minutes since 1970
    std::uint32_t texts;
  };
  bool has_left(std::deque<Step>& steps, std::uint64_t now);

  std::map<crypto::Id, std::deque<Step>> users_;  // at most one entry a rostered member
};

// What strangers try: one-time codes, signatures. Each is looked at however many were wrong. Nobody
// guesses 128 bits, and a limit would let a stranger keep out who has the right ones. But trying
// rings.
class TrialAlarm {
 public:
  static constexpr std::size_t an_hour = 60;

  // Counts a wrong one. If that makes 60 within an hour, and it has not rung in that hour: how many
  // were counted since it last rang, which may be more.
  [[nodiscard]] std::optional<std::uint64_t> count_wrong(std::uint64_t unix_time);

 private:
  std::deque<std::uint64_t> wrong_;  // when, the newest 60
  std::uint64_t since_ = 0;
  std::optional<std::uint64_t> rang_;
};

// Answers to POSTs by user and Idempotency-Key, so that a repeated request is done once. The newest
// 10,000 are kept, for a day, until the desk restarts.
class Repeats {
 public:
  struct Known {
    crypto::Digest request;                  // the same key with another request is a mistake
    std::optional<http::Response> response;  // nothing: the first one is still being worked on
  };
  static constexpr std::size_t capacity = 10'000;

  // What is known of this key; nothing the first time, which is then noted as being worked on.
  std::optional<Known> begin(const crypto::Id& user, const std::string& key,
                             const crypto::Digest& request, std::uint64_t unix_time);
  void finish(const crypto::Id& user, const std::string& key, const http::Response& response);
  // The work failed in a way that may be tried again with the same key.
  void forget(const crypto::Id& user, const std::string& key);

 private:
  using Key = std::pair<crypto::Id, std::string>;
  struct Aged {
    std::uint64_t time;
    Key key;
  };
  std::map<Key, Known> known_;
  std::deque<Aged> by_age_;
};

}  // namespace ishara::desk
