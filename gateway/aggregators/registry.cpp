#include "gateway/aggregators/registry.hpp"

#include <algorithm>

#include "gateway/aggregators/external.hpp"

namespace ishara::aggregators {

// One line for each aggregator, in alphabetical order; its source defines make_<name>().
// clang-format off
#define ISHARA_AGGREGATORS(each) \
  each(africastalking) \
  each(arkesel) \
  each(bandwidth) \
  each(beem) \
  each(burstsms) \
  each(capcom6) \
  each(clickatell) \
  each(clickmobile) \
  each(clicksend) \
  each(dart) \
  each(dmark) \
  each(envayasms) \
  each(external) \
  each(globe) \
  each(highconnection) \
  each(hormuud) \
  each(httpsms) \
  each(hubtel) \
  each(i2sms) \
  each(infobip) \
  each(jasmin) \
  each(kaleyra) \
  each(kannel) \
  each(m3tech) \
  each(macrokiosk) \
  each(messagebird) \
  each(mtarget) \
  each(mtn) \
  each(nalo) \
  each(novo) \
  each(playmobile) \
  each(plivo) \
  each(sinch) \
  each(smssync) \
  each(start) \
  each(telerivet) \
  each(telesom) \
  each(termii) \
  each(twilio) \
  each(vonage) \
  each(wavy) \
  each(yo) \
  each(zenvia)
// clang-format on

#define ISHARA_DECLARE(name) std::unique_ptr<const Aggregator> make_##name();
ISHARA_AGGREGATORS(ISHARA_DECLARE)

Registry::Registry() {
#define ISHARA_ADD(name) all_.push_back(make_##name());
  ISHARA_AGGREGATORS(ISHARA_ADD)
}

const Aggregator* Registry::find(std::string_view name) const noexcept {
  for (const auto& aggregator : all_)
    if (aggregator->name() == name) return aggregator.get();
  return nullptr;
}

namespace {

template <class Settings>
std::shared_ptr<const Aggregator> bound(const Aggregator* aggregator, const Settings& settings) {
  if (aggregator != nullptr && settings.external) return described(settings.external);
  return {std::shared_ptr<const void>{}, aggregator};
}

}  // namespace

std::shared_ptr<const Aggregator> Registry::of(std::string_view name,
                                               const ChannelSettings& settings) const {
  return bound(find(name), settings);
}

std::shared_ptr<const Aggregator> Registry::of(std::string_view name,
                                               const SendingSettings& settings) const {
  return bound(find(name), settings);
}

std::vector<std::string_view> Registry::names() const {
  std::vector<std::string_view> names;
  for (const auto& aggregator : all_) names.push_back(aggregator->name());
  return names;
}

std::vector<config::SendingProvider> Registry::sending_providers() const {
  std::vector<config::SendingProvider> providers;
  for (const auto& aggregator : all_)
    if (const auto needs = aggregator->profile().to_send; !needs.empty())
      providers.push_back({aggregator->name(), needs});
  return providers;
}

std::string Registry::table() const {
  const auto proof = [](Proof kind) -> std::string {
    switch (kind) {
      case Proof::none:
        return "secret URL";
      case Proof::secret:
        return "secret URL, secret";
      case Proof::signature:
        return "secret URL, signature";
    }
    return "";
  };
  const auto yes = [](bool is_so) { return is_so ? " yes |" : " |"; };
  std::string out =
      "| provider | brings texts | proves itself by | replies in the answer | replies by its API | "
      "reads delivery reports | dialogues | facts |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
  for (const auto& aggregator : all_) {
    const auto profile = aggregator->profile();
    const auto kinds = aggregator->kinds();
    const auto has = [kinds](Kind kind) { return std::ranges::find(kinds, kind) != kinds.end(); };
    out += "| " + std::string{aggregator->name()} + " |" + yes(has(Kind::sms));
    out += " " + proof(profile.proof) + " |";
    out += yes(aggregator->answers_in_response());
    out += yes(!profile.to_send.empty());
    out += yes(has(Kind::dlr));
    out +=
        has(Kind::ussd) && !profile.dialogues_confirmed ? " unconfirmed |" : yes(has(Kind::ussd));
    out += profile.confirmed ? " confirmed |\n" : " unconfirmed |\n";
  }
  return out;
}

}  // namespace ishara::aggregators
