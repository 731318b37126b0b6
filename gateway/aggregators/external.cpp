// The provider `external`: an aggregator that has no source here, by the description in its
// channel's own files (channels.md 5, ops/external.md). Without one it speaks as most gateways do:
// a form with from, to, text and id, and dialogues as Africa's Talking has them.

#include "gateway/aggregators/external.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/aggregators/dialogue.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/filled.hpp"
#include "gateway/aggregators/proof.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::aggregators {
namespace {

using config::External;
using Sending = config::ExternalSending;

std::string_view word(const std::optional<crypto::WipedBuffer>& text) noexcept {
  return view_of(text).value_or("");
}

std::string_view without_prefix(std::string_view text, std::string_view prefix) noexcept {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

std::optional<std::string_view> number_in(const std::optional<crypto::WipedBuffer>& field,
                                          const External& description) noexcept {
  if (!field) return std::nullopt;
  return without_prefix(crypto::view(*field), description.number_prefix);
}

class ExternalProvider final : public Aggregator {
 public:
  ExternalProvider(std::shared_ptr<const External> receiving,
                   std::shared_ptr<const Sending> sending)
      : description_{std::move(receiving)}, sending_{std::move(sending)} {}

  std::string_view name() const noexcept override { return "external"; }

  std::span<const Kind> kinds() const noexcept override { return texts_reports_and_dialogues; }

  bool answers_in_response() const noexcept override { return !description_->reply.empty(); }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds now) const override {
    if (!settings.verify || !description_->proves()) return boost::system::in_place_value;
    const auto said = Described::whole(request, description_->content);
    if (!said) return said.error();
    if (!description_->secret.empty()) {
      const auto sent = said->at(description_->secret);
      const auto secret = word(sent);
      if (!secret.starts_with(description_->secret_prefix)) return wrong();
      const auto checked = has_secret(secret.substr(description_->secret_prefix.size()), settings);
      if (!checked) return checked.error();
    }
    if (!description_->account.empty() &&
        (settings.account.empty() || word(said->at(description_->account)) != settings.account))
      return wrong();
    if (description_->basic_login) {
      const auto expected = basic_login(settings.account, crypto::view(settings.secret));
      if (settings.secret.empty() ||
          !crypto::equal(crypto::bytes_of(crypto::view(expected.value)),
                         crypto::bytes_of(request.field("authorization").value_or(""))))
        return wrong();
    }
    if (!description_->hmac.empty() && !is_signed(request, *said, settings, now)) return wrong();
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto said = Described::whole(request, description_->content);
    if (!said) return said.error();
    if (kind == Kind::ussd) return step(*said, settings);
    const auto declared = description_->content == config::Content::form ? declared_charset(request)
                                                                         : i18n::Charset{};
    return read_batch(said->entries(*description_), [&](const Described& entry) {
      return event(entry, kind, declared, settings);
    });
  }

  http::Response acknowledge(std::optional<std::string_view> reply) const override {
    http::Response out{
        description_->answer_status, description_->answer_type, description_->answer, {}, false};
    if (!reply || reply->empty() || description_->reply.empty()) return out;
    const auto body =
        filled(description_->reply, [&](std::string_view) { return crypto::wiped_copy(*reply); });
    out.body = crypto::view(body);
    return out;
  }

  ScreenLimit screen_limit() const noexcept override {
    return {description_->screen_septets, description_->screen_units};
  }

  http::Response show(const Screen& screen, std::string_view echo) const override {
    const auto value = [&](std::string_view gap) {
      return gap == "text" ? crypto::wiped_copy(screen.text) : echoed(gap, echo, *description_);
    };
    const auto body =
        filled(screen.end ? description_->screen_end : description_->screen_continue, value);
    http::Response out{200, description_->screen_type, std::string{crypto::view(body)}, {}, false};
    for (const auto& line : screen.end ? description_->end_headers : description_->continue_headers)
      out.fields.emplace_back(line.name, crypto::view(filled(line.value, value)));
    return out;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    return send_described(*sending_, message, settings);
  }

  SendAnswer sent(const http::Response& answer) const override {
    return sent_described(*sending_, answer);
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 1> to_send{"origin"}, secret{"secret"};
    if (!description_->proves()) return {Proof::none, {}, to_send};
    return {description_->hmac.empty() ? Proof::secret : Proof::signature, secret, to_send};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Describe the aggregator in channels/<name>.toml, and in sending/<name>.toml how one",
            "sends through it: ops/external.md tells how, and ops/external/ has examples that",
            "--description and --sending-description take. Try it with a request of the",
            "aggregator's: ishara channel parse --provider external --description FILE."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                     bool by_get) const override {
    return call_described(*description_, sms, settings, by_get);
  }

  bool is_success(const http::Response& answer) const override {
    return answer.status == description_->answer_status || answer.status == 200;
  }

  std::optional<std::string> reply_in(const http::Response& answer) const override {
    auto text = unfilled(description_->reply, answer.body);
    if (text && text->empty()) text.reset();
    return text;
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    return dial_described(*description_, step, settings);
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    for (const bool end : {true, false}) {
      const auto& lines = end ? description_->end_headers : description_->continue_headers;
      const bool has_lines = std::ranges::all_of(lines, [&answer](const config::HeaderLine& line) {
        return std::ranges::any_of(answer.fields, [&line](const auto& field) {
          return field.first == line.name &&
                 (unfilled(line.value, field.second) || has_same_words(line.value, field.second));
        });
      });
      auto text =
          unfilled(end ? description_->screen_end : description_->screen_continue, answer.body);
      if (has_lines && text) return ShownScreen{std::move(*text), end};
    }
    return std::nullopt;
  }

 private:
  static Refusal wrong() {
    return {errc::wrong_signature, "the proof that is described is missing or wrong"};
  }

  // A line without a gap for the text.
  static bool has_same_words(const config::Template& line, std::string_view value) {
    return line.pieces().size() == 1 && line.pieces()[0].text == value;
  }

  bool is_signed(const http::Request& request, const Described& said,
                 const ChannelSettings& settings, std::chrono::sys_seconds now) const {
    const auto expected = signature_over(request, *description_, settings);
    const auto sent = said.at(*description_->hmac_place);
    const auto text = word(sent);
    if (expected.empty() || !text.starts_with(description_->hmac_prefix)) return false;
    const auto encoded = text.substr(description_->hmac_prefix.size());
    const auto bytes = description_->hmac_encoding == External::SignatureEncoding::hex
                           ? crypto::from_hex(encoded)
                           : crypto::from_base64(encoded);
    if (!bytes || !crypto::equal(*bytes, expected)) return false;
    if (!description_->hmac_time) return true;
    const auto when = said.at(*description_->hmac_time);
    auto at = read_unix(word(when));
    if (!at) at = read_unix_milliseconds(word(when));
    if (!at) at = read_iso8601(word(when));
    return at && *at <= now + description_->hmac_max_age && *at >= now - description_->hmac_max_age;
  }

  Result<identity::Sender> sender(const std::optional<crypto::WipedBuffer>& field,
                                  const ChannelSettings& settings) const {
    constexpr Literal missing{"the field that from_field names is missing"};
    constexpr Literal bad{"the field that from_field names is not a number"};
    const auto number = number_in(field, *description_);
    return description_->full_numbers ? read_full_sender(number, settings, missing, bad)
                                      : read_sender(number, settings, missing, bad);
  }

  Result<std::optional<Event>> event(const Described& entry, Kind kind, i18n::Charset declared,
                                     const ChannelSettings& settings) const {
    const auto text = entry.at(description_->text);
    const auto status = entry.at(description_->delivery_status);
    const bool tells_of_delivery = description_->delivery_if.empty()
                                       ? !text && status
                                       : entry.holds(description_->delivery_if);
    if (kind == Kind::dlr || tells_of_delivery) return delivery(entry, status);
    if (!description_->message_if.empty() && !entry.holds(description_->message_if))
      return std::optional<Event>{};
    auto from = sender(entry.at(description_->from), settings);
    if (!from) return from.error();
    if (!text) return Refusal{errc::missing_field, "the field that text_field names is missing"};
    auto id = read_id(view_of(entry.at(description_->id)));
    const auto part = part_in(entry, *description_);
    // Whether the parts of a text share their id is not told.
    if (part && !id.empty()) id = joined({crypto::view(id), "/", std::to_string(part->number)});
    return std::optional<Event>{Message{
        std::move(*from), read_recipient(number_in(entry.at(description_->to), *description_)),
        text_in(entry, crypto::view(*text), declared, *description_, settings), std::move(id),
        time_in(word(entry.at(description_->time)), *description_), part}};
  }

  Result<std::optional<Event>> delivery(const Described& entry,
                                        const std::optional<crypto::WipedBuffer>& status) const {
    auto id = read_id(view_of(entry.at(description_->delivery_id)));
    if (id.empty())
      return Refusal{errc::missing_field, "the field that delivery_id_field names is missing"};
    if (!status)
      return Refusal{errc::missing_field, "the field that delivery_status_field names is missing"};
    const auto known = status_in(crypto::view(*status), *description_);
    if (!known) return std::optional<Event>{};
    return std::optional<Event>{Delivery{std::move(id), *known}};
  }

  Result<std::vector<Event>> step(const Described& said, const ChannelSettings& settings) const {
    using What = UssdStep::What;
    const auto typed = said.at(description_->input);
    auto input = word(typed);
    if (const std::string_view prefix = description_->input_prefix; input.starts_with(prefix)) {
      const auto rest = input.substr(prefix.size());
      if (rest.empty() || rest.starts_with(description_->input_separator))
        input = rest.substr(rest.empty() || prefix.empty() ? 0 : 1);
    }
    const bool closes = said.holds(description_->close_if);
    const bool begins =
        !closes && (description_->begin_if.empty() ? typed && input.empty()
                                                   : said.holds(description_->begin_if));
    const auto from = said.at(description_->from);
    const auto session = said.at(description_->session);
    auto out = read_step(closes   ? What::close
                         : begins ? What::begin
                                  : What::input,
                         view_of(session), number_in(from, *description_),
                         description_->full_numbers, settings,
                         {"the field that session_field names is missing",
                          "the field that from_field names is missing",
                          "the field that from_field names is not a number"});
    if (!out) return out.error();
    out->code = read_recipient(view_of(said.at(description_->code)));
    if (closes) return only_step(std::move(*out));
    if (!typed && !begins)
      return Refusal{errc::missing_field, "the field that input_field names is missing"};
    out->accumulated = description_->input_is_whole;
    crypto::WipedBuffer whole;
    if (out->accumulated && description_->input_separator != "*") {
      whole = crypto::wiped_copy(input);
      std::ranges::replace(whole, description_->input_separator.front(), '*');
      input = crypto::view(whole);
    }
    // The first step of the others tells what was dialled.
    if (begins && !out->accumulated) {
      if (out->code.empty()) out->code = read_recipient(input);
      input = dialled_behind(crypto::view(out->code), input);
    }
    out->input = text_in(said, input, i18n::Charset::unspecified, *description_, settings);
    out->echo = echo_of(said, *description_);
    return only_step(std::move(*out));
  }

  std::shared_ptr<const External> description_;
  std::shared_ptr<const Sending> sending_;
};

const std::shared_ptr<const External>& any_receiving() {
  static const auto all_defaults = std::make_shared<const External>();
  return all_defaults;
}

const std::shared_ptr<const Sending>& any_sending() {
  static const auto all_defaults = std::make_shared<const Sending>();
  return all_defaults;
}

}  // namespace

std::shared_ptr<const Aggregator> described(std::shared_ptr<const External> receiving) {
  return std::make_shared<const ExternalProvider>(std::move(receiving), any_sending());
}

std::shared_ptr<const Aggregator> described(std::shared_ptr<const Sending> sending) {
  return std::make_shared<const ExternalProvider>(any_receiving(), std::move(sending));
}

std::unique_ptr<const Aggregator> make_external() {
  return std::make_unique<const ExternalProvider>(any_receiving(), any_sending());
}

}  // namespace ishara::aggregators
