// The provider `external`: templates, and that each description in ops/external/ works on both
// sides. Its golden requests stand with those of all providers.

#include "gateway/aggregators/external.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/filled.hpp"
#include "gateway/aggregators/registry.hpp"

namespace ishara::aggregators {
namespace {

using config::Escaping;
using What = UssdStep::What;

constexpr std::chrono::sys_seconds now{std::chrono::seconds{1767323045}};
const std::filesystem::path folder = ISHARA_SOURCE_DIR "/ops/external";
const Registry registry;

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

bool is_sending(const std::filesystem::path& file) {
  return file.string().ends_with(".sending.toml");
}

ChannelSettings settings_by(const std::string& text) {
  ChannelSettings out;
  out.country = "RW";
  out.url = crypto::wiped_copy("https://ishara.example/in/external/secret");
  out.secret = crypto::wiped_copy("secret");
  out.account = "AC1";
  out.now = now;
  std::vector<config::Mistake> mistakes;
  CHECK(config::parse_description(text, "description", out, mistakes));
  for (const auto& mistake : mistakes) MESSAGE(config::to_string(mistake));
  return out;
}

// Calls `check` with every description of what is received.
template <class F>
void for_each_description(F check) {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (is_sending(entry.path())) continue;
    CAPTURE(entry.path().filename().string());
    const auto text = content_of(entry.path());
    const auto settings = settings_by(text);
    check(*registry.of("external", settings), settings,
          text.find("session_field") != std::string::npos);
    ++seen;
  }
  CHECK(seen >= 14);
}

std::string shown(const identity::Text& text) {
  return text.reveal([](std::string_view utf8) { return std::string{utf8}; });
}

std::string fill(std::string_view text, Escaping escaping, std::string_view value) {
  constexpr std::string_view gaps[] = {"text", "from"};
  config::Template read;
  REQUIRE(read.read(text, escaping, gaps) == std::nullopt);
  const auto out = filled(read, [&](std::string_view gap) {
    return crypto::wiped_copy(gap == "text" ? value : "somebody");
  });
  return std::string{crypto::view(out)};
}

PhoneStep phone(What what, std::vector<std::string> inputs) {
  return {what, "+250788000001", "*384*2020#", "00112233445566778899aabbccddeeff",
          std::move(inputs)};
}

}  // namespace

TEST_CASE("a template is filled in one pass: what is put in is never a gap") {
  for (const auto escaping : {Escaping::none, Escaping::header})
    CHECK(fill("{{text}} of {{from}}", escaping, "{{from}}{{text}}") ==
          "{{from}}{{text}} of somebody");
  CHECK(fill("{{text}}", Escaping::percent, "{{from}}") == "%7B%7Bfrom%7D%7D");
  CHECK(fill(R"({"a":{{text}},"b":{{from}}})", Escaping::json, "{{from}}") ==
        R"({"a":"{{from}}","b":"somebody"})");
}

TEST_CASE("what is put into a template cannot end what it stands in") {
  CHECK(fill("a={{text}}&b=1", Escaping::percent, "1&b=2#?%+ ") ==
        "a=1%26b%3D2%23%3F%25%2B%20&b=1");
  CHECK(fill(R"({"a":{{text}}})", Escaping::json, "\",\"b\":\"\\\n") ==
        R"({"a":"\",\"b\":\"\\\u000a"})");
  CHECK(fill(R"({"a":"x {{text}} y"})", Escaping::json, "\"}") == R"({"a":"x \"} y"})");
  CHECK(fill("<a b=\"{{text}}\"/>", Escaping::xml, "\"/><c>&") ==
        "<a b=\"&quot;/&gt;&lt;c&gt;&amp;\"/>");
  CHECK(fill("<a b='{{text}}'/>", Escaping::xml, "'/><c>") == "<a b='&#39;/&gt;&lt;c&gt;'/>");
  CHECK(fill("{{text}}", Escaping::header, "x\r\nSet-Cookie: y") == "");
  CHECK(fill("Bearer {{text}}", Escaping::header, "a\x7F") == "Bearer ");
}

TEST_CASE("a filled template can be read again, whatever stands in it") {
  constexpr std::string_view gaps[] = {"text", "from"};
  const std::pair<const char*, Escaping> templates[] = {
      {"CON {{text}}", Escaping::none},
      {"{{from}}|{{text}}|end", Escaping::none},
      {R"({"m":{{text}},"n":{{from}},"o":true})", Escaping::json},
      {R"({"m":"a {{text}}"})", Escaping::json},
      {"<m from=\"{{from}}\">{{text}}</m>", Escaping::xml},
      {"m={{text}}&n={{from}}", Escaping::percent}};
  for (const auto& [text, escaping] : templates) {
    CAPTURE(std::string{text});
    config::Template read;
    REQUIRE(read.read(text, escaping, gaps) == std::nullopt);
    for (const std::string value : {"a < b & \"c\" > d\n0 Exit", "\xD9\x88 = %41 +", "1"}) {
      CAPTURE(value);
      CHECK(unfilled(read, fill(text, escaping, value)) == value);
    }
    CHECK(!unfilled(read, "something else").has_value());
  }
}

TEST_CASE("what a described provider sends of a text is what is read") {
  for_each_description([](const Aggregator& aggregator, const ChannelSettings& settings,
                          bool has_dialogues) {
    if (has_dialogues) return;
    for (const bool by_get : {false, true}) {
      for (const std::string text :
           {"Amazi yarabuze", "@ \xC2\xA3 { & + % \" ' \n = {{from}}", ""}) {
        CAPTURE(text);
        const PhoneText sms{"+250788000001", "2020", text, "00112233445566778899aabbccddeeff", now};
        const auto request = aggregator.call(sms, settings, by_get);
        REQUIRE(aggregator.authentic(request, settings, now).has_value());
        const auto events = aggregator.parse(request, Kind::sms, settings);
        REQUIRE(events.has_value());
        REQUIRE(events->size() == 1);
        const auto& message = std::get<Message>(events->front());
        CHECK(shown(message.text) == text);
        std::get<identity::Msisdn>(message.from).reveal([](std::string_view digits) {
          CHECK(digits == "250788000001");
        });
        if (message.at)
          CHECK(std::chrono::floor<std::chrono::minutes>(now) ==
                std::chrono::floor<std::chrono::minutes>(*message.at));
      }
    }
    const std::string line = "We got it: a < b & \"c\" > d";
    const auto answer = aggregator.acknowledge(line);
    CHECK(aggregator.is_success(answer));
    CHECK(aggregator.reply_in(answer).has_value() == aggregator.answers_in_response());
    if (aggregator.answers_in_response()) CHECK(aggregator.reply_in(answer) == line);
    CHECK(!aggregator.reply_in(aggregator.acknowledge(std::nullopt)).has_value());
  });
}

TEST_CASE("a described dialogue is read, and its phone shows our screens") {
  for_each_description(
      [](const Aggregator& aggregator, const ChannelSettings& settings, bool has_dialogues) {
        if (!has_dialogues) return;
        const auto read = [&](const PhoneStep& step) {
          const auto request = aggregator.dial(step, settings);
          REQUIRE(aggregator.authentic(request, settings, now).has_value());
          auto events = aggregator.parse(request, Kind::ussd, settings);
          REQUIRE(events.has_value());
          REQUIRE(events->size() == 1);
          return std::get<UssdStep>(std::move(events->front()));
        };
        const auto first = read(phone(What::begin, {}));
        CHECK(first.what == What::begin);
        CHECK(first.input.empty());
        for (const std::string text : {"1", "they beat me * help", "@ & + % \" ' ="}) {
          CAPTURE(text);
          const auto next = read(phone(What::input, {"1", text}));
          CHECK(next.what == What::input);
          CHECK(next.session == first.session);
          CHECK(shown(next.input) == (next.accumulated ? "1*" + text : text));
          for (const bool end : {false, true}) {
            const std::string words = "We got it: a < b & \"c\" > d\n0 Exit";
            const auto screen =
                aggregator.screen_in(aggregator.show({words, end}, crypto::view(next.echo)));
            REQUIRE(screen.has_value());
            CHECK(screen->text == words);
            CHECK(screen->end == end);
          }
        }
        const auto close = aggregator.dial(phone(What::close, {"1"}), settings);
        if (close.target.empty()) return;  // a provider that tells nothing of it
        const auto events = aggregator.parse(close, Kind::ussd, settings);
        REQUIRE(events.has_value());
        CHECK(std::get<UssdStep>(events->front()).what == What::close);
        CHECK(std::get<UssdStep>(events->front()).input.empty());
      });
}

TEST_CASE("a described proof is refused with any other secret, and when a channel has none") {
  int proved = 0;
  for_each_description(
      [&](const Aggregator& aggregator, const ChannelSettings& settings, bool has_dialogues) {
        if (aggregator.profile().proof == Proof::none) return;
        ++proved;
        const PhoneText sms{"+250788000001", "2020", "they took my passport", "id1", now};
        const auto made = [&](const ChannelSettings& by) {
          return has_dialogues ? aggregator.dial(phone(What::begin, {}), by)
                               : aggregator.call(sms, by, false);
        };
        for (const std::string_view other : {"", "Secret", "secre", "secrets"}) {
          auto wrong = settings;
          wrong.secret = crypto::wiped_copy(other);
          const auto checked = aggregator.authentic(made(settings), wrong, now);
          REQUIRE(!checked);
          CHECK(status_of(checked.error().code) == 403);
          if (other.empty()) CHECK(!aggregator.authentic(made(wrong), wrong, now));
        }
        if (aggregator.profile().proof != Proof::signature) return;
        for (const std::string_view part : {"250788000001", "passport"}) {
          auto request = made(settings);
          request.body[crypto::view(request.body).find(part)] ^= 1;
          CHECK(!aggregator.authentic(request, settings, now));
        }
      });
  CHECK(proved >= 4);
}

TEST_CASE("each way to sign is checked: what it covers, in each digest and encoding") {
  const std::string parts[] = {
      R"("body")", R"("sorted fields")", R"("sorted fields = &", "text !")",
      R"("url", "header x-time", "text .", "body")", R"("field text", "field from")"};
  for (const auto* digest : {"md5", "sha1", "sha256", "sha512"}) {
    for (const auto* encoding : {"hex", "base64"}) {
      for (const auto& part : parts) {
        for (const auto* place : {"header x-signature", "sig"}) {
          // A signature does not cover itself, so one in the body cannot be over the whole.
          if (std::string_view{place} == "sig" && part.find("body") != std::string::npos) continue;
          CAPTURE(part);
          const auto settings =
              settings_by("url = \"https://ishara.example\"\nsignature = \"" + std::string{digest} +
                          "\"\nhmac = [" + part + "]\nhmac_field = \"" + place +
                          "\"\nhmac_encoding = \"" + encoding + "\"\nhmac_prefix = \"v0=\"\n");
          const auto bound = registry.of("external", settings);
          const auto& aggregator = *bound;
          const PhoneText sms{"+250788000001", "2020", "passport", "id1", now};
          const auto request = aggregator.call(sms, settings, false);
          CHECK(aggregator.authentic(request, settings, now).has_value());
          auto other = aggregator.call(sms, settings, false);
          other.body[crypto::view(other.body).find("passport")] ^= 1;
          CHECK(!aggregator.authentic(other, settings, now));
          auto wrong = settings;
          wrong.secret = crypto::wiped_copy("wrong");
          CHECK(!aggregator.authentic(request, wrong, now));
        }
      }
    }
  }
}

TEST_CASE("numbers of another country are nobody's in a national form") {
  SendingSettings settings;
  std::vector<config::Mistake> mistakes;
  REQUIRE(config::parse_description(
      "calling_code = \"250\"\nsend_body = \"to=0{{to_national}}&text={{text}}\"\n", "d", settings,
      mistakes));
  const auto aggregator = registry.of("external", settings);
  const auto body_for = [&](std::string_view to) {
    const auto number = identity::Msisdn::parse(to, "");
    const auto posting = aggregator->send({*number, "a", std::chrono::seconds{60}, ""}, settings);
    return std::string{crypto::view(posting.request.body)};
  };
  CHECK(body_for("+250788000001") == "to=0788000001&text=a");
  CHECK(body_for("+254711000001") == "to=0%2B254711000001&text=a");
}

TEST_CASE("the page's examples are the files that stand beside it, and each key stands in it") {
  const auto page = content_of(folder.parent_path() / "external.md");
  int examples = 0;
  for (auto at = page.find("```toml\n"); at != page.npos; at = page.find("```toml\n", at + 1)) {
    const auto begin = at + 8;
    const auto block = page.substr(begin, page.find("```", begin) - begin);
    const auto name = block.substr(2, block.find('\n') - 2);
    CAPTURE(name);
    REQUIRE(name.starts_with("ops/external/"));
    CHECK(block == content_of(ISHARA_SOURCE_DIR "/" + name));
    ++examples;
  }
  CHECK(examples == 4);
  for (const auto keys : {config::external_keys(), config::external_sending_keys()})
    for (const auto& key : keys) {
      CAPTURE(std::string{key.key});
      CHECK(page.find("`" + std::string{key.key} + "`") != page.npos);
    }
}

TEST_CASE("every description of how one sends can be read") {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (!is_sending(entry.path())) continue;
    SendingSettings settings;
    std::vector<config::Mistake> mistakes;
    CHECK(config::parse_description(content_of(entry.path()), entry.path(), settings, mistakes));
    ++seen;
  }
  CHECK(seen >= 4);
}

}  // namespace ishara::aggregators
