// Africa's Talking (channels.md 3.1). It signs nothing: the secret in the URL stands alone. The
// body of our answer is ignored, so replies go out through its send API.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "Sent" || word == "Submitted" || word == "Buffered") return Status::sent;
  if (word == "Success") return Status::delivered;
  if (word == "Rejected" || word == "Failed" || word == "Expired") return Status::failed;
  return std::nullopt;
}

class AfricasTalking final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "africastalking"; }

  std::span<const Kind> kinds() const noexcept override {
    static constexpr std::array all{Kind::sms, Kind::dlr};
    return all;
  }

  bool answers_in_response() const noexcept override { return false; }

  Result<void> authentic(const http::Request&, const ChannelSettings&) const override {
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::post)
      return Refusal{errc::wrong_method, "this aggregator sends by POST only"};
    const auto form = read_fields(request, true);
    if (!form) return form.error();

    if (kind == Kind::dlr) {
      auto id = read_id(form->value("id"));
      if (id.empty()) return Refusal{errc::missing_field, "field 'id' is missing"};
      const auto word = form->value("status");
      if (!word) return Refusal{errc::missing_field, "field 'status' is missing"};
      if (const auto status = status_of_word(*word))
        events.emplace_back(Delivery{std::move(id), *status});
      return events;
    }

    auto from = read_sender(form->value("from"), settings, "field 'from' is missing",
                            "field 'from' is not a number");
    if (!from) return from.error();
    const auto text = form->value("text");
    if (!text) return Refusal{errc::missing_field, "field 'text' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("to")),
                                read_text(*text, declared_charset(request), settings),
                                read_id(form->value("id")),
                                read_utc(form->value("date").value_or("")), std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view>) const override {
    return {200, "text/plain", "", {}, false};
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_africastalking() {
  return std::make_unique<const AfricasTalking>();
}

}  // namespace ishara::aggregators
