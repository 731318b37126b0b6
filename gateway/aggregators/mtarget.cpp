// MTarget, France (channels.md 4.10). It brings long texts part by part, and takes the fields of
// its send API in the query of a POST.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_code(std::string_view code) noexcept {
  if (code == "0" || code == "1") return Status::queued;
  if (code == "2") return Status::sent;
  if (code == "3") return Status::delivered;
  if (code == "4" || code == "6") return Status::failed;
  return std::nullopt;
}

// Its reference is any word, here made two octets long; its `msgref` is the place of the part.
std::optional<Part> part_of(const http::Form& form) noexcept {
  const auto word = form.value("msglong.id").value_or("");
  const auto total = read_whole(form.value("msglong.msgcount").value_or(""));
  const auto place = read_whole(form.value("msglong.msgref").value_or(""));
  if (word.empty() || !total || !place || *total < 2 || *total > 255 || *place < 1 ||
      *place > *total)
    return std::nullopt;
  std::uint16_t reference = 0;
  for (const char c : word)
    reference = static_cast<std::uint16_t>(reference * 31 + static_cast<std::uint8_t>(c));
  return Part{reference, static_cast<std::uint8_t>(*total), static_cast<std::uint8_t>(*place)};
}

class MTarget final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "mtarget"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("MsgId"), "field 'MsgId' is missing", form->value("Status"),
                           "field 'Status' is missing", status_of_code);
    if (const auto posted = is_posted(request); !posted) return posted.error();
    auto from = read_sender(form->value("Msisdn"), settings, "field 'Msisdn' is missing",
                            "field 'Msisdn' is not a number");
    if (!from) return from.error();
    const auto text = form->value("Content");
    if (!text) return Refusal{errc::missing_field, "field 'Content' is missing"};
    auto id = read_id(form->value("MsgId"));
    const auto part = part_of(*form);
    // Whether the parts of a text share their id stands nowhere.
    if (part && !id.empty()) id = joined({crypto::view(id), "/", std::to_string(part->number)});
    events.emplace_back(Message{std::move(*from), crypto::WipedBuffer{},
                                read_text(*text, declared_charset(request), settings),
                                std::move(id), std::nullopt, part});
    return events;
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    const std::vector<FormField> form{{"username", crypto::view(settings.account)},
                                      {"password", crypto::view(settings.password)},
                                      {"msisdn", crypto::view(to)},
                                      {"msg", message.text},
                                      {"serviceid", settings.from},
                                      {"allowunicode", "true"}};
    Posting out{settings.origin.empty() ? "https://api-public.mtarget.fr" : settings.origin,
                form_get("/api-sms.json", form)};
    out.request.method = http::Method::post;
    return out;
  }

  // What its other codes mean stands nowhere.
  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    const auto result = Json{answer.body}.at({"results", Json::only});
    if (answer.status != 200 || view_of(result.text({"code"})) != "0") return out;
    out.taken = Taken::accepted;
    out.id = read_id(view_of(result.text({"ticket"})));
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"account", "password", "from"};
    return {Proof::none, {}, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "--from is the id of your service at MTarget; its reports go to the URL that is set there.",
        "It takes no validity."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const std::vector<FormField> form{
        {"Msisdn", sms.from}, {"Content", sms.text}, {"Keyword", ""}, {"MsgId", sms.id}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_mtarget() { return std::make_unique<const MTarget>(); }

}  // namespace ishara::aggregators
