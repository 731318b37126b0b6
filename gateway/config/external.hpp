#pragma once
// The description of an aggregator that Ishara has no source for: what the files of a channel of
// the provider `external` say beside the keys of every channel. ops/external.md tells of each key.
//
// Plain values, checked key by key as they are put in and whole by `between_keys`; then immutable
// and shared. Whatever is told of a mistake names keys and quotes no value.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/config/template.hpp"

namespace ishara::config {

enum class Content : std::uint8_t {
  form,  // of query and body together
  json,
  xml,
  text,  // of answers alone: the whole is one word, of whatever name
};

// Where a value stands: a form's field, a JSON pointer or the name of a member, a path of XML, or
// "header NAME".
struct Place {
  std::string name;                // a header's in lower case
  std::vector<std::string> steps;  // of a JSON pointer
  bool in_header = false;
};
// In the order in which they are looked at; the first that holds something counts.
using Places = std::vector<Place>;

// What a list of words says: each in lower case; with a star at its end, of all that begin so.
using Words = std::vector<std::string>;

// "NAME", "NAME empty", "NAME = word | word*", "NAME != word".
struct Condition {
  enum class Test : std::uint8_t { there, empty, is, is_not };
  Place place;
  Test test = Test::there;
  Words words;
};
using Conditions = std::vector<Condition>;  // one that holds is enough

// A part of what is signed.
struct SignedPart {
  enum class What : std::uint8_t { url, body, place, fields, literal };
  What what = What::body;
  Place place;
  std::string text;     // the literal; of fields what stands between name and value
  std::string between;  // the fields
};

struct HeaderLine {
  std::string name;
  Template value;
};

struct External {
  Content content = Content::form;
  std::optional<Place> batch;  // a list of what is read one by one
  Places from, to, text, id, time;
  enum class TimeFormat : std::uint8_t {
    iso8601,
    unix_seconds,
    unix_milliseconds,
    pattern,
    ignore
  };
  TimeFormat time_format = TimeFormat::iso8601;
  std::string time_pattern;            // of strptime
  std::chrono::minutes time_offset{};  // of a pattern without a zone
  enum class TextEncoding : std::uint8_t { plain, hex, base64, percent };
  TextEncoding text_encoding = TextEncoding::plain;
  Places charset;
  std::string number_prefix;
  bool full_numbers = false;
  Places part_reference, part_total, part_number;
  Conditions message_if;

  Places secret, account;
  std::string secret_prefix;
  bool basic_login = false;
  std::vector<SignedPart> hmac;
  std::optional<Place> hmac_place, hmac_time;
  enum class SignatureEncoding : std::uint8_t { hex, base64 };
  SignatureEncoding hmac_encoding = SignatureEncoding::hex;
  std::string hmac_prefix;
  std::chrono::seconds hmac_max_age{300};

  Conditions delivery_if;
  Places delivery_id, delivery_status;
  Words delivered, failed, sent, queued;

  unsigned answer_status = 200;
  std::string answer_type = "text/plain";
  std::string answer;  // of success
  Template reply;      // of success with a text for the phone; empty: no answer reaches it

  Places session, code, input;
  bool input_is_whole = true;  // everything since the dialling
  std::string input_separator = "*";
  std::string input_prefix;
  Conditions begin_if, close_if;
  std::string screen_type = "text/plain";
  Template screen_continue, screen_end;
  std::vector<HeaderLine> continue_headers, end_headers;
  std::uint16_t screen_septets = 160, screen_units = 70;

  // All defaults: what a file says that has none of the keys.
  External();

  bool proves() const noexcept {
    return !secret.empty() || !account.empty() || basic_login || !hmac.empty();
  }
  // The places whose values an answer says again, each once.
  std::vector<std::string> echoed() const;
};

struct ExternalSending {
  enum class Method : std::uint8_t { get, post, put };
  Method method = Method::post;
  Template path;
  std::string type = "application/x-www-form-urlencoded";
  std::vector<HeaderLine> headers;
  Template body;
  std::string calling_code;
  std::vector<unsigned> accepted_status;
  Conditions accepted_if;
  Content response_content = Content::json;
  Places message_id, error;
  Words later, never, our_fault;

  ExternalSending();
};

// A key of a file: what stands there, and an example of it.
struct ExternalKey {
  enum class Shape : std::uint8_t { text, list, number, truth };
  std::string_view key;
  Shape shape;
  std::string_view example;
};
std::span<const ExternalKey> external_keys() noexcept;          // of `channels/<name>.toml`
std::span<const ExternalKey> external_sending_keys() noexcept;  // of `sending/<name>.toml`

// The keys of one file, with what is wrong with a value of one: words that go on behind its name.
class ExternalReader {
 public:
  explicit ExternalReader(External& out) : receiving_{&out} {}
  explicit ExternalReader(ExternalSending& out) : sending_{&out} {}

  // One value of a text, a number or a truth value ("true"); all of a list.
  std::optional<std::string> put(std::string_view key, std::span<const std::string> values);

  struct Wrong {
    std::string key;
    std::string what;
  };
  // Reads the templates that were put in, whose escaping other keys decide; at the end.
  std::vector<Wrong> read_templates();
  // What is wrong between keys, of which `given` are those of the file, those of every channel too;
  // after that.
  std::vector<Wrong> between_keys(std::span<const std::string_view> given) const;

 private:
  std::optional<std::string> put_receiving(std::string_view key,
                                           std::span<const std::string> values);
  std::optional<std::string> put_sending(std::string_view key, std::span<const std::string> values);
  void read_template(std::string_view key, Escaping escaping,
                     std::span<const std::string_view> gaps, Template& out,
                     std::vector<Wrong>& wrong) const;
  void read_headers(std::string_view key, std::span<const std::string_view> gaps,
                    std::vector<HeaderLine>& out, std::vector<Wrong>& wrong) const;
  const std::vector<std::string>* raw(std::string_view key) const noexcept;

  External* receiving_ = nullptr;
  ExternalSending* sending_ = nullptr;
  // As they stand, until all keys are known.
  std::vector<std::pair<std::string, std::vector<std::string>>> templates_;
};

// The place that `text` names; nothing if it names none.
std::optional<Place> read_place(std::string_view text);
// The time that `text` says by a pattern of strptime; nothing if it says none.
std::optional<std::chrono::sys_seconds> read_time(const std::string& pattern,
                                                  std::chrono::minutes offset,
                                                  const std::string& text) noexcept;

}  // namespace ishara::config
