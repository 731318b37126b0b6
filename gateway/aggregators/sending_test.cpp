// Golden answers of send APIs, and the hostile set that every aggregator gets unasked.
//
// tests/data/aggregators/<name>/send-<case>.txt holds lines `key: value`, an empty line and the raw
// answer of the provider. Keys: `note` (for readers), `set` (account, token, password, from,
// origin, delivery_url), `description` (of the provider external: a file in ops/external/), `to`,
// `text`, `validity` (seconds), `id` (of ours, for delivery reports), `signed_in` (the token that
// the provider has handed out), `now`, and `expect`: one line of the request, one of what the
// answer says. A `sign-in-<case>.txt` is the same of the request for such a token.
// ISHARA_UPDATE_GOLDEN=1 rewrites the expected lines.

#include "gateway/aggregators/sending.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/registry.hpp"
#include "gateway/http/form.hpp"

namespace ishara::aggregators {
namespace {

namespace json = boost::json;

const std::filesystem::path data = ISHARA_SOURCE_DIR "/tests/data/aggregators";

struct Golden {
  std::filesystem::path file;
  std::string provider;
  std::vector<std::string> head;  // all lines but those of `expect`
  std::vector<std::string> expected;
  SendingSettings settings;
  std::string to;
  std::string text;
  std::string id;
  std::string token;
  std::chrono::seconds validity{900};
  std::chrono::sys_seconds now{};
  std::string raw;
};

void set(SendingSettings& settings, std::string_view assignment) {
  const auto equals = assignment.find('=');
  REQUIRE(equals != assignment.npos);
  const auto key = assignment.substr(0, equals);
  const auto value = assignment.substr(equals + 1);
  if (key == "account")
    settings.account = crypto::wiped_copy(value);
  else if (key == "token")
    settings.token = crypto::wiped_copy(value);
  else if (key == "password")
    settings.password = crypto::wiped_copy(value);
  else if (key == "from")
    settings.from = value;
  else if (key == "origin")
    settings.origin = value;
  else if (key == "delivery_url")
    settings.delivery_url = crypto::wiped_copy(value);
  else
    FAIL("no such setting");
}

void describe(SendingSettings& settings, const std::string& name) {
  const auto path = std::filesystem::path{ISHARA_SOURCE_DIR "/ops/external"} / name;
  std::ifstream stream{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{stream}, {}};
  std::vector<config::Mistake> mistakes;
  SendingSettings described;
  REQUIRE(!text.empty());
  const bool is_good = config::parse_description(text, path, described, mistakes);
  for (const auto& mistake : mistakes) MESSAGE(config::to_string(mistake));
  REQUIRE(is_good);
  settings.external = described.external;
}

Golden read_golden(const std::filesystem::path& file) {
  Golden golden;
  golden.file = file;
  golden.provider = file.parent_path().filename().string();
  std::ifstream stream{file, std::ios::binary};
  for (std::string line; std::getline(stream, line) && !line.empty();) {
    CAPTURE(line);
    const auto colon = line.find(": ");
    REQUIRE(colon != line.npos);
    const auto key = line.substr(0, colon);
    const auto value = line.substr(colon + 2);
    if (key != "expect") golden.head.push_back(line);
    if (key == "expect")
      golden.expected.push_back(value);
    else if (key == "set")
      set(golden.settings, value);
    else if (key == "description")
      describe(golden.settings, value);
    else if (key == "to")
      golden.to = value;
    else if (key == "text")
      golden.text = value;
    else if (key == "id")
      golden.id = value;
    else if (key == "signed_in")
      golden.token = value;
    else if (key == "now")
      golden.now = read_utc(value).value();
    else if (key == "validity")
      golden.validity = std::chrono::seconds{std::stoi(value)};
    else
      REQUIRE(key == "note");
  }
  golden.raw.assign(std::istreambuf_iterator<char>{stream}, {});
  return golden;
}

std::vector<Golden> all_golden(std::string_view kind = "send-") {
  std::vector<Golden> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{data})
    if (entry.is_regular_file() && entry.path().filename().string().starts_with(kind))
      all.push_back(read_golden(entry.path()));
  std::ranges::sort(all, {}, &Golden::file);
  return all;
}

// A status line, header lines, an empty line and the body; lines end in a bare line feed.
http::Response answer_of(std::string_view raw) {
  http::Response out;
  const auto next_line = [&raw] {
    const auto end = raw.find('\n');
    const auto line = raw.substr(0, end);
    raw.remove_prefix(end == raw.npos ? raw.size() : end + 1);
    return line;
  };
  const auto status = next_line();
  if (status.size() > 12) std::from_chars(status.data() + 9, status.data() + 12, out.status);
  for (auto line = next_line(); !line.empty(); line = next_line()) {
    const auto colon = line.find(": ");
    if (colon == line.npos) continue;
    out.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  out.body = raw;
  return out;
}

std::string request_line(const Posting& posting) {
  json::object fields;
  for (const auto& field : posting.request.fields) fields[field.name] = crypto::view(field.value);
  return json::serialize(
      json::object{{"origin", posting.origin},
                   {"method", posting.request.method == http::Method::get ? "GET" : "POST"},
                   {"target", crypto::view(posting.request.target)},
                   {"fields", std::move(fields)},
                   {"body", crypto::view(posting.request.body)}});
}

std::string answer_line(const SendAnswer& answer) {
  constexpr std::string_view words[] = {"accepted", "later", "never", "our_fault", "unknown"};
  json::object out{{"taken", words[static_cast<std::size_t>(answer.taken)]}};
  if (!answer.id.empty()) out["id"] = crypto::view(answer.id);
  if (answer.after) out["after"] = answer.after->count();
  return json::serialize(out);
}

Posting posting_of(const Aggregator& aggregator, const Golden& golden) {
  const auto number = identity::Msisdn::parse(golden.to, "");
  REQUIRE(number.has_value());
  return aggregator.send(
      {*number, golden.text, golden.validity, golden.id, golden.token, golden.now},
      golden.settings);
}

std::string token_line(const std::optional<Token>& token) {
  json::object out;
  if (token) out["token"] = crypto::view(token->value);
  if (token) out["lifetime"] = token->lifetime.count();
  return json::serialize(out);
}

// What is expected of a file, or what it is to expect from now on.
void compare(const Golden& golden, const std::vector<std::string>& lines) {
  if (std::getenv("ISHARA_UPDATE_GOLDEN") == nullptr) {
    CHECK(lines == golden.expected);
    return;
  }
  std::ofstream stream{golden.file, std::ios::binary};
  for (const auto& line : golden.head) stream << line << '\n';
  for (const auto& line : lines) stream << "expect: " << line << '\n';
  stream << '\n' << golden.raw;
}

template <class F>
void for_each_golden(F check, std::string_view kind = "send-") {
  const Registry registry;
  for (const auto& golden : all_golden(kind)) {
    CAPTURE(golden.file.string());
    const auto aggregator = registry.of(golden.provider, golden.settings);
    REQUIRE(aggregator != nullptr);
    check(*aggregator, golden);
  }
}

bool may_be_offered_again(const SendAnswer& answer) {
  return answer.taken == Taken::later || answer.taken == Taken::our_fault;
}

}  // namespace

TEST_CASE("every aggregator with a send API has golden answers of it, and no other has any") {
  std::set<std::string> folders;
  for (const auto& golden : all_golden()) folders.insert(golden.provider);
  std::set<std::string> senders;
  for (const auto& provider : Registry{}.sending_providers()) senders.emplace(provider.name);
  CHECK(folders == senders);
}

TEST_CASE("golden texts are sent as they expect, and their answers are read as they expect") {
  for_each_golden([](const auto& aggregator, const auto& golden) {
    compare(golden, {request_line(posting_of(aggregator, golden)),
                     answer_line(aggregator.sent(answer_of(golden.raw)))});
  });
}

TEST_CASE("golden requests for tokens are as they expect, and the answers are read") {
  std::set<std::string> folders;
  for_each_golden(
      [&](const auto& aggregator, const auto& golden) {
        folders.insert(golden.provider);
        const auto posting = aggregator.sign_in(golden.settings);
        REQUIRE(posting.has_value());
        compare(golden,
                {request_line(*posting), token_line(aggregator.signed_in(answer_of(golden.raw)))});
      },
      "sign-in-");
  const Registry registry;
  for (const auto name : registry.names()) {
    CAPTURE(name);
    CHECK(registry.find(name)->sign_in({}).has_value() == folders.contains(std::string{name}));
  }
}

TEST_CASE("an answer that is torn or of another kind gives no token") {
  for_each_golden(
      [](const auto& aggregator, const auto& golden) {
        const auto whole = answer_of(golden.raw);
        for (std::size_t size = 0; size < whole.body.size(); ++size) {
          CAPTURE(size);
          auto torn = whole;
          torn.body.resize(size);
          CHECK(!aggregator.signed_in(torn).has_value());
        }
      },
      "sign-in-");
  const Registry registry;
  for (const auto* body : {"", "null", "[]", "{}", "{\"access_token\":null}",
                           "{\"access_token\":{}}", "{\"access_token\":\"\"}", "<html>"}) {
    CAPTURE(body);
    http::Response answer;
    answer.body = body;
    for (const auto name : registry.names())
      CHECK(!registry.find(name)->signed_in(answer).has_value());
  }
}

TEST_CASE("what is sent can be sent: a target in origin form, clean fields, an origin") {
  for_each_golden([](const auto& aggregator, const auto& golden) {
    const auto posting = posting_of(aggregator, golden);
    CHECK(posting.request.target.front() == '/');
    CHECK(crypto::view(posting.request.target).find_first_of(" \r\n#") == std::string_view::npos);
    CHECK((posting.origin.starts_with("https://") || posting.origin.starts_with("http://")));
    for (const auto& field : posting.request.fields)
      CHECK(crypto::view(field.value).find_first_of("\r\n") == std::string_view::npos);
  });
}

TEST_CASE("the answer to a text that may have left, cut or torn anywhere, never means again") {
  for_each_golden([](const auto& aggregator, const auto& golden) {
    const auto whole = answer_of(golden.raw);
    const auto taken = aggregator.sent(whole).taken;
    if (taken != Taken::accepted && taken != Taken::unknown) return;
    for (std::size_t size = 0; size < whole.body.size(); ++size) {
      CAPTURE(size);
      auto torn = whole;
      torn.body.resize(size);
      CHECK(!may_be_offered_again(aggregator.sent(torn)));
      torn.body = whole.body;
      torn.body[size] = static_cast<char>(torn.body[size] ^ 0x80);
      CHECK(!may_be_offered_again(aggregator.sent(torn)));
    }
  });
}

TEST_CASE("an answer that no send API gives is unknown, and a failing server never means again") {
  const Registry registry;
  const std::string deep(10'000, '[');
  const std::string_view bodies[] = {"",
                                     "null",
                                     "[]",
                                     "{}",
                                     "\"0: Accepted\"",
                                     "<html>",
                                     deep,
                                     "{\"sid\":null}",
                                     "{\"sid\":{}}",
                                     "{\"SMSMessageData\":{\"Recipients\":[]}}",
                                     "{\"SMSMessageData\":{\"Recipients\":[1,2]}}",
                                     "{\"SMSMessageData\":{\"Recipients\":{\"*\":1}}}"};
  for (const auto name : registry.names()) {
    CAPTURE(name);
    for (const auto status :
         {0u, 200u, 201u, 202u, 204u, 301u, 302u, 408u, 500u, 502u, 503u, 504u}) {
      CAPTURE(status);
      for (const auto body : bodies) {
        http::Response answer;
        answer.status = status;
        answer.body = body;
        CHECK(registry.find(name)->sent(answer).taken == Taken::unknown);
      }
    }
  }
}

TEST_CASE("statuses that say enough alone are read alike by every aggregator") {
  const Registry registry;
  for (const auto name : registry.names()) {
    CAPTURE(name);
    const auto taken = [&](unsigned status) {
      http::Response answer;
      answer.status = status;
      return registry.find(name)->sent(answer).taken;
    };
    CHECK(taken(400) == Taken::never);
    CHECK(taken(401) == Taken::our_fault);
    CHECK(taken(403) == Taken::our_fault);
    CHECK(taken(429) == Taken::later);
  }
}

TEST_CASE("every aggregator names what it needs to send") {
  for (const auto& provider : Registry{}.sending_providers()) {
    CAPTURE(provider.name);
    CHECK(!provider.needs.empty());
    for (const auto need : provider.needs) {
      constexpr std::string_view keys[] = {"account", "token", "password", "origin", "from"};
      CHECK(std::ranges::find(keys, need) != std::end(keys));
    }
  }
}

}  // namespace ishara::aggregators
