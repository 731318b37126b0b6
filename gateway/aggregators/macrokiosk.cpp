// Macrokiosk, Malaysia (channels.md 4.10). Its names vary between long and short codes, its clock
// is Kuala Lumpur's and written without anything between date and time, and its answer is "-1".

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "i18n/sms.hpp"

namespace ishara::aggregators {
namespace {

constexpr std::chrono::hours kuala_lumpur{8};  // and no summer time

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "PROCESSING") return Status::queued;
  if (word == "ACCEPTED") return Status::sent;
  if (word == "DELIVERED") return Status::delivered;
  if (word == "UNDELIVERED") return Status::failed;
  return std::nullopt;
}

// "2026-01-0211:04:05"
std::optional<std::chrono::sys_seconds> read_time(std::string_view text) {
  if (text.size() != 18) return std::nullopt;
  const auto apart = joined({text.substr(0, 10), "T", text.substr(10)});
  const auto at = read_utc(crypto::view(apart));
  return at ? std::optional{*at - kuala_lumpur} : std::nullopt;
}

class Macrokiosk final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "macrokiosk"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::post && request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by GET or POST only"};
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("msgid"), "field 'msgid' is missing", form->value("status"),
                           "field 'status' is missing", status_of_word);
    const auto msisdn = form->value("msisdn");
    auto from = read_full_sender(msisdn ? msisdn : form->value("from"), settings,
                                 "field 'msisdn' is missing", "field 'msisdn' is not a number");
    if (!from) return from.error();
    const auto text = form->value("text");
    if (!text) return Refusal{errc::missing_field, "field 'text' is missing"};
    const auto longcode = form->value("longcode");
    events.emplace_back(Message{
        std::move(*from), read_recipient(longcode ? longcode : form->value("shortcode")),
        read_text(*text, declared_charset(request), settings), read_id(form->value("msgId")),
        read_time(form->value("time").value_or("")), std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view>) const override {
    return {200, "text/plain", "-1", {}, false};
  }

  // It takes no validity, and does not find out itself what alphabet a text needs.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    const bool wide = i18n::measure(message.text).encoding == i18n::Encoding::ucs2;
    JsonWriter json;
    json.open('{')
        .member("user", crypto::view(settings.account))
        .member("pass", crypto::view(settings.password))
        .member("to", crypto::view(to))
        .member("text", message.text)
        .member("from", settings.from)
        .member("servid", crypto::view(settings.token))
        .member("type", wide ? "5" : "0")
        .close('}');
    std::vector<http::Field> fields;
    fields.push_back({"accept", crypto::wiped_copy("application/json")});
    return {settings.origin.empty() ? "https://www.etracker.cc" : settings.origin,
            json_post("/bulksms/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200) return out;
    out.id = read_id(view_of(Json{answer.body}.text({"msgid"})));
    if (!out.id.empty()) out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 4> to_send{"account", "password", "token",
                                                             "from"};
    // What its send API answers stands nowhere; the name of the id is that of its reports.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool by_get) const override {
    std::vector<std::string> out{
        "The token is Macrokiosk's service id (servid). It takes no validity."};
    if (!by_get) out.emplace_back("Ask it to call by POST: a GET has number and text in its URL.");
    return out;
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                     bool by_get) const override {
    auto at = utc_text(sms.at + kuala_lumpur);  // "2026-01-0211:04:05"
    at.erase(10, 1);
    at.pop_back();
    const std::vector<FormField> form{{"shortcode", sms.to},
                                      {"from", std::string_view{sms.from}.substr(1)},
                                      {"text", sms.text},
                                      {"msgId", sms.id},
                                      {"time", at}};
    const auto path = path_of(crypto::view(settings.url));
    return by_get ? form_get(path, form) : form_post(path, form, {});
  }

  bool is_success(const http::Response& answer) const override {
    return answer.status == 200 && answer.body == "-1";
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_macrokiosk() { return std::make_unique<const Macrokiosk>(); }

}  // namespace ishara::aggregators
