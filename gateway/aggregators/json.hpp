#pragma once
// JSON of requests and answers, read and written in memory that is wiped: it may name a number and
// hold a text. Values like any other; not shared between threads.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/aggregators/aggregator.hpp"

namespace boost::json {
class value;
}

namespace ishara::aggregators {

// Of a field that may be absent.
inline std::optional<std::string_view> view_of(
    const std::optional<crypto::WipedBuffer>& field) noexcept {
  return field ? std::optional{crypto::view(*field)} : std::nullopt;
}

// A place in a JSON document, whose memory is wiped; empty if there is none. A document is no
// larger than what it was read from allows, and nests at most 32 deep.
class Json {
 public:
  // In a path: the one entry of a list of exactly one.
  static constexpr std::string_view only = "*";

  Json() = default;
  // Of a whole body; empty if that is no JSON. What is no UTF-8 is repaired first
  // (channels.md 1.5).
  explicit Json(std::string_view body);

  explicit operator bool() const noexcept { return node_ != nullptr; }
  // Where a path of members leads to.
  Json at(std::initializer_list<std::string_view> path) const;
  // A text, or a whole number or truth value as JSON writes it, of this place or at a path.
  std::optional<crypto::WipedBuffer> text() const;
  std::optional<crypto::WipedBuffer> text(std::initializer_list<std::string_view> path) const {
    return at(path).text();
  }
  bool is_object() const noexcept;
  bool is_list() const noexcept;
  // Of a list, and of an object by name; nothing of anything else.
  std::vector<Json> entries() const;
  std::vector<std::pair<crypto::WipedBuffer, Json>> members() const;

 private:
  explicit Json(std::shared_ptr<const boost::json::value> node) : node_{std::move(node)} {}
  std::shared_ptr<const boost::json::value> node_;
};

// The JSON object that was posted. Refuses another method, and a body that is too large, of another
// type or no such thing.
Result<Json> posted_json(const http::Request& request);
// The same of a list.
Result<Json> posted_json_list(const http::Request& request);

// Writes JSON into memory that is wiped; commas stand where they belong.
class JsonWriter {
 public:
  JsonWriter& open(char bracket);   // '{' or '['
  JsonWriter& close(char bracket);  // '}' or ']'
  JsonWriter& name(std::string_view name);
  JsonWriter& text(std::string_view utf8);
  JsonWriter& number(std::int64_t value);
  JsonWriter& truth(bool value);
  JsonWriter& member(std::string_view its, std::string_view utf8) { return name(its).text(utf8); }
  crypto::WipedBuffer take() && { return std::move(out_); }

 private:
  JsonWriter& raw(std::string_view words);
  void separate();
  crypto::WipedBuffer out_;
};

// An answer of JSON, and the text at a place of one.
http::Response json_answer(crypto::WipedBuffer body);
std::optional<std::string> text_in(const http::Response& answer,
                                   std::initializer_list<std::string_view> path);

// A POST of JSON to `target`, with `fields` beside the content type.
http::Request json_post(std::string_view target, crypto::WipedBuffer body,
                        std::vector<http::Field> fields);

// What an answer says of an API that has taken a text if it answers 2xx with the text's id at
// `path`.
SendAnswer by_id(const http::Response& answer, std::initializer_list<std::string_view> path);

// The token in an answer of OAuth 2.0 (RFC 6749, 5.1); an hour's where its life cannot be read.
std::optional<Token> oauth_token(const http::Response& answer);

}  // namespace ishara::aggregators
