// Dart Media, Indonesia (channels.md 4.10). It brings texts by GET and takes only its own word for
// success. What its send API takes is not known, so it only receives.

#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

class Dart final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "dart"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by GET only"};
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    auto from = read_full_sender(form->value("original"), settings, "field 'original' is missing",
                                 "field 'original' is not a number");
    if (!from) return from.error();
    const auto text = form->value("message");
    if (!text) return Refusal{errc::missing_field, "field 'message' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("sendto")),
                                read_text(*text, declared_charset(request), settings),
                                read_id(form->value("messageid")), std::nullopt, std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view>) const override {
    return {200, "text/plain", "000", {}, false};
  }

  Profile profile() const noexcept override { return {Proof::none, {}, {}, true, false, true}; }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "Dart Media calls by GET, so number and text stand in URLs: keep no access log in front",
        "of the gateway."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const std::vector<FormField> form{{"message", sms.text},
                                      {"original", std::string_view{sms.from}.substr(1)},
                                      {"sendto", sms.to},
                                      {"messageid", sms.id}};
    return form_get(path_of(crypto::view(settings.url)), form);
  }

  bool is_success(const http::Response& answer) const override {
    return answer.status == 200 && answer.body == "000";
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_dart() { return std::make_unique<const Dart>(); }

}  // namespace ishara::aggregators
