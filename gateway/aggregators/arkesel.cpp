// Arkesel, Ghana (channels.md 3.6). Its API sends texts; nothing sure is known of texts or reports
// that it would bring us.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

class Arkesel final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "arkesel"; }

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
    json.open('{').member("sender", settings.from).member("message", message.text);
    json.name("recipients").open('[').text(crypto::view(to)).close(']').close('}');
    std::vector<http::Field> fields;
    fields.push_back({"api-key", settings.token});
    return {settings.origin.empty() ? "https://sms.arkesel.com" : settings.origin,
            json_post("/api/v2/sms/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200 && answer.status != 201) return out;
    const auto word = Json{answer.body}.text({"status"});
    if (view_of(word) == "success") out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    // What it answers beside `success` stands nowhere.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"The token is Arkesel's API key. It takes no validity."};
  }

  http::Request call(const PhoneText&, const ChannelSettings&, bool) const override { return {}; }
};

}  // namespace

std::unique_ptr<const Aggregator> make_arkesel() { return std::make_unique<const Arkesel>(); }

}  // namespace ishara::aggregators
