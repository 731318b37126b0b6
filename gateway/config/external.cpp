#include "gateway/config/external.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/config/external_words.hpp"

namespace ishara::config {
namespace {

using Shape = ExternalKey::Shape;
using Values = std::span<const std::string>;
using Complaint = std::optional<std::string>;

constexpr std::array receiving_keys{
    ExternalKey{"content", Shape::text, "content = \"json\""},
    ExternalKey{"batch", Shape::text, "batch = \"/results\""},
    ExternalKey{"from_field", Shape::list, "from_field = \"msisdn\""},
    ExternalKey{"to_field", Shape::list, "to_field = \"shortcode\""},
    ExternalKey{"text_field", Shape::list, "text_field = [\"message\", \"content\"]"},
    ExternalKey{"id_field", Shape::list, "id_field = \"message_id\""},
    ExternalKey{"time_field", Shape::list, "time_field = \"received_at\""},
    ExternalKey{"time_format", Shape::text, "time_format = \"%d/%m/%Y %H:%M:%S\""},
    ExternalKey{"time_zone", Shape::text, "time_zone = \"+03:00\""},
    ExternalKey{"text_encoding", Shape::text, "text_encoding = \"hex\""},
    ExternalKey{"charset_field", Shape::list, "charset_field = \"charset\""},
    ExternalKey{"number_prefix", Shape::text, "number_prefix = \"tel:\""},
    ExternalKey{"full_numbers", Shape::truth, "full_numbers = true"},
    ExternalKey{"part_reference_field", Shape::list, "part_reference_field = \"concat_ref\""},
    ExternalKey{"part_total_field", Shape::list, "part_total_field = \"concat_total\""},
    ExternalKey{"part_number_field", Shape::list, "part_number_field = \"concat_part\""},
    ExternalKey{"message_if", Shape::list, "message_if = \"event = received\""},
    ExternalKey{"secret_field", Shape::list, "secret_field = \"header Authorization\""},
    ExternalKey{"secret_prefix", Shape::text, "secret_prefix = \"Bearer \""},
    ExternalKey{"account_field", Shape::list, "account_field = \"user\""},
    ExternalKey{"basic_login", Shape::truth, "basic_login = true"},
    ExternalKey{"hmac", Shape::list, "hmac = [\"header X-Time\", \"text .\", \"body\"]"},
    ExternalKey{"hmac_field", Shape::text, "hmac_field = \"header X-Signature\""},
    ExternalKey{"hmac_encoding", Shape::text, "hmac_encoding = \"base64\""},
    ExternalKey{"hmac_prefix", Shape::text, "hmac_prefix = \"sha256=\""},
    ExternalKey{"hmac_time_field", Shape::text, "hmac_time_field = \"header X-Time\""},
    ExternalKey{"hmac_max_age", Shape::number, "hmac_max_age = 300"},
    ExternalKey{"delivery_if", Shape::list, "delivery_if = \"event = status\""},
    ExternalKey{"delivery_id_field", Shape::list, "delivery_id_field = \"message_id\""},
    ExternalKey{"delivery_status_field", Shape::list, "delivery_status_field = \"status\""},
    ExternalKey{"delivered_words", Shape::list, "delivered_words = [\"DELIVRD\", \"0\"]"},
    ExternalKey{"failed_words", Shape::list, "failed_words = [\"UNDELIV*\", \"EXPIRED\"]"},
    ExternalKey{"sent_words", Shape::list, "sent_words = [\"ACCEPTD\"]"},
    ExternalKey{"queued_words", Shape::list, "queued_words = [\"PENDING\"]"},
    ExternalKey{"answer_status", Shape::number, "answer_status = 200"},
    ExternalKey{"answer_type", Shape::text, "answer_type = \"application/json\""},
    ExternalKey{"answer", Shape::text, "answer = '{\"status\":\"ok\"}'"},
    ExternalKey{"answer_reply", Shape::text, "answer_reply = '{\"reply\":{{text}}}'"},
    ExternalKey{"session_field", Shape::list, "session_field = \"session_id\""},
    ExternalKey{"code_field", Shape::list, "code_field = \"service_code\""},
    ExternalKey{"input_field", Shape::list, "input_field = \"ussd_string\""},
    ExternalKey{"input_mode", Shape::text, "input_mode = \"step\""},
    ExternalKey{"input_separator", Shape::text, "input_separator = \"*\""},
    ExternalKey{"input_prefix", Shape::text, "input_prefix = \"2020\""},
    ExternalKey{"begin_if", Shape::list, "begin_if = \"operation = begin\""},
    ExternalKey{"close_if", Shape::list, "close_if = \"operation = end\""},
    ExternalKey{"screen_type", Shape::text, "screen_type = \"application/json\""},
    ExternalKey{"screen_continue", Shape::text, "screen_continue = \"CON {{text}}\""},
    ExternalKey{"screen_end", Shape::text, "screen_end = \"END {{text}}\""},
    ExternalKey{"screen_continue_headers", Shape::list,
                "screen_continue_headers = [\"Freeflow: FC\"]"},
    ExternalKey{"screen_end_headers", Shape::list, "screen_end_headers = [\"Freeflow: FB\"]"},
    ExternalKey{"screen_septets", Shape::number, "screen_septets = 160"},
    ExternalKey{"screen_units", Shape::number, "screen_units = 70"},
};

constexpr std::array sending_keys{
    ExternalKey{"send_method", Shape::text, "send_method = \"POST\""},
    ExternalKey{"send_path", Shape::text, "send_path = \"/send?to={{to}}&text={{text}}\""},
    ExternalKey{"send_type", Shape::text, "send_type = \"application/json\""},
    ExternalKey{"send_headers", Shape::list,
                "send_headers = [\"Authorization: Bearer {{token}}\"]"},
    ExternalKey{"send_body", Shape::text, "send_body = '{\"to\":{{to}},\"text\":{{text}}}'"},
    ExternalKey{"calling_code", Shape::text, "calling_code = \"254\""},
    ExternalKey{"accepted_status", Shape::list, "accepted_status = [\"200\", \"202\"]"},
    ExternalKey{"accepted_if", Shape::list, "accepted_if = \"/status = OK\""},
    ExternalKey{"response_content", Shape::text, "response_content = \"json\""},
    ExternalKey{"message_id_field", Shape::list, "message_id_field = \"/messages/0/id\""},
    ExternalKey{"error_field", Shape::list, "error_field = \"/error/code\""},
    ExternalKey{"later_words", Shape::list, "later_words = [\"THROTTLED\"]"},
    ExternalKey{"never_words", Shape::list, "never_words = [\"INVALID_NUMBER\"]"},
    ExternalKey{"our_fault_words", Shape::list, "our_fault_words = [\"NO_CREDIT\"]"},
};

constexpr std::pair<std::string_view, Places External::*> places_of[] = {
    {"from_field", &External::from},
    {"to_field", &External::to},
    {"text_field", &External::text},
    {"id_field", &External::id},
    {"time_field", &External::time},
    {"charset_field", &External::charset},
    {"part_reference_field", &External::part_reference},
    {"part_total_field", &External::part_total},
    {"part_number_field", &External::part_number},
    {"secret_field", &External::secret},
    {"account_field", &External::account},
    {"delivery_id_field", &External::delivery_id},
    {"delivery_status_field", &External::delivery_status},
    {"session_field", &External::session},
    {"code_field", &External::code},
    {"input_field", &External::input}};
constexpr std::pair<std::string_view, Conditions External::*> conditions_of[] = {
    {"message_if", &External::message_if},
    {"delivery_if", &External::delivery_if},
    {"begin_if", &External::begin_if},
    {"close_if", &External::close_if}};
constexpr std::pair<std::string_view, Words External::*> words_of[] = {
    {"delivered_words", &External::delivered},
    {"failed_words", &External::failed},
    {"sent_words", &External::sent},
    {"queued_words", &External::queued}};
constexpr std::pair<std::string_view, std::string External::*> texts_of[] = {
    {"number_prefix", &External::number_prefix}, {"secret_prefix", &External::secret_prefix},
    {"hmac_prefix", &External::hmac_prefix},     {"answer", &External::answer},
    {"input_prefix", &External::input_prefix},   {"answer_type", &External::answer_type},
    {"screen_type", &External::screen_type}};
constexpr std::pair<std::string_view, Words ExternalSending::*> error_words_of[] = {
    {"later_words", &ExternalSending::later},
    {"never_words", &ExternalSending::never},
    {"our_fault_words", &ExternalSending::our_fault}};
// Their templates wait for the keys that say how to escape.
constexpr std::string_view template_keys[] = {
    "answer_reply",       "screen_continue", "screen_end",   "screen_continue_headers",
    "screen_end_headers", "send_path",       "send_headers", "send_body"};

template <class Table>
auto found_in(const Table& table, std::string_view key) {
  const auto row = std::ranges::find(table, key, [](const auto& one) { return one.first; });
  return row == std::end(table) ? nullptr : &*row;
}

// Of a pointer (RFC 6901) the members that it leads through.
std::vector<std::string> steps_of(std::string_view pointer) {
  std::vector<std::string> out;
  while (!pointer.empty() && pointer != "/") {
    pointer.remove_prefix(1);
    const auto step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    std::string plain;
    for (std::size_t at = 0; at < step.size(); ++at) {
      const auto escape = step.substr(at, 2);
      plain += escape == "~1" ? '/' : escape == "~0" ? '~' : step[at];
      at += escape == "~1" || escape == "~0" ? 1 : 0;
    }
    out.push_back(std::move(plain));
  }
  return out;
}

Complaint read_places(Values values, Places& out) {
  out.clear();
  for (const auto& value : values) {
    auto place = read_place(value);
    if (!place) return "must name fields: a name, a path that begins with /, or header NAME";
    out.push_back(std::move(*place));
  }
  if (out.empty()) return "must name one field at least";
  return std::nullopt;
}

Complaint read_words(Values values, Words& out) {
  out.clear();
  for (const auto& value : values) {
    if (trimmed(value).empty()) return "holds an empty word";
    out.push_back(lower(trimmed(value)));
  }
  return std::nullopt;
}

std::optional<Condition> read_condition(std::string_view text) {
  Condition out;
  const auto sign = text.find('=');
  if (sign == text.npos) {
    if (text.ends_with(" empty")) {
      out.test = Condition::Test::empty;
      text.remove_suffix(6);
    }
    auto place = read_place(trimmed(text));
    if (!place) return std::nullopt;
    out.place = std::move(*place);
    return out;
  }
  const bool is_not = sign > 0 && text[sign - 1] == '!';
  out.test = is_not ? Condition::Test::is_not : Condition::Test::is;
  auto place = read_place(trimmed(text.substr(0, sign - (is_not ? 1 : 0))));
  if (!place) return std::nullopt;
  out.place = std::move(*place);
  auto rest = text.substr(sign + 1);
  for (auto more = true; more;) {
    const auto bar = rest.find('|');
    const auto word = trimmed(rest.substr(0, bar));
    if (word.empty()) return std::nullopt;
    out.words.push_back(lower(word));
    more = bar != rest.npos;
    rest.remove_prefix(more ? bar + 1 : rest.size());
  }
  return out;
}

Complaint read_conditions(Values values, Conditions& out) {
  out.clear();
  for (const auto& value : values) {
    auto condition = read_condition(trimmed(value));
    if (!condition)
      return "must say NAME, NAME empty, NAME = word, NAME = word | word* or NAME != word";
    out.push_back(std::move(*condition));
  }
  return std::nullopt;
}

Complaint read_signed_parts(Values values, std::vector<SignedPart>& out) {
  constexpr std::string_view what =
      "must be made of url, body, header NAME, field NAME, sorted fields, sorted fields = & and "
      "text WORDS";
  using What = SignedPart::What;
  out.clear();
  for (const auto& value : values) {
    const std::string_view text{value};
    SignedPart part;
    if (text == "url" || text == "body") {
      part.what = text == "url" ? What::url : What::body;
    } else if (text.starts_with("sorted fields")) {
      part.what = What::fields;
      const auto signs = trimmed(text.substr(13));
      const auto space = signs.find(' ');
      if (!signs.empty() && space == signs.npos) return std::string{what};
      if (!signs.empty()) {
        part.text = signs.substr(0, space);
        part.between = trimmed(signs.substr(space));
      }
    } else if (text.starts_with("text ") && text.size() > 5) {
      part.what = What::literal;
      part.text = text.substr(5);
    } else if (text.starts_with("header ") || text.starts_with("field ")) {
      part.what = What::place;
      auto place = read_place(text.starts_with("field ") ? text.substr(6) : text);
      if (!place) return std::string{what};
      part.place = std::move(*place);
    } else {
      return std::string{what};
    }
    out.push_back(std::move(part));
  }
  if (out.empty()) return std::string{what};
  return std::nullopt;
}

Complaint read_one_place(const std::string& value, std::optional<Place>& out) {
  out = read_place(value);
  if (!out) return "must name a field: a name, a path that begins with /, or header NAME";
  return std::nullopt;
}

template <class T, std::size_t N>
Complaint read_choice(std::string_view value, const std::pair<std::string_view, T> (&all)[N],
                      T& out) {
  std::string choice;
  for (const auto& [name, meaning] : all) {
    if (value == name) {
      out = meaning;
      return std::nullopt;
    }
    choice += (choice.empty() ? "must be " : ", ") + std::string{name};
  }
  return choice;
}

template <class T>
Complaint read_number(std::string_view value, T least, T most, T& out) {
  T number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < least || number > most)
    return "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  out = number;
  return std::nullopt;
}

// "+02:00" or "-03:30".
Complaint read_zone(std::string_view text, std::chrono::minutes& out) {
  constexpr std::string_view what = "must be hours and minutes from UTC";
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
    return std::string{what};
  unsigned hours = 0, minutes = 0;
  if (read_number(text.substr(1, 2), 0u, 14u, hours) ||
      read_number(text.substr(4), 0u, 59u, minutes))
    return std::string{what};
  out = std::chrono::hours{hours} + std::chrono::minutes{minutes};
  if (text[0] == '-') out = -out;
  return std::nullopt;
}

Complaint read_time_format(const std::string& value, External& out) {
  using Format = External::TimeFormat;
  if (value.find('%') == value.npos) {
    constexpr std::pair<std::string_view, Format> formats[] = {
        {"rfc3339", Format::iso8601},
        {"unix", Format::unix_seconds},
        {"unix_ms", Format::unix_milliseconds},
        {"ignore", Format::ignore}};
    auto wrong = read_choice(value, formats, out.time_format);
    if (wrong) *wrong += ", or a pattern of strptime";
    return wrong;
  }
  out.time_format = Format::pattern;
  out.time_pattern = value;
  constexpr std::chrono::sys_seconds probe{std::chrono::seconds{1767323045}};
  const auto moment = static_cast<std::time_t>(probe.time_since_epoch().count());
  std::tm parts{};
  std::array<char, 256> written{};
  if (value.size() > 100 || gmtime_r(&moment, &parts) == nullptr ||
      strftime(written.data(), written.size(), value.c_str(), &parts) == 0 ||
      read_time(value, {}, written.data()).value_or(std::chrono::sys_seconds{}) <
          probe - std::chrono::minutes{1})
    return "is no pattern of a date and a time that can be read back";
  return std::nullopt;
}

void default_places(Places& out, std::initializer_list<std::string> names) {
  (void)read_places(std::vector<std::string>{names}, out);
}

}  // namespace

std::optional<Place> read_place(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || text.size() > 128) return std::nullopt;
  Place out;
  if (text.starts_with("header ")) {
    const auto name = trimmed(text.substr(7));
    if (!is_header_name(name)) return std::nullopt;
    out.name = lower(name);
    out.in_header = true;
    return out;
  }
  out.name = text;
  out.steps = text.starts_with('/') ? steps_of(text) : std::vector<std::string>{out.name};
  return out;
}

std::optional<std::chrono::sys_seconds> read_time(const std::string& pattern,
                                                  std::chrono::minutes offset,
                                                  const std::string& text) noexcept {
  std::tm parts{};
  parts.tm_mday = 1;
  const char* const end = strptime(text.c_str(), pattern.c_str(), &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const auto zone = std::chrono::seconds{parts.tm_gmtoff};
  const auto seconds = std::chrono::seconds{timegm(&parts)};
  if (seconds.count() < 0) return std::nullopt;
  return std::chrono::sys_seconds{seconds - (zone.count() != 0 ? zone : offset)};
}

External::External() {
  default_places(from, {"from", "sender"});
  default_places(to, {"to"});
  default_places(text, {"text"});
  default_places(id, {"id"});
  default_places(time, {"date", "time"});
  default_places(delivery_id, {"id"});
  default_places(delivery_status, {"status"});
  delivered = {"delivered", "delivrd", "read"};
  failed = {"failed", "undelivered", "undeliv", "undeliverable", "expired", "rejected", "rejectd"};
  sent = {"sent", "submitted", "accepted", "acceptd", "enroute"};
  queued = {"queued", "pending", "buffered"};
  default_places(session, {"sessionId", "session_id"});
  default_places(code, {"serviceCode", "service_code"});
  default_places(input, {"text", "input"});
  (void)screen_continue.read("CON {{text}}", Escaping::none, screen_gaps);
  (void)screen_end.read("END {{text}}", Escaping::none, screen_gaps);
}

std::vector<std::string> External::echoed() const {
  std::vector<std::string> out;
  const auto add = [&out](const Template& filled) {
    for (const auto& piece : filled.pieces())
      if (piece.is_gap && piece.text.starts_with("request:") &&
          std::ranges::find(out, piece.text) == out.end())
        out.push_back(piece.text);
  };
  add(screen_continue);
  add(screen_end);
  for (const auto& line : continue_headers) add(line.value);
  for (const auto& line : end_headers) add(line.value);
  return out;
}

ExternalSending::ExternalSending() {
  (void)path.read("/", Escaping::percent, sending_gaps);
  (void)body.read("to={{to}}&from={{from}}&text={{text}}", Escaping::percent, sending_gaps);
}

std::span<const ExternalKey> external_keys() noexcept { return receiving_keys; }
std::span<const ExternalKey> external_sending_keys() noexcept { return sending_keys; }

std::optional<std::string> ExternalReader::put(std::string_view key, Values values) {
  if (is_in(template_keys, key)) {
    for (const auto& value : values)
      if (value.size() > 4096) return "is longer than 4096 characters";
    std::erase_if(templates_, [key](const auto& one) { return one.first == key; });
    templates_.emplace_back(key, std::vector<std::string>{values.begin(), values.end()});
    return std::nullopt;
  }
  return receiving_ != nullptr ? put_receiving(key, values) : put_sending(key, values);
}

std::optional<std::string> ExternalReader::put_receiving(std::string_view key, Values values) {
  auto& out = *receiving_;
  if (const auto* row = found_in(places_of, key)) return read_places(values, out.*row->second);
  if (const auto* row = found_in(conditions_of, key))
    return read_conditions(values, out.*row->second);
  if (const auto* row = found_in(words_of, key)) return read_words(values, out.*row->second);
  if (key == "hmac") return read_signed_parts(values, out.hmac);
  const auto& value = values.front();
  if (const auto* row = found_in(texts_of, key)) {
    out.*row->second = value;
    return std::nullopt;
  }
  if (key == "content") {
    constexpr std::pair<std::string_view, Content> contents[] = {
        {"form", Content::form}, {"json", Content::json}, {"xml", Content::xml}};
    return read_choice(value, contents, out.content);
  }
  if (key == "batch") return read_one_place(value, out.batch);
  if (key == "time_format") return read_time_format(value, out);
  if (key == "time_zone") return read_zone(value, out.time_offset);
  if (key == "text_encoding") {
    using Encoding = External::TextEncoding;
    constexpr std::pair<std::string_view, Encoding> encodings[] = {{"plain", Encoding::plain},
                                                                   {"hex", Encoding::hex},
                                                                   {"base64", Encoding::base64},
                                                                   {"percent", Encoding::percent}};
    return read_choice(value, encodings, out.text_encoding);
  }
  if (key == "full_numbers") out.full_numbers = value == "true";
  if (key == "basic_login") out.basic_login = value == "true";
  if (key == "hmac_field") return read_one_place(value, out.hmac_place);
  if (key == "hmac_time_field") return read_one_place(value, out.hmac_time);
  if (key == "hmac_encoding") {
    using Encoding = External::SignatureEncoding;
    constexpr std::pair<std::string_view, Encoding> encodings[] = {{"hex", Encoding::hex},
                                                                   {"base64", Encoding::base64}};
    return read_choice(value, encodings, out.hmac_encoding);
  }
  if (key == "hmac_max_age") {
    unsigned seconds = 0;
    auto wrong = read_number(value, 1u, 86'400u, seconds);
    out.hmac_max_age = std::chrono::seconds{seconds};
    return wrong;
  }
  if (key == "answer_status") return read_number(value, 200u, 299u, out.answer_status);
  if (key == "input_mode") {
    constexpr std::pair<std::string_view, bool> modes[] = {{"whole", true}, {"step", false}};
    return read_choice(value, modes, out.input_is_whole);
  }
  if (key == "input_separator") {
    if (value.size() != 1) return "must be one character";
    out.input_separator = value;
  }
  if (key == "screen_septets") {
    unsigned septets = 0;
    auto wrong = read_number(value, 40u, 182u, septets);
    out.screen_septets = static_cast<std::uint16_t>(septets);
    return wrong;
  }
  if (key == "screen_units") {
    unsigned units = 0;
    auto wrong = read_number(value, 0u, 182u, units);
    out.screen_units = static_cast<std::uint16_t>(units);
    return wrong;
  }
  return std::nullopt;
}

std::optional<std::string> ExternalReader::put_sending(std::string_view key, Values values) {
  auto& out = *sending_;
  if (const auto* row = found_in(error_words_of, key)) return read_words(values, out.*row->second);
  if (key == "accepted_if") return read_conditions(values, out.accepted_if);
  if (key == "message_id_field") return read_places(values, out.message_id);
  if (key == "error_field") return read_places(values, out.error);
  if (key == "accepted_status") {
    out.accepted_status.clear();
    for (const auto& value : values) {
      unsigned status = 0;
      if (read_number(value, 200u, 299u, status)) return "must hold statuses from 200 to 299";
      out.accepted_status.push_back(status);
    }
    return std::nullopt;
  }
  const auto& value = values.front();
  if (key == "send_method") {
    using Method = ExternalSending::Method;
    constexpr std::pair<std::string_view, Method> methods[] = {
        {"GET", Method::get}, {"POST", Method::post}, {"PUT", Method::put}};
    return read_choice(value, methods, out.method);
  }
  if (key == "send_type") {
    if (value.find('/') == value.npos) return "must be a media type";
    out.type = value;
  }
  if (key == "calling_code") {
    if (value.empty() || value.size() > 3 || value.find_first_not_of("0123456789") != value.npos)
      return "must be a country's calling code, digits alone";
    out.calling_code = value;
  }
  if (key == "response_content") {
    constexpr std::pair<std::string_view, Content> contents[] = {{"json", Content::json},
                                                                 {"xml", Content::xml},
                                                                 {"form", Content::form},
                                                                 {"text", Content::text}};
    return read_choice(value, contents, out.response_content);
  }
  return std::nullopt;
}

}  // namespace ishara::config
