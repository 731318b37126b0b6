// What may stand in the files of the provider `external`, and what is said of what may not.

#include "gateway/config/external.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/config/channels.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::config {
namespace {

constexpr std::array<std::string_view, 2> providers{"external", "kannel"};
constexpr std::array<std::string_view, 1> needs{"origin"};
constexpr std::array<SendingProvider, 1> senders{SendingProvider{"external", needs}};

const std::string head =
    "number = 1\nprovider = \"external\"\ncountry = \"RW\"\nlanguage = \"rw\"\n"
    "secrets = [\"" +
    crypto::hex(hash_of_secret("s")) + "\"]\n";
const std::string sending_head =
    "number = 1\nprovider = \"external\"\norigin = \"https://api.example\"\n";

std::vector<std::string> told(const std::vector<Mistake>& mistakes) {
  std::vector<std::string> out;
  for (const auto& mistake : mistakes) out.push_back(to_string(mistake));
  return out;
}

std::vector<std::string> mistakes_of(const std::string& more) {
  std::vector<Mistake> mistakes;
  const auto channel = parse_channel(head + more, "x.toml", providers, mistakes);
  CHECK(channel.has_value() == mistakes.empty());
  return told(mistakes);
}

std::vector<std::string> sending_mistakes_of(const std::string& more) {
  std::vector<Mistake> mistakes;
  const auto channel = parse_sending_channel(sending_head + more, "x.toml", senders, mistakes);
  CHECK(channel.has_value() == mistakes.empty());
  return told(mistakes);
}

struct Row {
  std::string line;
  std::string what;
};

}  // namespace

TEST_CASE("a description is read whole") {
  std::vector<Mistake> mistakes;
  const auto channel = parse_channel(
      head +
          "content = \"json\"\nbatch = \"/results\"\nfrom_field = [\"/a/0/b~1c\", \"msisdn\"]\n"
          "text_field = \"header X-Text\"\ntime_format = \"%d/%m/%Y %H:%M\"\ntime_zone = "
          "\"-03:30\"\n"
          "begin_if = [\"type = NEW | start*\", \"first\"]\nclose_if = \"abort != 0\"\n"
          "answer_status = 202\nscreen_units = 0\n",
      "x.toml", providers, mistakes);
  CHECK(told(mistakes) == std::vector<std::string>{});
  REQUIRE(channel.has_value());
  REQUIRE(channel->settings.external != nullptr);
  const auto& description = *channel->settings.external;
  CHECK(description.content == Content::json);
  CHECK(description.batch->steps == std::vector<std::string>{"results"});
  REQUIRE(description.from.size() == 2);
  CHECK(description.from[0].steps == std::vector<std::string>{"a", "0", "b/c"});
  CHECK(description.from[1].steps == std::vector<std::string>{"msisdn"});
  CHECK(description.text[0].in_header);
  CHECK(description.text[0].name == "x-text");
  CHECK(description.time_format == External::TimeFormat::pattern);
  CHECK(description.time_offset == -std::chrono::minutes{210});
  CHECK(description.begin_if[0].words == Words{"new", "start*"});
  CHECK(description.begin_if[1].test == Condition::Test::there);
  CHECK(description.close_if[0].test == Condition::Test::is_not);
  CHECK(description.answer_status == 202);
  CHECK(description.screen_units == 0);
  // What is not said stays as most gateways have it.
  CHECK(description.id[0].name == "id");
}

TEST_CASE("a channel of the provider external needs no description") {
  CHECK(mistakes_of("").empty());
  CHECK(sending_mistakes_of("").empty());
}

TEST_CASE("each mistake in a description is told with its place and what may stand there") {
  const Row rows[] = {
      {"from_feld = \"x\"",
       "x.toml:6:1: unknown key 'from_feld'; choose from number, provider, country, language, "
       "secrets, allow_get, silent_after, charset, entities, url, token, secret, signature, "
       "account, "
       "password, former_token, former_secret; ops/external.md tells those of a description"},
      {"from_field = 3",
       "x.toml:6:14: 'from_field' must be a text in quotes, or a list of such; for example "
       "from_field = \"msisdn\""},
      {"from_field = [\"a\", 3]",
       "x.toml:6:14: 'from_field' must be a text in quotes, or a list of such; for example "
       "from_field = \"msisdn\""},
      {"from_field = []",
       "x.toml:6:14: 'from_field' is an empty list; for example from_field = \"msisdn\""},
      {"from_field = \"\"",
       "x.toml:6:14: 'from_field' must name fields: a name, a path that begins with /, or header "
       "NAME; for example from_field = \"msisdn\""},
      {"from_field = \"header a b\"",
       "x.toml:6:14: 'from_field' must name fields: a name, a path that begins with /, or header "
       "NAME; for example from_field = \"msisdn\""},
      {"content = \"yaml\"",
       "x.toml:6:11: 'content' must be form, json, xml; for example content = \"json\""},
      {"content = \"text\"",
       "x.toml:6:11: 'content' must be form, json, xml; for example content = \"json\""},
      {"time_format = \"soon\"",
       "x.toml:6:15: 'time_format' must be rfc3339, unix, unix_ms, ignore, or a pattern of "
       "strptime; for example time_format = \"%d/%m/%Y %H:%M:%S\""},
      {"time_format = \"%H:%M\"",
       "x.toml:6:15: 'time_format' is no pattern of a date and a time that can be read back; for "
       "example time_format = \"%d/%m/%Y %H:%M:%S\""},
      {"time_format = \"%d/%m %\"",
       "x.toml:6:15: 'time_format' is no pattern of a date and a time that can be read back; for "
       "example time_format = \"%d/%m/%Y %H:%M:%S\""},
      {"time_zone = \"3\"",
       "x.toml:6:13: 'time_zone' must be hours and minutes from UTC; for example time_zone = "
       "\"+03:00\""},
      {"time_zone = \"+03:00\"",
       "x.toml:6:13: 'time_zone' needs the key 'time_format' beside it; for example time_zone = "
       "\"+03:00\""},
      {"text_encoding = \"rot13\"",
       "x.toml:6:17: 'text_encoding' must be plain, hex, base64, percent; for example "
       "text_encoding = \"hex\""},
      {"full_numbers = \"yes\"",
       "x.toml:6:16: 'full_numbers' must be true or false; for example full_numbers = true"},
      {"part_total_field = \"n\"\npart_number_field = \"m\"\n",
       "x.toml:6:20: 'part_total_field' needs the key 'part_reference_field' beside it; for "
       "example part_total_field = \"concat_total\""},
      {"message_if = \"= x\"",
       "x.toml:6:14: 'message_if' must say NAME, NAME empty, NAME = word, NAME = word | word* or "
       "NAME != word; for example message_if = \"event = received\""},
      {"message_if = \"a = \"",
       "x.toml:6:14: 'message_if' must say NAME, NAME empty, NAME = word, NAME = word | word* or "
       "NAME != word; for example message_if = \"event = received\""},
      {"delivered_words = [\"\"]",
       "x.toml:6:19: 'delivered_words' holds an empty word; for example delivered_words = "
       "[\"DELIVRD\", \"0\"]"},
      {"secret_field = \"key\"",
       "x.toml:6:16: 'secret_field' needs the key 'secret' beside it; for example secret_field = "
       "\"header Authorization\""},
      {"secret_prefix = \"Bearer \"",
       "x.toml:6:17: 'secret_prefix' needs the key 'secret_field' beside it; for example "
       "secret_prefix = \"Bearer \""},
      {"account_field = \"user\"",
       "x.toml:6:17: 'account_field' needs the key 'account' beside it; for example "
       "account_field = \"user\""},
      {"basic_login = true\nsecret = \"s\"",
       "x.toml:6:15: 'basic_login' needs the key 'account' beside it; for example basic_login = "
       "true"},
      {"hmac = [\"everything\"]\nhmac_field = \"sig\"\nsecret = \"s\"",
       "x.toml:6:8: 'hmac' must be made of url, body, header NAME, field NAME, sorted fields, "
       "sorted fields = & and text WORDS; for example hmac = [\"header X-Time\", \"text .\", "
       "\"body\"]"},
      {"hmac = \"body\"\nsecret = \"s\"",
       "x.toml:6:8: 'hmac' needs the key 'hmac_field' beside it; for example hmac = [\"header "
       "X-Time\", \"text .\", \"body\"]"},
      {"hmac = \"url\"\nhmac_field = \"sig\"\nsecret = \"s\"\nurl = \"https://a.example\"",
       "x.toml:6:8: 'hmac' signs nothing of what a request says: add body, or the fields; for "
       "example hmac = [\"header X-Time\", \"text .\", \"body\"]"},
      {"hmac = [\"url\", \"body\"]\nhmac_field = \"sig\"\nsecret = \"s\"",
       "x.toml:6:8: 'hmac' needs the key 'url' beside it; for example hmac = [\"header X-Time\", "
       "\"text .\", \"body\"]"},
      {"hmac = \"body\"\nhmac_field = \"sig\"\nsecret = \"s\"\nhmac_time_field = \"header x-at\"",
       "x.toml:9:19: 'hmac_time_field' is not signed: name it among the parts of 'hmac'; for "
       "example hmac_time_field = \"header X-Time\""},
      {"hmac_max_age = 5",
       "x.toml:6:16: 'hmac_max_age' needs the key 'hmac_time_field' beside it; for example "
       "hmac_max_age = 300"},
      {"signature = \"sha1\"",
       "x.toml:6:13: 'signature' needs the key 'hmac' beside it; for example signature = "
       "\"sha256\""},
      {"answer_status = 404",
       "x.toml:6:17: 'answer_status' must be a whole number from 200 to 299; for example "
       "answer_status = 200"},
      {"answer_reply = \"ok\"",
       "x.toml:6:16: 'answer_reply' needs the gap {{text}}; for example answer_reply = "
       "'{\"reply\":{{text}}}'"},
      {"answer_reply = \"{{text}} {{from}}\"",
       "x.toml:6:16: 'answer_reply' has a gap {{...}} of a name that means nothing there; choose "
       "from {{text}}; for example answer_reply = '{\"reply\":{{text}}}'"},
      {"answer_reply = \"{{text\"",
       "x.toml:6:16: 'answer_reply' has a gap {{ that no }} ends; for example answer_reply = "
       "'{\"reply\":{{text}}}'"},
      {"answer_type = \"application/json\"\nanswer_reply = '{\"r\":\"{{text}}}'",
       "x.toml:7:16: 'answer_reply' is JSON with a quote that nothing closes; for example "
       "answer_reply = '{\"reply\":{{text}}}'"},
      {"screen_continue = \"{{text}}\"\nscreen_end = \"{{text}}\"",
       "x.toml:7:14: 'screen_end' does not differ from 'screen_continue', so no dialogue would "
       "end; for example screen_end = \"END {{text}}\""},
      {"screen_end = \"bye {{request:}}\"",
       "x.toml:6:14: 'screen_end' has a gap {{...}} of a name that means nothing there; choose "
       "from {{text}}, {{request:PLACE}}; for example screen_end = \"END {{text}}\""},
      {"screen_end_headers = \"Freeflow FB\"",
       "x.toml:6:22: 'screen_end_headers' must hold lines NAME: VALUE, none of them of the length, "
       "type or way of the message; for example screen_end_headers = [\"Freeflow: FB\"]"},
      {"screen_end_headers = \"Content-Length: 3\"",
       "x.toml:6:22: 'screen_end_headers' must hold lines NAME: VALUE, none of them of the length, "
       "type or way of the message; for example screen_end_headers = [\"Freeflow: FB\"]"},
      {"screen_end_headers = \"A: b\\r\\nC: d\"",
       "x.toml:6:22: 'screen_end_headers' must be of printable characters; for example "
       "screen_end_headers = [\"Freeflow: FB\"]"},
      {"screen_septets = 1000",
       "x.toml:6:18: 'screen_septets' must be a whole number from 40 to 182; for example "
       "screen_septets = 160"},
      {"input_mode = \"step\"",
       "x.toml:6:14: 'input_mode' needs the key 'begin_if' beside it; for example input_mode = "
       "\"step\""},
      {"session_field = \"from\"",
       "x.toml:6:17: 'session_field' names the sender, so a second dialogue of a phone would be "
       "taken for its first and be lost: name what is new in each dialogue; for example "
       "session_field = \"session_id\""},
      {"input_separator = \"**\"",
       "x.toml:6:19: 'input_separator' must be one character; for example input_separator = \"*\""},
  };
  for (const auto& [line, what] : rows) {
    CAPTURE(line);
    const auto mistakes = mistakes_of(line);
    REQUIRE(!mistakes.empty());
    CHECK(mistakes[0] == what);
  }
}

TEST_CASE("all mistakes of a description are told at once, and no value is quoted") {
  const auto mistakes = mistakes_of(
      "content = \"hunter2\"\nhmac_encoding = \"hunter2\"\nanswer_reply = \"{{hunter2}}\"\n"
      "message_if = \"hunter2 = |\"\n");
  CHECK(mistakes.size() == 4);
  for (const auto& mistake : mistakes) CHECK(mistake.find("hunter2") == std::string::npos);
}

TEST_CASE("each mistake in how one sends is told with its place") {
  const Row rows[] = {
      {"send_method = \"PATCH\"",
       "x.toml:4:15: 'send_method' must be GET, POST, PUT; for example send_method = \"POST\""},
      {"send_path = \"https://{{to}}.example/?t={{text}}\"",
       "x.toml:4:13: 'send_path' must begin with / and have no space or #; the host stands in "
       "'origin'; for example send_path = \"/send?to={{to}}&text={{text}}\""},
      {"send_method = \"GET\"",
       "x.toml:4:15: 'send_method' leaves out what is said: {{text}} or {{text_hex}} stands in no "
       "template; for example send_method = \"POST\""},
      {"send_body = \"to={{to}}\"",
       "x.toml:4:13: 'send_body' leaves out what is said: {{text}} or {{text_hex}} stands in no "
       "template; for example send_body = '{\"to\":{{to}},\"text\":{{text}}}'"},
      {"send_body = \"text={{text}}\"",
       "x.toml:4:13: 'send_body' leaves out whom it is for: {{to}}, {{to_no_plus}} or "
       "{{to_national}} stands in no template; for example send_body = "
       "'{\"to\":{{to}},\"text\":{{text}}}'"},
      {"send_method = \"GET\"\nsend_path = \"/?a={{to}}&b={{text}}\"\nsend_body = \"x\"",
       "x.toml:6:13: 'send_body' is not sent by GET: put the gaps into 'send_path'; for example "
       "send_body = '{\"to\":{{to}},\"text\":{{text}}}'"},
      {"send_headers = [\"Authorization: Bearer {{token}}\"]",
       "x.toml:4:16: 'send_headers' has the gap {{token}}, which needs the key 'token'; for "
       "example send_headers = [\"Authorization: Bearer {{token}}\"]"},
      {"send_body = \"to=0{{to_national}}&text={{text}}\"",
       "x.toml:4:13: 'send_body' has the gap {{to_national}}, which needs the key "
       "'calling_code'; for example send_body = '{\"to\":{{to}},\"text\":{{text}}}'"},
      {"send_body = \"to={{to}}&text={{text}}&x={{request:x}}\"",
       "x.toml:4:13: 'send_body' has a gap {{...}} of a name that means nothing there; choose from "
       "{{to}}, {{to_no_plus}}, {{to_national}}, {{text}}, {{text_hex}}, {{from}}, {{account}}, "
       "{{token}}, {{password}}, {{basic}}, {{id}}, {{delivery_url}}, {{valid_minutes}}, "
       "{{valid_seconds}}; for example send_body = '{\"to\":{{to}},\"text\":{{text}}}'"},
      {"accepted_status = \"404\"",
       "x.toml:4:19: 'accepted_status' must hold statuses from 200 to 299; for example "
       "accepted_status = [\"200\", \"202\"]"},
      {"later_words = \"BUSY\"",
       "x.toml:4:15: 'later_words' needs the key 'error_field' beside it; for example later_words "
       "= [\"THROTTLED\"]"},
      {"calling_code = \"+254\"",
       "x.toml:4:16: 'calling_code' must be a country's calling code, digits alone; for example "
       "calling_code = \"254\""},
      {"send_type = \"json\"",
       "x.toml:4:13: 'send_type' must be a media type; for example send_type = "
       "\"application/json\""},
  };
  for (const auto& [line, what] : rows) {
    CAPTURE(line);
    const auto mistakes = sending_mistakes_of(line);
    REQUIRE(!mistakes.empty());
    CHECK(mistakes[0] == what);
  }
}

TEST_CASE("a key of a description is a mistake in a channel of another provider") {
  std::vector<Mistake> mistakes;
  auto text = head + "from_field = \"x\"\n";
  text.replace(text.find("external"), 8, "kannel");
  CHECK(!parse_channel(text, "x.toml", providers, mistakes).has_value());
  CHECK(told(mistakes) ==
        std::vector<std::string>{"x.toml:6:1: 'from_field' is a key of the provider external; "
                                 "remove the line, or make it a channel of that provider"});
}

TEST_CASE("the examples of all keys can stand in a file") {
  for (const auto& key : external_keys()) {
    CAPTURE(std::string{key.key});
    for (const auto& mistake : mistakes_of(std::string{key.example}))
      CHECK(mistake.find(" needs the key ") != std::string::npos);
  }
  for (const auto& key : external_sending_keys()) {
    CAPTURE(std::string{key.key});
    for (const auto& mistake : sending_mistakes_of(std::string{key.example}))
      CHECK((mistake.find(" needs the key ") != std::string::npos ||
             mistake.find(" leaves out ") != std::string::npos));
  }
}

TEST_CASE("a template knows which of its gaps stand in quotes") {
  constexpr std::string_view gaps[] = {"a", "b:"};
  Template text;
  CHECK(text.read(R"({"x":{{a}},"y":"{{ b:c }} \" {{a}}"})", Escaping::json, gaps) == std::nullopt);
  std::vector<bool> quoted;
  for (const auto& piece : text.pieces())
    if (piece.is_gap) quoted.push_back(piece.is_quoted);
  CHECK(quoted == std::vector<bool>{false, true, true});
  CHECK(text.has("b:c"));
  CHECK(!text.has("b:d"));
  CHECK(text.read("}} { {a} }", Escaping::none, gaps) == std::nullopt);
  CHECK(text.pieces().size() == 1);
  CHECK(text.read("{{{a}}}", Escaping::none, gaps).has_value());
}

TEST_CASE("times are read by a pattern, with its zone or the one beside it") {
  const auto at = [](const char* pattern, int minutes, const char* text) -> std::int64_t {
    const auto read = read_time(pattern, std::chrono::minutes{minutes}, text);
    return read ? read->time_since_epoch().count() : 0;
  };
  CHECK(at("%Y-%m-%d%H:%M:%S", 480, "2026-01-0211:04:05") == 1767323045);
  CHECK(at("%Y-%m-%d %H:%M:%S %z", 0, "2026-01-02 05:04:05 +0200") == 1767323045);
  CHECK(at("%a %b %d %Y %H:%M:%S", 0, "Fri Jan 2 2026 03:04:05") == 1767323045);
  for (const auto* odd : {"", "2026", "2026-13-02 03:04:05", "2026-01-02 03:04:05 and more"})
    CHECK(at("%Y-%m-%d %H:%M:%S", 0, odd) == 0);
}

}  // namespace ishara::config
