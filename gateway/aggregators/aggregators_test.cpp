// Golden requests, and the hostile set that every aggregator gets unasked.
//
// tests/data/aggregators/<name>/<case>.txt holds lines `key: value`, an empty line and the raw
// request. Keys: `note` (for readers), `kind` (sms unless said), `set` (as `channel parse --set`),
// `description` (of the provider external: a file in ops/external/),
// `expect` (one line of `channel parse`). ISHARA_UPDATE_GOLDEN=1 rewrites the expected lines. Files
// `send-*.txt` and `sign-in-*.txt` belong to sending_test.cpp.

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "gateway/aggregators/registry.hpp"
#include "gateway/aggregators/rehearsal.hpp"
#include "gateway/http/parse.hpp"

namespace ishara::aggregators {
namespace {

const std::filesystem::path data = ISHARA_SOURCE_DIR "/tests/data/aggregators";

struct Golden {
  std::filesystem::path file;
  std::string provider;
  std::vector<std::string> head;  // all lines but those of `expect`
  std::vector<std::string> expected;
  Kind kind = Kind::sms;
  ChannelSettings settings;
  std::string raw;
};

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
    if (key == "expect") {
      golden.expected.push_back(value);
    } else if (key == "kind") {
      REQUIRE(kind_named(value).has_value());
      golden.kind = *kind_named(value);
    } else if (key == "description") {
      std::vector<config::Mistake> mistakes;
      const auto path = std::filesystem::path{ISHARA_SOURCE_DIR "/ops/external"} / value;
      std::ifstream description{path, std::ios::binary};
      const std::string text{std::istreambuf_iterator<char>{description}, {}};
      REQUIRE(!text.empty());
      const bool is_good = config::parse_description(text, path, golden.settings, mistakes);
      for (const auto& mistake : mistakes) MESSAGE(config::to_string(mistake));
      REQUIRE(is_good);
    } else if (key == "set") {
      REQUIRE(set(golden.settings, value) == std::nullopt);
    } else {
      REQUIRE(key == "note");
    }
  }
  golden.raw.assign(std::istreambuf_iterator<char>{stream}, {});
  return golden;
}

std::vector<Golden> all_golden() {
  std::vector<Golden> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{data}) {
    const auto name = entry.path().filename().string();
    if (entry.is_regular_file() && !name.starts_with("send-") && !name.starts_with("sign-in-"))
      all.push_back(read_golden(entry.path()));
  }
  std::ranges::sort(all, {}, &Golden::file);
  return all;
}

ChannelSettings copy_of(const ChannelSettings& from, bool verify) {
  ChannelSettings to;
  to.country = from.country;
  to.charset = from.charset;
  to.entities = from.entities;
  to.url = from.url;
  to.token = from.token;
  to.secret = from.secret;
  to.signature = from.signature;
  to.account = from.account;
  to.password = from.password;
  to.now = from.now;
  to.external = from.external;
  to.verify = verify && from.verify;
  return to;
}

std::vector<std::string> lines_of(const Aggregator& aggregator, std::string_view raw, Kind kind,
                                  const ChannelSettings& settings) {
  const auto request = http::parse_request(raw, 1024 * 1024);
  if (!request) return {refused_line("not a request", 400)};
  return rehearse(aggregator, *request, kind, settings);
}

// True if the lines keep the contract: JSON in UTF-8 without NUL, the last an answer or the refusal
// of all, which has a status.
bool well_formed(const std::vector<std::string>& lines) {
  if (lines.empty()) return false;
  for (const auto& line : lines) {
    boost::system::error_code error;
    const auto value = boost::json::parse(line, error);
    if (error || !value.is_object() || line.find("\\u0000") != line.npos) return false;
    const bool last = &line == &lines.back();
    const auto& line_object = value.as_object();
    const bool refuses_all = line_object.contains("refused") && line_object.contains("status");
    if (last != (line_object.contains("answer") || refuses_all)) return false;
  }
  return true;
}

void update(const Golden& golden, const std::vector<std::string>& lines) {
  std::ofstream stream{golden.file, std::ios::binary};
  for (const auto& line : golden.head) stream << line << '\n';
  for (const auto& line : lines) stream << "expect: " << line << '\n';
  stream << '\n' << golden.raw;
}

// Calls `check` with every golden request and its aggregator, once as it is and once unverified.
template <class F>
void for_each_golden(F check) {
  const Registry registry;
  for (const auto& golden : all_golden()) {
    CAPTURE(golden.file.string());
    const auto aggregator = registry.of(golden.provider, golden.settings);
    REQUIRE(aggregator != nullptr);
    for (const bool verify : {true, false})
      check(*aggregator, golden, copy_of(golden.settings, verify));
  }
}

}  // namespace

TEST_CASE("every aggregator has golden requests, and every folder of them an aggregator") {
  const auto names = Registry{}.names();
  std::set<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator{data})
    folders.insert(entry.path().filename().string());
  CHECK(folders == std::set<std::string>{names.begin(), names.end()});
  CHECK(std::ranges::is_sorted(names));
}

TEST_CASE("the page of aggregators holds the table of this build") {
  const std::filesystem::path page = ISHARA_SOURCE_DIR "/ops/aggregators.md";
  std::ifstream stream{page, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{stream}, {}};
  const auto table = text.find("| provider |");
  REQUIRE(table != text.npos);
  const auto made = Registry{}.table();
  if (std::getenv("ISHARA_UPDATE_GOLDEN") != nullptr)
    std::ofstream{page, std::ios::binary} << text.substr(0, table) << made;
  else
    CHECK(text.substr(table) == made);
}

TEST_CASE("golden requests give the lines that they expect") {
  const Registry registry;
  const bool rewrite = std::getenv("ISHARA_UPDATE_GOLDEN") != nullptr;
  for (const auto& golden : all_golden()) {
    CAPTURE(golden.file.string());
    const auto aggregator = registry.of(golden.provider, golden.settings);
    REQUIRE(aggregator != nullptr);
    const auto lines = lines_of(*aggregator, golden.raw, golden.kind, golden.settings);
    if (rewrite)
      update(golden, lines);
    else
      CHECK(lines == golden.expected);
  }
}

TEST_CASE("every aggregator says the same of the same request") {
  for_each_golden([](const auto& aggregator, const auto& golden, const auto& settings) {
    CHECK(lines_of(aggregator, golden.raw, golden.kind, settings) ==
          lines_of(aggregator, golden.raw, golden.kind, settings));
  });
}

TEST_CASE("a wrong signature is refused with 403 by every aggregator that signs") {
  int tried = 0;
  for_each_golden([&](const auto& aggregator, const auto& golden, const auto& settings) {
    if (!settings.verify) return;
    auto request = http::parse_request(golden.raw, 1024 * 1024);
    REQUIRE(request.has_value());
    if (!aggregator.authentic(*request, settings, settings.now)) return;
    for (auto& field : request->fields) {
      if (field.name.find("signature") == std::string::npos) continue;
      for (auto& c : field.value) {
        const auto right = c;
        c = static_cast<char>(c ^ 1);
        const auto result = aggregator.authentic(*request, settings, settings.now);
        REQUIRE(!result);
        CHECK(status_of(result.error().code) == 403);
        c = right;
        ++tried;
      }
      field.value.clear();
      CHECK(!aggregator.authentic(*request, settings, settings.now));
    }
  });
  CHECK(tried > 0);
}

TEST_CASE("an empty request holds no event, and is no reason for an aggregator to complain") {
  const Registry registry;
  for (const auto name : registry.names()) {
    CAPTURE(name);
    const auto& aggregator = *registry.find(name);
    for (const auto method : {http::Method::get, http::Method::post}) {
      for (const auto kind : aggregator.kinds()) {
        http::Request request;
        request.method = method;
        request.target = crypto::wiped_copy("/in/provider/secret");
        const auto events = aggregator.parse(request, kind, {});
        REQUIRE(events.has_value());
        CHECK(events->empty());
      }
    }
  }
}

TEST_CASE("an oversized body is refused with 413 by every aggregator") {
  for_each_golden([](const auto& aggregator, const auto& golden, const auto& settings) {
    auto request = http::parse_request(golden.raw, 1024 * 1024);
    REQUIRE(request.has_value());
    if (request->method != http::Method::post || settings.verify) return;
    const auto as_sent = aggregator.parse(*request, golden.kind, settings);
    if (!as_sent) return;  // refused for a reason of its own
    request->body.resize(max_body + 1, 'a');
    const auto events = aggregator.parse(*request, golden.kind, settings);
    REQUIRE(!events);
    CHECK(status_of(events.error().code) == 413);
  });
}

TEST_CASE("a request cut at any byte is answered or refused, never misread into two") {
  for_each_golden([](const auto& aggregator, const auto& golden, const auto& settings) {
    for (std::size_t size = 0; size < golden.raw.size(); ++size) {
      CAPTURE(size);
      const auto lines = lines_of(aggregator, golden.raw.substr(0, size), golden.kind, settings);
      CHECK(well_formed(lines));
      CHECK(lines.size() <= 2);
    }
  });
}

TEST_CASE("invalid UTF-8 and NUL anywhere in a request leave whole lines") {
  constexpr std::string_view bad[] = {{"\xFF", 1}, {"\0", 1}, "%C3%28", "%00"};
  // Each place of a request meets one of them, and over the requests of a provider all four.
  std::size_t turn = 0;
  for_each_golden([&](const auto& aggregator, const auto& golden, const auto& settings) {
    if (settings.verify) return;
    ++turn;
    for (std::size_t at = 0; at < golden.raw.size(); ++at) {
      auto raw = golden.raw;
      raw.replace(at, 1, bad[(at + turn) % std::size(bad)]);
      CAPTURE(at);
      CHECK(well_formed(lines_of(aggregator, raw, golden.kind, settings)));
    }
  });
}

TEST_CASE("a refusal never quotes the request") {
  for_each_golden([](const auto& aggregator, const auto& golden, const auto& settings) {
    auto raw = golden.raw;
    for (const auto& from : {"%2B250788000001", "%2B254711000001", "+250788000001"})
      if (const auto at = raw.find(from); at != raw.npos) raw.replace(at, 4, "*CANARY*");
    for (const auto& line : lines_of(aggregator, raw, golden.kind, settings))
      if (line.find("refused") != line.npos) CHECK(line.find("CANARY") == line.npos);
  });
}

TEST_CASE("settings are changed by key, and a wrong one is told") {
  ChannelSettings settings;
  CHECK(set(settings, "country=RW") == std::nullopt);
  CHECK(set(settings, "token=a=b") == std::nullopt);
  CHECK(set(settings, "verify=off") == std::nullopt);
  CHECK(settings.country == "RW");
  CHECK(crypto::view(settings.token) == "a=b");
  CHECK(!settings.verify);
  for (const auto* wrong : {"country", "country=rw", "verify=no", "charset=klingon", "now=soon",
                            "signature=rot13", "colour=red", "="}) {
    CAPTURE(std::string{wrong});
    CHECK(set(settings, wrong).has_value());
  }
}

}  // namespace ishara::aggregators
