// DMark, Uganda (channels.md 4.9). It brings texts as forms, without an id; its delivery reports
// have Kannel's values, in a URL that we give it with each text.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

class DMark final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "dmark"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<void> authentic(const http::Request&, const ChannelSettings&,
                         std::chrono::sys_seconds) const override {
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("id"), "field 'id' is missing", form->value("status"),
                           "field 'status' is missing", status_of_kannel);
    if (request.method != http::Method::post)
      return Refusal{errc::wrong_method, "this aggregator sends by POST only"};

    auto from = read_sender(form->value("msisdn"), settings, "field 'msisdn' is missing",
                            "field 'msisdn' is not a number");
    if (!from) return from.error();
    const auto text = form->value("text");
    if (!text) return Refusal{errc::missing_field, "field 'text' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("short_code")),
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{},
                                read_iso8601(form->value("tstamp").value_or("")), std::nullopt});
    return events;
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    std::vector<FormField> form{
        {"sender", settings.from}, {"receiver", crypto::view(to)}, {"text", message.text}};
    const auto delivery = delivery_url(message, settings, "status=%s");
    if (!delivery.empty()) form.push_back({"dlr_url", crypto::view(delivery)});
    std::vector<http::Field> fields;
    fields.push_back({"authorization", joined({"Token ", crypto::view(settings.token)})});
    return {settings.origin.empty() ? "https://smsapi1.dmarkmobile.com" : settings.origin,
            form_post("/sms/", form, std::move(fields))};
  }

  // Reports name the text by our id, so that of the provider is not kept.
  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200 && answer.status != 201) return out;
    const auto id = Json{answer.body}.text({"sms_id"});
    if (!read_id(view_of(id)).empty()) out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    // How it wants a number written stands nowhere, nor by which method reports come.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"If you want delivery reports and they come by GET, the channel needs --allow-get.",
            "DMark takes no validity."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    auto at = utc_text(sms.at);  // with a fraction and an offset
    at.replace(at.size() - 1, 1, ".000000+00:00");
    const std::vector<FormField> form{
        {"msisdn", sms.from}, {"text", sms.text}, {"short_code", sms.to}, {"tstamp", at}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_dmark() { return std::make_unique<const DMark>(); }

}  // namespace ishara::aggregators
