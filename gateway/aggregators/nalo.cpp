// Nalo Solutions, Ghana (channels.md 3.7). Its API sends texts and answers 200 with a code of its
// own, in JSON or as `code|number|id`; nothing is known of texts or reports that it would bring us.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

// Of a wrong login, a sender that is not ours or no credit dies every further text too.
Taken taken_by_code(std::string_view code) noexcept {
  if (code == "1701") return Taken::accepted;
  if (code == "1710") return Taken::later;
  for (const std::string_view ours : {"1703", "1707", "1709", "1025"})
    if (code == ours) return Taken::our_fault;
  for (const std::string_view never : {"1702", "1704", "1705", "1706", "1708"})
    if (code == never) return Taken::never;
  return Taken::unknown;
}

class Nalo final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "nalo"; }

  std::span<const Kind> kinds() const noexcept override { return {}; }

  Result<void> authentic(const http::Request&, const ChannelSettings&,
                         std::chrono::sys_seconds) const override {
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request&, Kind,
                                   const ChannelSettings&) const override {
    return Refusal{errc::wrong_method, "this aggregator brings no texts"};
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{')
        .member("key", crypto::view(settings.token))
        .member("msisdn", crypto::view(to))
        .member("message", message.text)
        .member("sender_id", settings.from)
        .close('}');
    return {settings.origin.empty() ? "https://sms.nalosolutions.com" : settings.origin,
            json_post("/smsbackend/Resl_Nalo/send-message/", std::move(json).take(), {})};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200) return out;
    const auto code = Json{answer.body}.text({"status"});
    const std::string_view words{answer.body};
    out.taken = taken_by_code(view_of(code).value_or(words.substr(0, words.find('|'))));
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    // That 1025 means that there is no credit stands at a sister product's.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"The token is Nalo's API key. It takes no validity."};
  }

  http::Request call(const PhoneText&, const ChannelSettings&, bool) const override { return {}; }
};

}  // namespace

std::unique_ptr<const Aggregator> make_nalo() { return std::make_unique<const Nalo>(); }

}  // namespace ishara::aggregators
