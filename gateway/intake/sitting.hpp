#pragma once
// What a gateway remembers of one phone, for 60 minutes and in memory alone (privacy.md 7.2): how
// the conversation stands, the report that its texts belong to, and what it was answered.
// Values; the container is conversation/sittings.hpp.

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/conversation/sms.hpp"
#include "gateway/conversation/ussd.hpp"
#include "gateway/crypto/wipe.hpp"
#include "gateway/identity/ref.hpp"
#include "routing/model/names.hpp"
#include "routing/understand/gazetteer.hpp"

namespace ishara::intake {

// The report of a sitting.
struct Matter {
  crypto::Id report_id{};
  crypto::Id origin{};               // the hash of its first INTAKE
  crypto::Id owner{};                // the queue that holds it ...
  std::uint64_t as_of{};             // ... as this gateway knew it at that change of owners
  std::optional<crypto::Id> police;  // the queue that gets a copy in consent class 1
  std::uint8_t consent_class = 0;    // 1 only if signed here, or seen with its proof
  // The report began in this sitting, or was named by its verified ref. Otherwise the number alone
  // says that it is his, and numbers can be forged.
  bool proven = false;
  identity::Ref ref;  // what this sitting was told; it opens the report only if `proven`
};

// A text that was handled, so that its redelivery changes nothing and gets the same answer.
struct Handled {
  crypto::Id dedupe{};
  std::chrono::sys_seconds at{};
  std::optional<crypto::WipedBuffer> line;  // what it was answered, if that may be said again
};

struct Sitting {
  // More than anybody types. What comes after them is stored and no more: no answer and no urgency
  // of its own. Only who takes something back is still heard.
  static constexpr std::uint32_t most_texts = 40;
  static constexpr std::size_t most_lines = 4;  // of the last texts

  conversation::Memory talk;
  std::optional<Matter> matter;
  routing::RegionCode region;      // the last that its texts have told, a subdivision or below
  routing::Candidates candidates;  // while talk.place is ambiguous; its numbers count them
  std::uint32_t texts = 0;
  std::vector<Handled> handled;  // at most `most_texts`, the newest last

  bool is_silent() const noexcept {
    return talk.state == conversation::State::quiet || talk.state == conversation::State::stopped;
  }
  void remember(Handled text) {
    if (handled.size() == most_texts) handled.erase(handled.begin());
    if (handled.size() >= most_lines) handled[handled.size() - most_lines].line.reset();
    handled.push_back(std::move(text));
  }
};

// What a gateway remembers of one dialogue, no longer than a network lets it live. Nothing in it
// says whose it is.
struct Dialogue {
  static constexpr std::chrono::seconds length{180};

  conversation::UssdSession session;
  crypto::Id phone{};          // its tag
  std::uint32_t let_go = 0;    // so often what it had come to was made a report of its own
  crypto::WipedBuffer screen;  // that the last request was answered with
};

}  // namespace ishara::intake
