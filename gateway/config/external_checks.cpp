// What holds between the keys of a description, and its templates.

#include <algorithm>

#include "gateway/config/external.hpp"
#include "gateway/config/external_words.hpp"

namespace ishara::config {
namespace {

std::optional<HeaderLine> read_header_name(std::string_view line) {
  constexpr std::string_view made_by_us[] = {"content-length", "content-type", "host", "connection",
                                             "transfer-encoding"};
  const auto colon = line.find(':');
  if (colon == line.npos || !is_header_name(line.substr(0, colon))) return std::nullopt;
  HeaderLine out;
  out.name = line.substr(0, colon);
  if (is_in(made_by_us, lower(out.name))) return std::nullopt;
  return out;
}

}  // namespace

const std::vector<std::string>* ExternalReader::raw(std::string_view key) const noexcept {
  const auto row = std::ranges::find(templates_, key, [](const auto& one) { return one.first; });
  return row == templates_.end() ? nullptr : &row->second;
}

void ExternalReader::read_template(std::string_view key, Escaping escaping,
                                   std::span<const std::string_view> gaps, Template& out,
                                   std::vector<Wrong>& wrong) const {
  const auto* text = raw(key);
  if (text == nullptr) return;
  if (auto what = out.read(text->front(), escaping, gaps))
    wrong.push_back({std::string{key}, std::move(*what)});
}

void ExternalReader::read_headers(std::string_view key, std::span<const std::string_view> gaps,
                                  std::vector<HeaderLine>& out, std::vector<Wrong>& wrong) const {
  const auto* lines = raw(key);
  if (lines == nullptr) return;
  out.clear();
  for (const auto& text : *lines) {
    auto line = read_header_name(text);
    if (!line) {
      wrong.push_back({std::string{key},
                       "must hold lines NAME: VALUE, none of them of the length, type or way of "
                       "the message"});
      return;
    }
    const auto value = trimmed(std::string_view{text}.substr(text.find(':') + 1));
    if (std::ranges::any_of(value, [](char c) { return c < 0x20 || c > 0x7E; })) {
      wrong.push_back({std::string{key}, "must be of printable characters"});
      return;
    }
    if (auto what = line->value.read(value, Escaping::header, gaps)) {
      wrong.push_back({std::string{key}, std::move(*what)});
      return;
    }
    out.push_back(std::move(*line));
  }
}

std::vector<ExternalReader::Wrong> ExternalReader::read_templates() {
  std::vector<Wrong> wrong;
  if (receiving_ != nullptr) {
    auto& out = *receiving_;
    const auto screen = escaping_of(out.screen_type);
    read_template("answer_reply", escaping_of(out.answer_type), reply_gaps, out.reply, wrong);
    read_template("screen_continue", screen, screen_gaps, out.screen_continue, wrong);
    read_template("screen_end", screen, screen_gaps, out.screen_end, wrong);
    read_headers("screen_continue_headers", screen_header_gaps, out.continue_headers, wrong);
    read_headers("screen_end_headers", screen_header_gaps, out.end_headers, wrong);
    for (const auto& gap : out.echoed())
      if (!read_place(std::string_view{gap}.substr(8)))
        wrong.push_back({"screen_continue",
                         "or another template of a screen has a gap "
                         "{{request:PLACE}} whose PLACE is none"});
  } else {
    auto& out = *sending_;
    const auto body = escaping_of(out.type);
    if (raw("send_body") == nullptr &&
        (out.method == ExternalSending::Method::get || body != Escaping::percent))
      out.body = {};
    read_template("send_path", Escaping::percent, sending_gaps, out.path, wrong);
    read_template("send_body", body, sending_gaps, out.body, wrong);
    read_headers("send_headers", sending_gaps, out.headers, wrong);
  }
  return wrong;
}

std::vector<ExternalReader::Wrong> ExternalReader::between_keys(
    std::span<const std::string_view> given) const {
  std::vector<Wrong> wrong;
  const auto has = [given](std::string_view key) { return is_in(given, key); };
  const auto needs = [&](bool is_so, std::string_view key, std::string_view other) {
    if (is_so && has(key) && !has(other))
      wrong.push_back({std::string{key}, "needs the key '" + std::string{other} + "' beside it"});
  };
  const auto say = [&](bool is_so, std::string_view key, std::string what) {
    if (is_so) wrong.push_back({std::string{key}, std::move(what)});
  };
  if (receiving_ != nullptr) {
    const auto& out = *receiving_;
    using What = SignedPart::What;
    const auto signs = [&out](auto is_so) { return std::ranges::any_of(out.hmac, is_so); };
    for (const auto* key : {"secret_field", "basic_login", "hmac"})
      needs(std::string_view{key} != "basic_login" || out.basic_login, key, "secret");
    needs(true, "secret_prefix", "secret_field");
    needs(true, "account_field", "account");
    needs(out.basic_login, "basic_login", "account");
    needs(true, "hmac", "hmac_field");
    for (const auto* key :
         {"hmac_field", "hmac_encoding", "hmac_prefix", "hmac_time_field", "signature"})
      needs(true, key, "hmac");
    needs(true, "hmac_max_age", "hmac_time_field");
    needs(signs([](const auto& part) { return part.what == What::url; }), "hmac", "url");
    say(out.hmac_time && has("hmac") && !signs([&](const SignedPart& part) {
          return (part.what == What::place && part.place.name == out.hmac_time->name) ||
                 (part.what != What::literal && part.what != What::place &&
                  part.what != What::url && !out.hmac_time->in_header);
        }),
        "hmac_time_field", "is not signed: name it among the parts of 'hmac'");
    say(has("hmac") && !signs([](const auto& part) {
          return part.what == What::body || part.what == What::fields || part.what == What::place;
        }),
        "hmac", "signs nothing of what a request says: add body, or the fields");
    needs(true, "time_zone", "time_format");
    for (const auto* key : {"part_reference_field", "part_total_field", "part_number_field"})
      for (const auto* other : {"part_reference_field", "part_total_field", "part_number_field"})
        needs(true, key, other);
    say(has("answer_reply") && !out.reply.has("text"), "answer_reply", "needs the gap {{text}}");
    for (const auto& [key, text] :
         {std::pair{"screen_continue", &out.screen_continue}, {"screen_end", &out.screen_end}}) {
      say(has(key) && !text->has("text"), key, "needs the gap {{text}}");
      needs(true, "screen_type", key);
    }
    const auto same = [](const auto& one, const auto& other) {
      return std::ranges::equal(one, other, [](const auto& a, const auto& b) {
        return a.text == b.text && a.is_gap == b.is_gap;
      });
    };
    say(has("screen_end") && same(out.screen_continue.pieces(), out.screen_end.pieces()) &&
            std::ranges::equal(out.continue_headers, out.end_headers,
                               [&](const HeaderLine& a, const HeaderLine& b) {
                                 return a.name == b.name &&
                                        same(a.value.pieces(), b.value.pieces());
                               }),
        "screen_end", "does not differ from 'screen_continue', so no dialogue would end");
    const auto is_senders = [&out](const Place& place) {
      return std::ranges::any_of(out.from, [&place](const Place& senders) {
        return senders.name == place.name && senders.in_header == place.in_header;
      });
    };
    say(std::ranges::any_of(out.session, is_senders), "session_field",
        "names the sender, so a second dialogue of a phone would be taken for its first and be "
        "lost: name what is new in each dialogue");
    needs(!has("begin_if") && !out.input_is_whole, "input_mode", "begin_if");
    return wrong;
  }

  const auto& out = *sending_;
  const auto named = [&out](std::string_view gap) {
    return out.path.has(gap) || out.body.has(gap) ||
           std::ranges::any_of(out.headers,
                               [gap](const auto& line) { return line.value.has(gap); });
  };
  say(out.method == ExternalSending::Method::get && has("send_body"), "send_body",
      "is not sent by GET: put the gaps into 'send_path'");
  constexpr std::string_view places[] = {"send_body", "send_path", "send_headers", "send_type",
                                         "send_method"};
  const auto* const found = std::ranges::find_if(places, has);
  const auto where = found == std::end(places) ? std::string_view{"origin"} : *found;
  if (has(where)) {
    say(!named("text") && !named("text_hex"), where,
        "leaves out what is said: {{text}} or {{text_hex}} stands in no template");
    say(!named("to") && !named("to_no_plus") && !named("to_national"), where,
        "leaves out whom it is for: {{to}}, {{to_no_plus}} or {{to_national}} stands in no "
        "template");
  }
  if (const auto* path = raw("send_path"))
    say(!path->front().starts_with('/') ||
            std::ranges::any_of(path->front(),
                                [](char c) { return c <= 0x20 || c > 0x7E || c == '#'; }),
        "send_path", "must begin with / and have no space or #; the host stands in 'origin'");
  struct {
    std::string_view gap;
    std::string_view key;
  } const kept[] = {{"account", "account"}, {"token", "token"},    {"password", "password"},
                    {"basic", "account"},   {"basic", "password"}, {"to_national", "calling_code"}};
  for (const auto& [gap, key] : kept)
    say(named(gap) && !has(key), where,
        "has the gap {{" + std::string{gap} + "}}, which needs the key '" + std::string{key} + "'");
  say(raw("send_body") != nullptr && out.body.has("from") && !has("from"), "send_body",
      "has the gap {{from}}, which needs the key 'from'");
  for (const auto* key : {"later_words", "never_words", "our_fault_words"})
    needs(true, key, "error_field");
  return wrong;
}

}  // namespace ishara::config
