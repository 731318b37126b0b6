#include "gateway/identity/message_content.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::identity {
namespace {

void append(crypto::WipedBytes& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

// Serializes straight from the caller's bytes, so that no copy of the text stays behind.
void append_string(crypto::WipedBytes& out, std::string_view text) {
  boost::json::serializer serializer;
  serializer.reset(text);
  std::array<char, 512> chunk;
  while (!serializer.done()) {
    const auto piece = serializer.read(chunk.data(), chunk.size());
    append(out, {piece.data(), piece.size()});
  }
  crypto::wipe(chunk.data(), chunk.size());
}

void append_name(crypto::WipedBytes& out, std::string_view name) {
  append(out, out.back() == '{' ? "\"" : ",\"");
  append(out, name);
  append(out, "\":");
}

void append_field(crypto::WipedBytes& out, std::string_view name, std::string_view value) {
  append_name(out, name);
  append_string(out, value);
}

std::string to_minute(std::chrono::sys_time<std::chrono::minutes> at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{at - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count());
}

bool read_number(std::string_view text, int& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_minute(std::string_view text, std::chrono::sys_time<std::chrono::minutes>& out) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  if (text.size() != 17 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != 'Z' || !read_number(text.substr(0, 4), year) ||
      !read_number(text.substr(5, 2), month) || !read_number(text.substr(8, 2), day) ||
      !read_number(text.substr(11, 2), hour) || !read_number(text.substr(14, 2), minute))
    return false;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
  out = std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute};
  return true;
}

// With all its capacity: a string that was moved from keeps its old bytes behind its end.
void wipe(std::string& text) noexcept {
  text.resize(text.capacity());
  crypto::wipe(text.data(), text.size());
}

constexpr std::array<std::string_view, 4> entity_kinds{"number", "plate", "handle", "url"};

void append_entities(crypto::WipedBytes& out, const std::vector<Entity>& entities) {
  append_name(out, "ent");
  append(out, "[");
  for (const auto& entity : entities) {
    append(out, &entity == entities.data() ? "{" : ",{");
    append_field(out, "k", entity_kinds[static_cast<std::size_t>(entity.kind)]);
    entity.value.reveal([&](std::string_view value) { append_field(out, "v", value); });
    append(out, "}");
  }
  append(out, "]");
}

void append_candidates(crypto::WipedBytes& out, const std::vector<std::string>& candidates) {
  append_name(out, "may");
  append(out, "[");
  for (const auto& candidate : candidates) {
    if (&candidate != candidates.data()) append(out, ",");
    append_string(out, candidate);
  }
  append(out, "]");
}

void append_answers(crypto::WipedBytes& out, const Answers& answers) {
  append_name(out, "yes");
  append(out, "{");
  if (answers.may_text) {
    append_name(out, "text");
    append(out, *answers.may_text ? "true" : "false");
  }
  if (answers.unverified) {
    append_name(out, "unverified");
    append(out, "true");
  }
  if (answers.consent_class) {
    append_name(out, "class");
    append(out, fmt::format("{}", *answers.consent_class));
  }
  if (answers.safe) {
    append_name(out, "safe");
    append(out, fmt::format("[{},{}]", answers.safe->start, answers.safe->end));
  }
  append(out, "}");
}

bool read_text(const boost::json::object& object, std::string_view name, std::string_view& out) {
  const auto* found = object.if_contains(name);
  const auto* text = found ? found->if_string() : nullptr;
  if (text) out = *text;
  return text != nullptr;
}

bool read_entities(const boost::json::value& value, std::vector<Entity>& out) {
  const auto* array = value.if_array();
  if (!array || array->empty()) return false;
  for (const auto& entry : *array) {
    const auto* object = entry.if_object();
    std::string_view kind, text;
    if (!object || !read_text(*object, "k", kind) || !read_text(*object, "v", text)) return false;
    const auto known = std::ranges::find(entity_kinds, kind);
    if (known == entity_kinds.end()) return false;
    out.push_back({static_cast<Entity::Kind>(known - entity_kinds.begin()), Text{text}});
  }
  return true;
}

bool read_candidates(const boost::json::value& value, std::vector<std::string>& out) {
  const auto* array = value.if_array();
  if (!array || array->empty()) return false;
  for (const auto& entry : *array) {
    const auto* region = entry.if_string();
    if (!region) return false;
    out.emplace_back(std::string_view{*region});
  }
  return true;
}

// A whole number up to `most`.
std::optional<std::uint8_t> read_small(const boost::json::value& value, std::int64_t most) {
  const auto* number = value.if_int64();
  if (!number || *number < 0 || *number > most) return std::nullopt;
  return static_cast<std::uint8_t>(*number);
}

bool read_answers(const boost::json::value& value, Answers& out) {
  const auto* object = value.if_object();
  if (!object) return false;
  if (const auto* text = object->if_contains("text")) {
    if (!text->is_bool()) return false;
    out.may_text = text->get_bool();
  }
  if (const auto* unverified = object->if_contains("unverified")) {
    if (!unverified->is_bool()) return false;
    out.unverified = unverified->get_bool();
  }
  if (const auto* consent = object->if_contains("class")) {
    out.consent_class = read_small(*consent, 1);
    if (!out.consent_class) return false;
  }
  if (const auto* safe = object->if_contains("safe")) {
    const auto* range = safe->if_array();
    if (!range || range->size() != 2) return false;
    const auto start = read_small((*range)[0], SafeRange::end_of_day);
    const auto end = read_small((*range)[1], SafeRange::end_of_day);
    if (!start || !end) return false;
    out.safe = SafeRange{*start, *end};
  }
  return out != Answers{};
}

void append_chosen(crypto::WipedBytes& out, const Chosen& chosen) {
  append_name(out, "menu");
  append(out, "{");
  if (!chosen.who.empty()) append_field(out, "who", chosen.who);
  if (!chosen.danger.empty()) append_field(out, "danger", chosen.danger);
  if (!chosen.place.empty())
    chosen.place.reveal([&](std::string_view place) { append_field(out, "place", place); });
  if (!chosen.gaps.empty()) {
    append_name(out, "gaps");
    append(out, "[");
    for (const auto& gap : chosen.gaps) {
      if (&gap != chosen.gaps.data()) append(out, ",");
      append_string(out, gap);
    }
    append(out, "]");
  }
  append(out, "}");
}

// A word that the gateway has for an answer.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 16 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == text.npos;
}

bool read_chosen(const boost::json::value& value, std::optional<Chosen>& out) {
  const auto* object = value.if_object();
  if (!object) return false;
  Chosen chosen;
  const auto read_word = [&](std::string_view name, std::string& word) {
    std::string_view text;
    if (!object->contains(name)) return true;
    if (!read_text(*object, name, text) || !is_word(text)) return false;
    word = text;
    return true;
  };
  if (!read_word("who", chosen.who) || !read_word("danger", chosen.danger)) return false;
  if (object->contains("place")) {
    std::string_view place;
    if (!read_text(*object, "place", place) || place.empty()) return false;
    chosen.place = Text{place};
  }
  if (const auto* gaps = object->if_contains("gaps")) {
    const auto* array = gaps->if_array();
    if (!array || array->empty()) return false;
    for (const auto& gap : *array) {
      const auto* word = gap.if_string();
      if (!word || !is_word(*word)) return false;
      chosen.gaps.emplace_back(*word);
    }
  }
  out = std::move(chosen);
  return true;
}

// Null for what is no JSON.
boost::json::value parsed(crypto::View json) {
  boost::system::error_code error;
  return boost::json::parse(
      std::string_view{reinterpret_cast<const char*>(json.data()), json.size()}, error);
}

}  // namespace

MessageContent::~MessageContent() {
  wipe(category);
  wipe(region);
  if (chosen) {
    wipe(chosen->who);
    wipe(chosen->danger);
  }
  for (auto& candidate : candidates) wipe(candidate);
}

crypto::WipedBytes encode(const MessageContent& content) {
  crypto::WipedBytes out;
  out.reserve(content.text.size() + content.text.size() / 4 + 160);
  append(out, "{");
  append_field(out, "k", content.kind);
  append_field(out, "ch", content.channel);
  append_field(out, "at", to_minute(content.at));
  append_field(out, "via", content.via);
  content.text.reveal([&](std::string_view text) { append_field(out, "t", text); });
  append_field(out, "cat", content.category);
  append_field(out, "reg", content.region);
  if (!content.candidates.empty()) append_candidates(out, content.candidates);
  if (!content.entities.empty()) append_entities(out, content.entities);
  if (content.answers != Answers{}) append_answers(out, content.answers);
  if (content.chosen) append_chosen(out, *content.chosen);
  append(out, "}");
  return out;
}

boost::system::result<MessageContent> decode_message(crypto::View json) {
  const auto value = parsed(json);
  const auto* object = value.if_object();
  if (!object) return envelope_errc::refused;
  std::string_view kind, channel, at, via, text, category, region;
  MessageContent content;
  const auto* candidates = object->if_contains("may");
  const auto* entities = object->if_contains("ent");
  const auto* answers = object->if_contains("yes");
  const auto* chosen = object->if_contains("menu");
  if (!read_text(*object, "k", kind) || !read_text(*object, "ch", channel) ||
      !read_text(*object, "at", at) || !read_text(*object, "via", via) ||
      !read_text(*object, "t", text) || !read_text(*object, "cat", category) ||
      !read_text(*object, "reg", region) || !read_minute(at, content.at) ||
      (candidates && !read_candidates(*candidates, content.candidates)) ||
      (entities && !read_entities(*entities, content.entities)) ||
      (answers && !read_answers(*answers, content.answers)) ||
      (chosen && !read_chosen(*chosen, content.chosen)))
    return envelope_errc::refused;
  content.kind = kind;
  content.channel = channel;
  content.via = via;
  content.text = Text{text};
  content.category = category;
  content.region = region;
  return content;
}

crypto::WipedBytes encode(const NoteContent& content) {
  crypto::WipedBytes out;
  out.reserve(content.text.size() + content.text.size() / 4 + 160);
  append(out, "{");
  append_field(out, "k", content.reply_id ? "reply" : "note");
  append_field(out, "at", to_minute(content.at));
  content.text.reveal([&](std::string_view text) { append_field(out, "t", text); });
  if (content.reply_id) append_field(out, "reply", crypto::hex(*content.reply_id));
  append(out, "}");
  return out;
}

boost::system::result<NoteContent> decode_note(crypto::View json) {
  const auto value = parsed(json);
  const auto* object = value.if_object();
  if (!object) return envelope_errc::refused;
  std::string_view kind, at, text, reply;
  NoteContent content;
  if (!read_text(*object, "k", kind) || !read_text(*object, "at", at) ||
      !read_text(*object, "t", text) || !read_minute(at, content.at) ||
      (kind != "note" && kind != "reply") ||
      (kind == "reply") != read_text(*object, "reply", reply))
    return envelope_errc::refused;
  content.text = Text{text};
  if (kind == "reply") {
    content.reply_id = crypto::from_hex_exact<16>(reply);
    if (!content.reply_id) return envelope_errc::refused;
  }
  return content;
}

}  // namespace ishara::identity
