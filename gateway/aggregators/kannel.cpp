// Kannel (channels.md 3.8), which reaches any SMPP operator. Its sms-service fetches `get-url`,
// with the names that `ishara channel add` prints in a template, or posts the bare text to
// `post-url` with the rest in X-Kannel-* fields. It signs nothing. The body of a 200 becomes the
// reply; any status but 200 and 202 makes Kannel send a text of its own, so nothing else is ever a
// success. Its sendsms takes a GET, names no id, and counts the validity in minutes.

#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/user_data_header.hpp"
#include "i18n/sms.hpp"

namespace ishara::aggregators {
namespace {

// What Kannel says of the charset of a text. Its words for 7-bit and 8-bit texts name no charset:
// such texts have been made UTF-8 inside Kannel, or are in the operator's own alphabet.
i18n::Charset charset_of(std::string_view charset, std::string_view coding) noexcept {
  if (charset != "GSM" && charset != "8-BIT" && charset != "binary") {
    const auto known = i18n::charset_from_name(charset);
    if (known && *known != i18n::Charset::unspecified) return *known;
  }
  return coding == "2" ? i18n::Charset::utf16be : i18n::Charset::unspecified;
}

class Kannel final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "kannel"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  bool answers_in_response() const noexcept override { return true; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    const bool posted = request.method == http::Method::post;
    if (!posted && request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by GET or POST only"};
    if (is_ping(request) && !request.field("x-kannel-from")) return std::vector<Event>{};
    // A posted text has a content type of its own; without one, or with that of a form, the body
    // has the same fields as the query.
    if (posted && kind == Kind::sms && request.field("content-type") && !http::is_form(request))
      return parse_posted(request, settings);

    const auto form = read_fields(request, true);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("id"), "field 'id' is missing", form->value("status"),
                           "field 'status' is missing", status_of_kannel);
    const auto text = form->value("text");
    if (!text) {
      if (!form->value("from")) return Refusal{errc::missing_field, "field 'from' is missing"};
      return Refusal{errc::missing_field, "field 'text' is missing"};
    }
    const auto charset =
        charset_of(form->value("charset").value_or(""), form->value("coding").value_or(""));
    const auto header = form->value("udh").value_or("");
    return message(form->value("from"), form->value("to"),
                   read_text(*text, charset, settings, tables_in(header)), form->value("id"),
                   read_unix(form->value("ts").value_or("")), part_in(header), settings);
  }

  http::Response acknowledge(std::optional<std::string_view> reply) const override {
    if (!reply || reply->empty()) return {200, "text/plain", "", {}, false};
    http::Response response{200, "text/plain; charset=UTF-8", std::string{*reply}, {}, false};
    // Without this Kannel squeezes every reply into GSM-7 and loses what does not fit.
    if (i18n::measure(*reply).encoding == i18n::Encoding::ucs2)
      response.fields.emplace_back("X-Kannel-Coding", "2");
    return response;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    const auto minutes = std::to_string(message.validity / std::chrono::minutes{1});
    std::vector<FormField> form{{"username", crypto::view(settings.account)},
                                {"password", crypto::view(settings.password)},
                                {"from", settings.from},
                                {"to", crypto::view(to)},
                                {"validity", minutes}};
    // No charset: builds without iconv refuse any beside coding 2.
    crypto::WipedBuffer wide;
    if (i18n::measure(message.text).encoding == i18n::Encoding::ucs2) {
      wide = utf16be(message.text);
      form.push_back({"coding", "2"});
      form.push_back({"text", crypto::view(wide)});
    } else {
      form.push_back({"text", message.text});
    }
    const auto delivery = delivery_url(message, settings, "status=%d");
    if (!delivery.empty()) {
      form.push_back({"dlr-mask", "27"});
      form.push_back({"dlr-url", crypto::view(delivery)});
    }
    Posting out;
    out.origin = settings.origin;
    out.request.method = http::Method::get;
    out.request.target = crypto::wiped_copy("/cgi-bin/sendsms?");
    const auto query = write_form(form);
    out.request.target.insert(out.request.target.end(), query.begin(), query.end());
    return out;
  }

  // 403 means two things; only its words tell a number that no route takes from a wrong password.
  SendAnswer sent(const http::Response& answer) const override {
    const std::string_view words{answer.body};
    SendAnswer out;
    switch (answer.status) {
      case 200:
      case 202:
        if (words.starts_with("0:") || words.starts_with("3:") || words.starts_with("Sent."))
          out.taken = Taken::accepted;
        return out;
      case 403:
        out.taken = words.starts_with("Not routable") ? Taken::never : Taken::our_fault;
        return out;
      case 500:
        if (words.starts_with("Sending failed.")) out.taken = Taken::later;
        return out;
      case 503:
        if (words.starts_with("Temporal failure")) out.taken = Taken::later;
        return out;
      default:
        return by_status(answer);
    }
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 4> to_send{"account", "password", "origin",
                                                             "from"};
    return {.to_receive = {}, .to_send = to_send, .reports_by_get = true};
  }

  // Nothing of Kannel's own may reach a phone, so every text that it would make up is empty.
  std::vector<std::string> instructions(std::string_view webhook, bool by_get) const override {
    std::vector<std::string> out{"In Kannel's configuration:", "", "  group = sms-service",
                                 "  keyword = default", "  catch-all = true", "  max-messages = 1",
                                 "  omit-empty = true",
                                 // Else answers in other letters arrive as nonsense.
                                 "  accept-x-kannel-headers = true"};
    const std::string url{webhook};
    if (by_get) {
      out.push_back("  get-url = \"" + url +
                    "?id=%I&from=%p&to=%P&ts=%T&coding=%c&charset=%C&udh=%u&smsc=%i&text=%b\"");
    } else {
      out.push_back("  post-url = \"" + url + "?id=%I\"");
      out.emplace_back("  send-sender = true");
    }
    // Without retries, which are its default, a text is gone as soon as we answer 503. They end
    // after a week, since Kannel offers a text again that we have refused for good, too.
    for (const auto* line :
         {"", "In its group smsbox, so that no text of Kannel's own reaches a phone, and so",
          "that a text which the gateway cannot take just now is offered again every 10",
          "seconds, 60480 times, which is a week (by default Kannel drops it at once):", "",
          "  reply-couldnotfetch = \"\"", "  reply-requestfailed = \"\"",
          "  reply-couldnotrepresent = \"\"", "  http-request-retry = 60480",
          "  http-queue-delay = 10", "",
          // We store parts that nobody joined as reports of their own.
          "In its group core, so that a long text arrives as one report and not as one",
          "for each of its parts:", "", "  sms-combine-concatenated-mo = true", "",
          "Kannel's access log writes numbers and texts in clear: set no access-log, in smsbox",
          "and in bearerbox."})
      out.emplace_back(line);
    return out;
  }

  // As Kannel hands a text on without mo-recode: UTF-16BE where GSM-7 did not do on the air.
  http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                     bool by_get) const override {
    const bool wide = i18n::measure(sms.text).encoding == i18n::Encoding::ucs2;
    const std::string_view charset = wide ? "UTF-16BE" : "UTF-8";
    const std::string_view coding = wide ? "2" : "0";
    const auto text = wide ? utf16be(sms.text) : crypto::wiped_copy(sms.text);
    const auto path = path_of(crypto::view(settings.url));
    if (by_get) {
      const auto seconds = std::to_string(sms.at.time_since_epoch().count());
      const std::vector<FormField> form{
          {"id", sms.id},  {"from", sms.from},    {"to", sms.to},
          {"ts", seconds}, {"coding", coding},    {"charset", charset},
          {"udh", ""},     {"smsc", "simulated"}, {"text", crypto::view(text)}};
      return form_get(path, form);
    }
    http::Request request;
    request.method = http::Method::post;
    request.target = joined({path, "?id=", sms.id});
    request.body = crypto::wiped_copy(crypto::view(text));
    auto at = utc_text(sms.at);  // "2026-01-02 03:04:05"
    at[10] = ' ';
    at.pop_back();
    for (const auto& [name, value] :
         {std::pair<const char*, std::string_view>{"x-kannel-from", sms.from},
          {"x-kannel-to", sms.to},
          {"x-kannel-time", at},
          {"x-kannel-coding", coding}})
      request.fields.push_back({name, crypto::wiped_copy(value)});
    request.fields.push_back({"content-type", joined({"text/plain; charset=\"", charset, "\""})});
    return request;
  }

  // Any other status makes Kannel send a text of its own.
  bool is_success(const http::Response& answer) const override {
    return answer.status == 200 || answer.status == 202;
  }

  std::optional<std::string> reply_in(const http::Response& answer) const override {
    if (answer.body.empty()) return std::nullopt;
    return answer.body;
  }

 private:
  static Result<std::vector<Event>> message(std::optional<std::string_view> from,
                                            std::optional<std::string_view> to, identity::Text text,
                                            std::optional<std::string_view> id,
                                            std::optional<std::chrono::sys_seconds> at,
                                            std::optional<Part> part,
                                            const ChannelSettings& settings) {
    auto sender =
        read_sender(from, settings, "field 'from' is missing", "field 'from' is not a number");
    if (!sender) return sender.error();
    std::vector<Event> events;
    events.emplace_back(
        Message{std::move(*sender), read_recipient(to), std::move(text), read_id(id), at, part});
    return events;
  }

  // `post-url`: the body is the text. The URL may carry %-escapes too, so fields that X-Kannel-*
  // lacks (the id) may stand in the query.
  static Result<std::vector<Event>> parse_posted(const http::Request& request,
                                                 const ChannelSettings& settings) {
    if (request.body.size() > max_body)
      return Refusal{errc::too_large, "the body is larger than 64 KiB"};
    const auto type = http::media_type(request);
    if (type.name != "text/plain" && type.name != "application/octet-stream")
      return Refusal{errc::wrong_content_type, "the body is neither a form nor a text"};
    const auto query = http::Form::parse(request.query());
    if (!query) return Refusal{errc::malformed, "the query has too many fields"};
    const auto either = [&](std::string_view field, std::string_view in_query) {
      const auto value = request.field(field);
      return value ? value : query->value(in_query);
    };

    const auto from = either("x-kannel-from", "from");
    if (!from)
      return Refusal{errc::missing_field,
                     "field 'X-Kannel-From' is missing; set send-sender = true in the sms-service"};
    const auto charset = charset_of(type.charset, either("x-kannel-coding", "coding").value_or(""));
    const auto header = http::form_decode(request.field("x-kannel-udh").value_or(""));
    return message(
        from, either("x-kannel-to", "to"),
        read_text(crypto::view(request.body), charset, settings, tables_in(crypto::view(header))),
        query->value("id"), read_utc(request.field("x-kannel-time").value_or("")),
        part_in(crypto::view(header)), settings);
  }

  // The id is ours: the relay puts it into dlr-url, with status=%d.
};

}  // namespace

std::unique_ptr<const Aggregator> make_kannel() { return std::make_unique<const Kannel>(); }

}  // namespace ishara::aggregators
