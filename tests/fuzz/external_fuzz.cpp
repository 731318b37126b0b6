// The provider `external`: the text up to the first NUL is a description of what is received, up to
// the second one of how one sends, and the rest the target, a line feed and the body of a request,
// whose bytes are the answer of the send API too.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "gateway/aggregators/external.hpp"
#include "gateway/aggregators/rehearsal.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  const auto next = [&rest](char end) {
    const auto part = rest.substr(0, rest.find(end));
    rest.remove_prefix(part.size() == rest.size() ? part.size() : part.size() + 1);
    return part;
  };
  const auto receiving = next('\0');
  const auto sending = next('\0');
  const auto target = next('\n');

  std::vector<config::Mistake> mistakes;
  aggregators::ChannelSettings settings;
  settings.country = "RW";
  settings.url = crypto::wiped_copy("https://ishara.example/in/external/secret");
  settings.secret = crypto::wiped_copy("secret");
  if (config::parse_description(receiving, "receiving.toml", settings, mistakes)) {
    const auto aggregator = aggregators::described(settings.external);
    for (const auto kind :
         {aggregators::Kind::sms, aggregators::Kind::dlr, aggregators::Kind::ussd}) {
      for (const bool verify : {false, true}) {
        http::Request request;
        request.method = rest.empty() ? http::Method::get : http::Method::post;
        request.target = crypto::wiped_copy(target);
        request.body = crypto::wiped_copy(rest);
        request.fields.push_back({"x-signature", crypto::wiped_copy(target)});
        settings.verify = verify;
        if (aggregators::rehearse(*aggregator, request, kind, settings).empty()) std::abort();
      }
    }
    // What it sends itself is never of a broken form.
    const aggregators::PhoneText sms{"+250788000001", "2020", "a b", "id1", {}};
    if (crypto::view(aggregator->call(sms, settings, false).target).front() != '/') std::abort();
    (void)aggregator->dial({aggregators::UssdStep::What::input, "+250788000001", "*1#", "s", {"1"}},
                           settings);
    http::Response answer = aggregator->acknowledge("a \"b\" <c>");
    (void)aggregator->reply_in(answer);
    answer.body = rest;
    (void)aggregator->screen_in(answer);
  }

  aggregators::SendingSettings described;
  if (config::parse_description(sending, "sending.toml", described, mistakes)) {
    const auto aggregator = aggregators::described(described.external);
    const auto number = identity::Msisdn::parse("+250788000001", "");
    const auto posting = aggregator->send(
        {*number, rest.substr(0, 160), std::chrono::seconds{60}, "id1"}, described);
    for (const auto& field : posting.request.fields)
      if (crypto::view(field.value).find_first_of("\r\n") != std::string_view::npos) std::abort();
    http::Response answer;
    answer.body = rest;
    (void)aggregator->sent(answer);
  }
  return 0;
}
