#include "gateway/aggregators/json.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <concepts>
#include <cstddef>

#include "gateway/aggregators/fields.hpp"
#include "gateway/http/form.hpp"
#include "i18n/utf8.hpp"

namespace ishara::aggregators {
namespace {

// The unit of UTF-16 that an escape at this place of a JSON document names.
std::optional<unsigned> escaped_unit(std::string_view json, std::size_t at) noexcept {
  unsigned unit = 0;
  if (json.size() < at + 6 || json[at] != '\\' || json[at + 1] != 'u') return std::nullopt;
  const auto* const first = json.data() + at + 2;
  const auto [end, error] = std::from_chars(first, first + 4, unit, 16);
  if (error != std::errc{} || end != first + 4) return std::nullopt;
  return unit;
}

// What no JSON parser takes, made U+FFFD: bytes that are no UTF-8, and half of an emoji that a
// phone has cut in two. All else stays as it is, since a signature may cover it.
crypto::WipedBuffer repaired(std::string_view json) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  crypto::WipedBuffer out;
  out.reserve(json.size());
  const auto append = [&out](std::string_view piece) {
    out.insert(out.end(), piece.begin(), piece.end());
  };
  while (!json.empty()) {
    std::size_t size = 1;
    if (const auto unit = escaped_unit(json, 0)) {
      size = 6;
      const auto next = escaped_unit(json, 6);
      const bool high = *unit >= 0xD800 && *unit < 0xDC00;
      const bool pair = high && next && *next >= 0xDC00 && *next < 0xE000;
      if (pair) size = 12;
      append(!pair && *unit >= 0xD800 && *unit < 0xE000 ? replacement : json.substr(0, size));
    } else if (json.front() == '\\') {
      size = std::min<std::size_t>(2, json.size());
      append(json.substr(0, size));
    } else {
      const auto next = i18n::first_of_utf8(json);
      size = next.size;
      append(next.valid ? json.substr(0, size) : replacement);
    }
    json.remove_prefix(size);
  }
  return out;
}

// An answer may name the number and the text that we sent. Boost.JSON 1.81 gives back a key with
// another alignment than it was asked for, so all have the widest.
class WipingJson final : public boost::json::memory_resource {
  void* do_allocate(std::size_t size, std::size_t) override {
    return crypto::wiping_resource().allocate(size, alignof(std::max_align_t));
  }
  void do_deallocate(void* data, std::size_t size, std::size_t) override {
    crypto::wiping_resource().deallocate(data, size, alignof(std::max_align_t));
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

// A number may be that of a phone, so no string may keep its digits.
crypto::WipedBuffer written(std::integral auto number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  crypto::WipedBuffer out{digits.data(), end};
  crypto::wipe(digits.data(), digits.size());
  return out;
}

Result<Json> posted_json_of_any_kind(const http::Request& request) {
  if (const auto posted = is_posted(request); !posted) return posted.error();
  if (request.body.size() > max_body)
    return Refusal{errc::too_large, "the body is larger than 64 KiB"};
  if (request.field("content-type") && !http::is_json(request))
    return Refusal{errc::wrong_content_type, "the body is not JSON"};
  return Json{crypto::view(request.body)};
}

}  // namespace

Json::Json(std::string_view body) {
  static WipingJson memory;
  const auto whole = repaired(body);
  boost::json::stream_parser parser{&memory};
  parser.reset(&memory);  // what the constructor takes is for its own use
  boost::system::error_code error;
  parser.write(whole.data(), whole.size(), error);
  if (!error) parser.finish(error);
  if (!error) node_ = std::make_shared<const boost::json::value>(parser.release());
}

Json Json::at(std::initializer_list<std::string_view> path) const {
  const auto* node = node_.get();
  for (const auto step : path) {
    if (node == nullptr) break;
    if (const auto* list = node->if_array(); list && list->size() == 1 && step == only) {
      node = &list->front();
      continue;
    }
    const auto* members = node->if_object();
    node = members == nullptr ? nullptr : members->if_contains(step);
  }
  return node == nullptr ? Json{} : Json{{node_, node}};
}

std::optional<crypto::WipedBuffer> Json::text() const {
  if (node_ == nullptr) return std::nullopt;
  if (const auto* text = node_->if_string()) return crypto::wiped_copy(*text);
  if (const auto* number = node_->if_int64()) return written(*number);
  if (const auto* number = node_->if_uint64()) return written(*number);
  if (const auto* truth = node_->if_bool()) return crypto::wiped_copy(*truth ? "true" : "false");
  return std::nullopt;
}

bool Json::is_object() const noexcept { return node_ != nullptr && node_->is_object(); }

bool Json::is_list() const noexcept { return node_ != nullptr && node_->is_array(); }

std::vector<Json> Json::entries() const {
  std::vector<Json> out;
  if (const auto* list = node_ ? node_->if_array() : nullptr)
    for (const auto& entry : *list) out.push_back(Json{{node_, &entry}});
  return out;
}

std::vector<std::pair<crypto::WipedBuffer, Json>> Json::members() const {
  std::vector<std::pair<crypto::WipedBuffer, Json>> out;
  if (const auto* object = node_ ? node_->if_object() : nullptr)
    for (const auto& member : *object)
      out.emplace_back(crypto::wiped_copy(member.key()), Json{{node_, &member.value()}});
  return out;
}

Result<Json> posted_json(const http::Request& request) {
  auto json = posted_json_of_any_kind(request);
  if (json && !json->is_object()) return Refusal{errc::malformed, "the body is no JSON object"};
  return json;
}

Result<Json> posted_json_list(const http::Request& request) {
  auto json = posted_json_of_any_kind(request);
  if (json && !json->is_list()) return Refusal{errc::malformed, "the body is no JSON list"};
  return json;
}

void JsonWriter::separate() {
  if (out_.empty()) return;
  const char last = out_.back();
  if (last != '{' && last != '[' && last != ':') out_.push_back(',');
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_.push_back(bracket);
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_.push_back(bracket);
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view name) {
  text(name);
  out_.push_back(':');
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view utf8) {
  constexpr std::string_view digits = "0123456789abcdef";
  separate();
  out_.push_back('"');
  for (const char c : utf8) {
    const auto octet = static_cast<std::uint8_t>(c);
    if (octet < 0x20) {
      for (const char part : {'\\', 'u', '0', '0', digits[octet >> 4], digits[octet & 15]})
        out_.push_back(part);
      continue;
    }
    if (c == '"' || c == '\\') out_.push_back('\\');
    out_.push_back(c);
  }
  out_.push_back('"');
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) { return raw(std::to_string(value)); }

JsonWriter& JsonWriter::truth(bool value) { return raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::raw(std::string_view words) {
  separate();
  out_.insert(out_.end(), words.begin(), words.end());
  return *this;
}

http::Request json_post(std::string_view target, crypto::WipedBuffer body,
                        std::vector<http::Field> fields) {
  http::Request request;
  request.method = http::Method::post;
  request.target = crypto::wiped_copy(target);
  request.fields = std::move(fields);
  request.fields.push_back({"content-type", crypto::wiped_copy("application/json")});
  request.body = std::move(body);
  return request;
}

http::Response json_answer(crypto::WipedBuffer body) {
  return {200, "application/json", std::string{crypto::view(body)}, {}, false};
}

std::optional<std::string> text_in(const http::Response& answer,
                                   std::initializer_list<std::string_view> path) {
  const auto text = Json{answer.body}.text(path);
  if (!text) return std::nullopt;
  return std::string{crypto::view(*text)};
}

SendAnswer by_id(const http::Response& answer, std::initializer_list<std::string_view> path) {
  auto out = by_status(answer);
  if (answer.status / 100 != 2) return out;
  const auto id = Json{answer.body}.text(path);
  if (!id) return out;
  out.taken = Taken::accepted;
  out.id = read_id(crypto::view(*id));
  return out;
}

std::optional<Token> oauth_token(const http::Response& answer) {
  const Json json{answer.body};
  auto value = json.text({"access_token"});
  if (!value || value->empty()) return std::nullopt;
  const auto life = json.text({"expires_in"});
  const auto seconds = read_whole(view_of(life).value_or("")).value_or(3600);
  return Token{std::move(*value), std::chrono::seconds{seconds}};
}

}  // namespace ishara::aggregators
