// Infobip (channels.md 3.4). Texts and reports come in batches of JSON, of which one bad element
// must not hold up the others. How it signs is not public, so its subscription is set to Basic
// logins if the channel has a secret. Its send API knows a text by the id that we give it.
//
// Dialogues come through its older gateway for operators, known from one open source only: session
// and method stand in the path, behind our URL: .../session/<id>/start, response or end. The method
// `status`, a question that nobody needs, is not offered.

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/dialogue.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

std::string_view word(const std::optional<crypto::WipedBuffer>& text) noexcept {
  return view_of(text).value_or("");
}

// The groups of its statuses; the third says of some only that the operator has them.
std::optional<Status> status_of(const Json& status) {
  const auto group = status.text({"groupId"});
  const auto id = status.text({"id"});
  if (word(group) == "0" || word(group) == "1") return Status::sent;
  if (word(group) == "3") return word(id) == "2" ? Status::sent : Status::delivered;
  if (word(group) == "2" || word(group) == "4" || word(group) == "5") return Status::failed;
  return std::nullopt;
}

Taken taken_by(const Json& status) {
  const auto said = status_of(status);
  if (!said) return Taken::unknown;
  if (*said != Status::failed) return Taken::accepted;
  const auto id = status.text({"id"});
  if (word(id) == "23") return Taken::accepted;  // it has this id already
  if (word(id) == "21") return Taken::later;
  for (const std::string_view ours : {"11", "12", "13", "17", "18"})  // sender, credit, package
    if (word(id) == ours) return Taken::our_fault;
  return Taken::never;
}

// A text with a picture has its words in a part of its own.
std::optional<crypto::WipedBuffer> text_of(const Json& result) {
  if (auto text = result.text({"text"})) return text;
  for (const auto& part : result.at({"message"}).entries())
    if (word(part.text({"contentType"})).starts_with("text/plain")) return part.text({"value"});
  return std::nullopt;
}

class Infobip final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "infobip"; }

  std::span<const Kind> kinds() const noexcept override { return texts_reports_and_dialogues; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds) const override {
    // Reports come without the login of the subscription.
    if (!settings.verify || settings.secret.empty() || request.path().ends_with("/dlr"))
      return boost::system::in_place_value;
    const auto expected = basic_login(settings.account, crypto::view(settings.secret));
    const auto sent = request.field("authorization").value_or("");
    if (!crypto::equal(crypto::bytes_of(crypto::view(expected.value)), crypto::bytes_of(sent)))
      return Refusal{errc::wrong_signature, "the login is missing or wrong"};
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    const bool has_session = request.path().find("/session/") != std::string_view::npos;
    if (is_ping(request) && !has_session) return events;
    if (kind == Kind::ussd) return step(request, settings);
    const auto json = posted_json(request);
    if (!json) return json.error();
    if (!json->at({"results"})) return Refusal{errc::missing_field, "field 'results' is missing"};
    return read_batch(json->at({"results"}).entries(), [&](const Json& result) {
      return kind == Kind::dlr ? delivery(result) : message(result, settings);
    });
  }

  bool adds_to_path(Kind kind) const noexcept override { return kind == Kind::ussd; }

  http::Response show(const Screen& screen, std::string_view) const override {
    JsonWriter json;
    json.open('{').name("shouldClose").truth(screen.end);
    json.member("ussdMenu", screen.text).name("responseExitCode").number(200);
    return json_answer(std::move(json.member("responseMessage", "").close('}')).take());
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{').name("messages").open('[').open('{').member("sender", settings.from);
    json.name("destinations").open('[').open('{').member("to", crypto::view(to));
    if (!message.delivery_id.empty()) json.member("messageId", message.delivery_id);
    json.close('}').close(']');
    json.name("content").open('{').member("text", message.text).close('}');
    if (!settings.delivery_url.empty())
      json.name("webhooks")
          .open('{')
          .name("delivery")
          .open('{')
          .member("url", crypto::view(settings.delivery_url))
          .close('}')
          .member("contentType", "application/json")
          .close('}');
    json.close('}').close(']').close('}');
    std::vector<http::Field> fields;
    fields.push_back({"authorization", joined({"App ", crypto::view(settings.token)})});
    fields.push_back({"accept", crypto::wiped_copy("application/json")});
    return {settings.origin.empty() ? "https://api.infobip.com" : settings.origin,
            json_post("/sms/3/messages", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    if (answer.status != 200) return by_status(answer);
    const auto message = Json{answer.body}.at({"messages", Json::only});
    SendAnswer out;
    out.taken = taken_by(message.at({"status"}));
    if (out.taken == Taken::accepted) out.id = read_id(view_of(message.text({"messageId"})));
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    Profile profile{Proof::none, {}, to_send};
    profile.dialogues_confirmed = false;
    return profile;
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Infobip subscribe this URL to inbound messages, as JSON. Its base URL for sending is",
        "your account's own: give it with --send-origin. With --account and --secret-file the",
        "gateway wants the same login in every request: set Basic in the subscription."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    auto at = utc_text(sms.at);  // with the offset that strict parsers do not take
    at.replace(at.size() - 1, 1, ".000+0000");
    JsonWriter json;
    json.open('{').name("results").open('[').open('{');
    json.member("messageId", sms.id)
        .member("from", std::string_view{sms.from}.substr(1))
        .member("to", sms.to)
        .member("text", sms.text)
        .member("cleanText", sms.text)
        .member("keyword", "")
        .member("receivedAt", at)
        .name("smsCount")
        .number(1);
    json.close('}').close(']');
    json.name("messageCount").number(1).name("pendingMessageCount").number(0).close('}');
    std::vector<http::Field> fields;
    if (!settings.secret.empty())
      fields.push_back(basic_login(settings.account, crypto::view(settings.secret)));
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(),
                     std::move(fields));
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    const bool ends = step.what == UssdStep::What::close;
    const bool begins = step.what == UssdStep::What::begin;
    JsonWriter json;
    json.open('{');
    if (ends) {
      json.name("exitCode").number(510).member("reason", "user abort");
    } else {
      json.member("msisdn", std::string_view{step.from}.substr(1))
          .member("imsi", "999990000000001");
      json.member("shortCode", step.code).member("text", begins ? step.code : step.inputs.back());
      json.member("language", "").member("ussdGwId", "1");
    }
    const auto path = joined({path_of(crypto::view(settings.url)), "/session/", step.session,
                              ends     ? "/end"
                              : begins ? "/start"
                                       : "/response"});
    std::vector<http::Field> fields;
    if (!settings.secret.empty())
      fields.push_back(basic_login(settings.account, crypto::view(settings.secret)));
    auto request =
        json_post(crypto::view(path), std::move(json.close('}')).take(), std::move(fields));
    if (ends) request.method = http::Method::put;
    return request;
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    const auto menu = text_in(answer, {"ussdMenu"});
    const auto closes = text_in(answer, {"shouldClose"});
    if (!menu || !closes || text_in(answer, {"responseExitCode"}) != "200") return std::nullopt;
    return ShownScreen{*menu, *closes == "true"};
  }

 private:
  static Result<std::vector<Event>> step(const http::Request& request,
                                         const ChannelSettings& settings) {
    using What = UssdStep::What;
    constexpr StepRefusals refusals{"the session in the path is empty", "field 'msisdn' is missing",
                                    "field 'msisdn' is not a number"};
    auto path = request.path();
    const auto last = [&path] {
      const auto slash = path.rfind('/');
      const auto segment = path.substr(slash == path.npos ? path.size() : slash + 1);
      path = path.substr(0, slash == path.npos ? 0 : slash);
      return segment;
    };
    const auto method = last();
    const auto session = last();
    if (last() != "session" || (method != "start" && method != "response" && method != "end"))
      return Refusal{errc::bad_field, "the path ends in no /session/<id>/<method>"};
    const auto what = method == "start" ? What::begin : method == "end" ? What::close : What::input;
    if (request.method != (what == What::close ? http::Method::put : http::Method::post))
      return Refusal{errc::wrong_method, "this aggregator ends by PUT and does all else by POST"};
    if (what == What::close) {
      auto out = read_step(what, session, std::nullopt, true, settings, refusals);
      if (!out) return out.error();
      return only_step(std::move(*out));
    }
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto sender = json->text({"msisdn"});
    auto out = read_step(what, session, view_of(sender), true, settings, refusals);
    if (!out) return out.error();
    out->code = read_recipient(view_of(json->text({"shortCode"})));
    const auto text = json->text({"text"});
    if (!text && what == What::input)
      return Refusal{errc::missing_field, "field 'text' is missing"};
    const auto typed =
        what == What::begin ? dialled_behind(crypto::view(out->code), word(text)) : word(text);
    out->input = read_text(typed, i18n::Charset::utf8, settings);
    return only_step(std::move(*out));
  }

  static Result<std::optional<Event>> delivery(const Json& result) {
    auto id = read_id(view_of(result.text({"messageId"})));
    if (id.empty()) return Refusal{errc::missing_field, "field 'messageId' is missing"};
    if (!result.at({"status"})) return Refusal{errc::missing_field, "field 'status' is missing"};
    const auto status = status_of(result.at({"status"}));
    if (!status) return std::optional<Event>{};
    return std::optional<Event>{Delivery{std::move(id), *status}};
  }

  static Result<std::optional<Event>> message(const Json& result, const ChannelSettings& settings) {
    const auto sender = result.text({"from"});
    auto from = read_full_sender(view_of(sender), settings, "field 'from' is missing",
                                 "field 'from' is not a number");
    if (!from) return from.error();
    const auto text = text_of(result);
    if (!text) return Refusal{errc::missing_field, "field 'text' is missing"};
    const auto to = result.text({"to"});
    const auto id = result.text({"messageId"});
    const auto at = result.text({"receivedAt"});
    return std::optional<Event>{
        Message{std::move(*from), read_recipient(view_of(to)),
                read_text(crypto::view(*text), i18n::Charset::utf8, settings), read_id(view_of(id)),
                read_iso8601(word(at)), std::nullopt}};
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_infobip() { return std::make_unique<const Infobip>(); }

}  // namespace ishara::aggregators
