// Every aggregator: the first byte picks the kind, and the aggregator too if the target names none
// ("/in/NAME/x"); the second the settings, the method, the content type and, before all else, the
// kind of dialogues; then come the target and, behind a line feed, the body. The same bytes are
// then read as the answer of the send API, to a text and to a request for a token.
// `ISHARA_FUZZ_PROVIDER=NAME` gives all to that one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "gateway/aggregators/registry.hpp"
#include "gateway/aggregators/rehearsal.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  static const aggregators::Registry registry;
  static const auto names = registry.names();
  if (size < 2) return 0;
  const auto kind =
      aggregators::Kind{static_cast<std::uint8_t>(data[1] >> 5 & 1 ? 2 : data[0] % 2)};
  const auto choice = data[1];
  const std::string_view rest{reinterpret_cast<const char*>(data) + 2, size - 2};
  const auto line = rest.find('\n');
  const auto name = rest.starts_with("/in/") ? rest.substr(4, rest.find('/', 4) - 4) : rest;
  static const char* const chosen = std::getenv("ISHARA_FUZZ_PROVIDER");
  const auto* const named = registry.find(chosen != nullptr ? chosen : name);
  const auto& aggregator =
      named != nullptr ? *named : *registry.find(names[data[0] / 2 % names.size()]);

  aggregators::ChannelSettings settings;
  settings.country = "RW";
  settings.verify = (choice & 1) != 0;
  settings.entities = (choice & 2) != 0;
  settings.url = crypto::wiped_copy("https://ishara.example");
  settings.token = crypto::wiped_copy("token");

  http::Request request;
  request.method = (choice & 4) != 0 ? http::Method::post : http::Method::get;
  request.target = crypto::wiped_copy(rest.substr(0, line));
  if (line != rest.npos) request.body = crypto::wiped_copy(rest.substr(line + 1));
  constexpr std::string_view types[] = {"application/x-www-form-urlencoded", "application/json",
                                        "text/plain; charset=UTF-16BE", "application/octet-stream",
                                        "text/xml"};
  request.fields.push_back(
      {"content-type", crypto::wiped_copy(types[(choice >> 3) % std::size(types)])});
  request.fields.push_back({"x-twilio-signature", crypto::wiped_copy("c2lnbmF0dXJl")});
  request.fields.push_back({"x-kannel-from", crypto::wiped_copy("+250788000001")});
  request.fields.push_back({"x-kannel-udh", crypto::wiped_copy(rest.substr(0, 12))});

  if (aggregators::rehearse(aggregator, request, kind, settings).empty()) std::abort();

  constexpr unsigned statuses[] = {200, 201, 202, 400, 403, 429, 500, 503};
  http::Response answer;
  answer.status = statuses[choice & 7];
  answer.fields.emplace_back("Retry-After", rest.substr(0, line));
  answer.body = rest;
  (void)aggregator.sent(answer);
  (void)aggregator.signed_in(answer);
  return 0;
}
