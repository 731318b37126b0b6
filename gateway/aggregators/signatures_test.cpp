// Signatures that vendors publish, and what none of the golden requests shows of two of them.

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/registry.hpp"

namespace ishara::aggregators {
namespace {

const Registry registry;

bool accepts_plivo(std::initializer_list<std::pair<const char*, const char*>> fields,
                   std::string_view target = "/in/plivo") {
  ChannelSettings settings;
  settings.token = crypto::wiped_copy("tok_plivo");
  settings.url = crypto::wiped_copy("https://ishara.example");
  http::Request request;
  request.method = http::Method::post;
  request.target = crypto::wiped_copy(target);
  request.body = crypto::wiped_copy("From=254700000001&To=254700000002&Text=maji&MessageUUID=u-1");
  for (const auto& [name, value] : fields)
    request.fields.push_back({name, crypto::wiped_copy(value)});
  return registry.find("plivo")->authentic(request, settings, {}).has_value();
}

constexpr std::pair<const char*, const char*> nonce2{"x-plivo-signature-v2-nonce", "nonce1"};
constexpr std::pair<const char*, const char*> nonce3{"x-plivo-signature-v3-nonce", "nonce1"};
constexpr const char* p2 = "E3kmSG8j93MIQuKePGwhJyK55MpM9Ljci6B/Hfzy7Sw=";
constexpr const char* p4 = "jHsbiLotWg8YPnJNgqBzTJ9CMo0eQ7Z7Gpt/vO4oTQ0=";

}  // namespace

TEST_CASE("Plivo's signatures: the vectors P2 to P4 of channels.md") {
  CHECK(accepts_plivo({{"x-plivo-signature-v2", p2}, nonce2}));
  CHECK(accepts_plivo(
      {{"x-plivo-signature-v3", "l/1ZtZuownpMVjC+ZWwWgZ6PzkI3Ct66LeQGtbnd4Dw="}, nonce3},
      "/in/plivo?k=1"));
  CHECK(accepts_plivo({{"x-plivo-signature-v3", p4}, nonce3}));
}

TEST_CASE("one signature of Plivo's list is enough, and the third version counts if it is there") {
  const std::string good{p4};
  for (const auto& list : {"x," + good, good + ",x", "," + good})
    CHECK(accepts_plivo({{"x-plivo-signature-v3", list.c_str()}, nonce3}));
  for (const auto& list : {std::string{}, std::string{","}, good + "x", good + " ", "x" + good})
    CHECK(!accepts_plivo({{"x-plivo-signature-v3", list.c_str()}, nonce3}));
  CHECK(
      accepts_plivo({{"x-plivo-signature-v2", p2}, nonce2, {"x-plivo-signature-v3", p4}, nonce3}));
  CHECK(
      accepts_plivo({{"x-plivo-signature-v2", "x"}, nonce2, {"x-plivo-signature-v3", p4}, nonce3}));
  CHECK(!accepts_plivo({{"x-plivo-signature-v3", p4}}));
  CHECK(!accepts_plivo({{"x-plivo-signature-v2", p2}}));
  CHECK(!accepts_plivo({{"x-plivo-signature-v3", p4}, nonce2}));
  CHECK(!accepts_plivo(
      {{"x-plivo-signature-v2", p2}, nonce2, {"x-plivo-signature-v3", "x"}, nonce3}));
}

TEST_CASE("MessageBird's own examples of its tokens are read as it says") {
  std::ifstream stream{ISHARA_SOURCE_DIR "/tests/data/signatures/messagebird.json"};
  const auto read = boost::json::parse(std::string{std::istreambuf_iterator<char>{stream}, {}});
  const auto& cases = read.at("cases").as_array();
  CHECK(cases.size() == 23);
  for (const auto& value : cases) {
    const auto& one = value.as_object();
    const auto text = [&one](std::string_view name) {
      const auto* found = one.if_contains(name);
      return found == nullptr || !found->is_string() ? std::string{}
                                                     : std::string{found->as_string()};
    };
    CAPTURE(text("name"));
    const auto url = text("url");
    ChannelSettings settings;
    settings.secret = crypto::wiped_copy(text("secret"));
    settings.url = crypto::wiped_copy(url.substr(0, url.size() - path_of(url).size()));
    http::Request request;
    request.method = text("method") == "GET" ? http::Method::get : http::Method::post;
    request.target = crypto::wiped_copy(path_of(url));
    request.body = crypto::wiped_copy(text("payload"));
    request.fields.push_back({"messagebird-signature-jwt", crypto::wiped_copy(text("token"))});
    const auto at = *read_iso8601(text("timestamp"));
    CHECK(registry.find("messagebird")->authentic(request, settings, at).has_value() ==
          one.at("valid").as_bool());
  }
}

}  // namespace ishara::aggregators
