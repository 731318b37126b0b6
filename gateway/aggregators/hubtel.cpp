// Hubtel, Ghana (channels.md 3.5). Its API sends texts; nothing is known of texts or reports that
// it would bring us. Names in its answers come in any case.

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

// The member of this lower-case name, in whatever case it was written.
std::optional<crypto::WipedBuffer> member(const Json& json, std::string_view lower_case) {
  const auto same = [](char any, char lower) {
    return (any >= 'A' && any <= 'Z' ? any - 'A' + 'a' : any) == lower;
  };
  for (const auto& [name, value] : json.members())
    if (std::ranges::equal(name, lower_case, same)) return value.text();
  return std::nullopt;
}

// Beside a 400. A sender that is not ours or no credit keeps every further text back too.
Taken taken_by_code(std::string_view code) noexcept {
  return code == "2" || code == "12" ? Taken::our_fault : Taken::never;
}

class Hubtel final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "hubtel"; }

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
        .member("From", settings.from)
        .member("To", crypto::view(to))
        .member("Content", message.text)
        .close('}');
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.account), crypto::view(settings.password)));
    return {settings.origin.empty() ? "https://sms.hubtel.com" : settings.origin,
            json_post("/v1/messages/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    const auto code = member(Json{answer.body}, "status");
    if (!code) return out;
    if (answer.status == 400) out.taken = taken_by_code(crypto::view(*code));
    if (answer.status == 403) out.taken = Taken::never;  // this phone has not agreed to texts
    if ((answer.status == 200 || answer.status == 201) && crypto::view(*code) == "0")
      out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"account", "password", "from"};
    // How it wants a number written stands nowhere.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"The account is Hubtel's client id, the password its client secret. Hubtel sends only",
            "for addresses that it knows: name it those of the relay. It takes no validity."};
  }

  http::Request call(const PhoneText&, const ChannelSettings&, bool) const override { return {}; }
};

}  // namespace

std::unique_ptr<const Aggregator> make_hubtel() { return std::make_unique<const Hubtel>(); }

}  // namespace ishara::aggregators
