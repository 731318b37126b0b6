// Jasmin (channels.md 3.9), an SMPP gateway of one's own. It forwards the bytes of the air as they
// are, in hexadecimal too, and wants the words ACK/Jasmin back. It proves nothing. Its send API
// takes the validity in minutes and speaks lines of text.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/crypto/encoding.hpp"
#include "i18n/sms.hpp"

namespace ishara::aggregators {
namespace {

constexpr std::string_view taken_words = "ACK/Jasmin";

// SMPP 3.4, 5.2.19. What we do not know is read as what it looks like.
i18n::Charset charset_of(std::string_view coding, const ChannelSettings& settings) noexcept {
  // The default of an operator's server is GSM, unless somebody knows better.
  if (coding.empty() || coding == "0")
    return settings.charset == i18n::Charset::unspecified ? i18n::Charset::gsm : settings.charset;
  if (coding == "1" || coding == "3") return i18n::Charset::windows_1252;
  if (coding == "8") return i18n::Charset::utf16be;
  return i18n::Charset::unspecified;
}

// Level 1 is what the operator's server said, level 2 what became of the text.
std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "ESME_ROK" || word == "ACCEPTD") return Status::sent;
  if (word == "DELIVRD") return Status::delivered;
  if (word.starts_with("ESME_") || word == "UNDELIV" || word == "REJECTD" || word == "EXPIRED" ||
      word == "DELETED")
    return Status::failed;
  return std::nullopt;
}

class Jasmin final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "jasmin"; }

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
      return read_delivery(form->value("id"), "field 'id' is missing",
                           form->value("message_status"), "field 'message_status' is missing",
                           status_of_word);

    auto from = read_sender(form->value("from"), settings, "field 'from' is missing",
                            "field 'from' is not a number");
    if (!from) return from.error();
    // `content` has the same bytes, but some servers on the way have made UTF-8 of it.
    const auto binary = form->value("binary");
    const auto content = form->value("content");
    if (!binary && !content) return Refusal{errc::missing_field, "field 'binary' is missing"};
    auto bytes = binary ? crypto::from_hex_wiped(*binary) : crypto::wiped_copy(*content);
    if (!bytes) return Refusal{errc::bad_field, "field 'binary' is not hexadecimal"};
    const auto charset = charset_of(form->value("coding").value_or(""), settings);
    // Jasmin takes six octets of header off a joined text, and leaves the seventh of a longer one.
    if (charset == i18n::Charset::utf16be && bytes->size() % 2 != 0) bytes->erase(bytes->begin());
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("to")),
                                read_text(crypto::view(*bytes), charset, settings),
                                read_id(form->value("id")), std::nullopt, std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view>) const override {
    return {200, "text/plain", std::string{taken_words}, {}, false};
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    const auto minutes = std::to_string(message.validity / std::chrono::minutes{1});
    std::vector<FormField> form{{"username", crypto::view(settings.account)},
                                {"password", crypto::view(settings.password)},
                                {"to", crypto::view(to)},
                                {"from", settings.from},
                                {"validity-period", minutes}};
    crypto::WipedBuffer wide;
    if (i18n::measure(message.text).encoding == i18n::Encoding::ucs2) {
      wide = crypto::hex_wiped(crypto::bytes_of(crypto::view(utf16be(message.text))));
      form.push_back({"coding", "8"});
      form.push_back({"hex-content", crypto::view(wide)});
    } else {
      form.push_back({"content", message.text});
    }
    if (!settings.delivery_url.empty()) {
      form.push_back({"dlr", "yes"});
      form.push_back({"dlr-level", "2"});
      form.push_back({"dlr-method", "POST"});
      form.push_back({"dlr-url", crypto::view(settings.delivery_url)});
    }
    return {settings.origin, form_post("/send", form, {})};
  }

  // Success "id", or Error "why"; the latter has sent nothing.
  SendAnswer sent(const http::Response& answer) const override {
    const std::string_view words{answer.body};
    constexpr std::string_view success = "Success \"";
    if (answer.status == 200) {
      SendAnswer out;
      if (!words.starts_with(success)) return out;
      const auto id = words.substr(success.size());
      out.taken = Taken::accepted;
      out.id = read_id(id.substr(0, id.find('"')));
      return out;
    }
    auto out = by_status(answer);
    const bool refused = words.starts_with("Error \"");
    if (answer.status == 403 && words.find("throughput exceeded") != words.npos)
      out.taken = Taken::later;
    if (refused && answer.status >= 500) out.taken = Taken::later;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 4> to_send{"account", "password", "origin",
                                                             "from"};
    return {Proof::none, {}, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view webhook, bool by_get) const override {
    return {"In Jasmin's console, then a mtrouter rule that uses it:",
            "",
            "  httpccm -a",
            "  cid ishara",
            "  url " + std::string{webhook},
            std::string{"  method "} + (by_get ? "GET" : "POST"),
            "  ok",
            "",
            "It tries four times within two minutes and then drops a text: keep the gateway up.",
            "Its message log writes numbers and texts in clear: set log_level above INFO."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                     bool by_get) const override {
    const auto bytes = utf16be(sms.text);
    const auto binary = crypto::hex_wiped(crypto::bytes_of(crypto::view(bytes)));
    const std::vector<FormField> form{{"id", sms.id},
                                      {"from", sms.from},
                                      {"to", sms.to},
                                      {"origin-connector", "simulated"},
                                      {"coding", "8"},
                                      {"content", crypto::view(bytes)},
                                      {"binary", crypto::view(binary)},
                                      {"priority", "1"}};
    const auto path = path_of(crypto::view(settings.url));
    return by_get ? form_get(path, form) : form_post(path, form, {});
  }

  bool is_success(const http::Response& answer) const override {
    return answer.status < 400 && answer.body == taken_words;
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_jasmin() { return std::make_unique<const Jasmin>(); }

}  // namespace ishara::aggregators
