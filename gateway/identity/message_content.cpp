#include "gateway/identity/message_content.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

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

void append_field(crypto::WipedBytes& out, std::string_view name, std::string_view value) {
  append(out, out.size() == 1 ? "\"" : ",\"");
  append(out, name);
  append(out, "\":");
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

}  // namespace

MessageContent::~MessageContent() {
  wipe(category);
  wipe(region);
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
  append(out, "}");
  return out;
}

boost::system::result<MessageContent> decode_message(crypto::View json) {
  boost::system::error_code error;
  const auto value = boost::json::parse(
      std::string_view{reinterpret_cast<const char*>(json.data()), json.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  if (!object) return envelope_errc::refused;
  const auto field = [&](std::string_view name, std::string_view& out) {
    const auto* found = object->if_contains(name);
    const auto* text = found ? found->if_string() : nullptr;
    if (text) out = *text;
    return text != nullptr;
  };
  std::string_view kind, channel, at, via, text, category, region;
  MessageContent content;
  if (!field("k", kind) || !field("ch", channel) || !field("at", at) || !field("via", via) ||
      !field("t", text) || !field("cat", category) || !field("reg", region) ||
      !read_minute(at, content.at))
    return envelope_errc::refused;
  content.kind = kind;
  content.channel = channel;
  content.via = via;
  content.text = Text{text};
  content.category = category;
  content.region = region;
  return content;
}

}  // namespace ishara::identity
