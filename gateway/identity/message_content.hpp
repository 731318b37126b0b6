#pragma once
// The JSON inside a MESSAGE and a NOTE (privacy.md section 6): the text as received, and what the
// gateway made of it. Category and region are stored nowhere else. Pure functions, thread-safe.
//
//   MESSAGE {"k":"msg|ans","ch":"sms|ussd","at":"2026-01-31T14:05Z","via":"new|sitting|number|ref",
//            "t":…,"cat":…,"reg":…,"may":["RW-01.gasabo.remera",…],"ent":[{"k":"number|plate|handle|url","v":…}],
//            "yes":{"text":true,"unverified":true,"class":1,"safe":[36,40]},
//            "menu":{"who":"child","danger":"now","place":…,"gaps":["words"]}}
//   NOTE     {"k":"note|reply","at":"2026-01-31T14:05Z","t":…,"reply":"32 hexadecimal digits"}
//
// "may", "ent", "yes" and "menu" are left out where there is nothing to say, and "yes" and "menu"
// name only what was said.

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/safe_range.hpp"
#include "gateway/identity/text.hpp"

namespace ishara::identity {

// Something that identifies a person or thing, as the gateway found it in the text.
struct Entity {
  enum class Kind : std::uint8_t { number, plate, handle, url };
  Kind kind = Kind::number;
  Text value;
};

// What the reporter answered to the questions of the dialogue, in or before this text.
struct Answers {
  std::optional<bool> may_text{};
  bool unverified = false;                      // the yes came by number alone, in a later sitting
  std::optional<std::uint8_t> consent_class{};  // 0 helpers only, 1 helpers and police
  std::optional<SafeRange> safe{};

  friend bool operator==(const Answers&, const Answers&) = default;
};

// What the reporter chose from the menu of a dialogue, beside category, region and consent. "place"
// stands only if it was written, "gaps" only if the dialogue broke off: what was not answered yet.
struct Chosen {
  std::string who;     // self, child, adult, several, unsaid; empty: not answered
  std::string danger;  // now, soon, not_now, unsure; empty: not answered
  Text place;
  std::vector<std::string> gaps;  // who, where, danger, words, send
};

struct MessageContent {
  MessageContent() = default;
  MessageContent(MessageContent&&) noexcept = default;
  MessageContent& operator=(MessageContent&&) noexcept = default;
  ~MessageContent();  // wipes category and region too, which are sealed like the text

  std::string kind = "msg";     // msg, or ans for a bare answer
  std::string channel = "sms";  // sms or ussd
  std::chrono::sys_time<std::chrono::minutes> at;
  std::string via = "new";  // new, sitting, number, ref
  Text text;
  std::string category;
  std::string region;  // empty: unknown
  // Where it may be, if the text names a place that there is several times; for a person to decide.
  std::vector<std::string> candidates;
  std::vector<Entity> entities;
  Answers answers;
  std::optional<Chosen> chosen;
};

// UTF-8 JSON in wiping memory.
crypto::WipedBytes encode(const MessageContent& content);
// envelope_errc::refused for anything that `encode` could not have written.
boost::system::result<MessageContent> decode_message(crypto::View json);

struct NoteContent {
  std::chrono::sys_time<std::chrono::minutes> at;
  Text text;
  std::optional<crypto::Id> reply_id{};  // the REPLY that this is the team's own copy of
};
crypto::WipedBytes encode(const NoteContent& content);
boost::system::result<NoteContent> decode_note(crypto::View json);

}  // namespace ishara::identity
