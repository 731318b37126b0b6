#include "gateway/aggregators/registry.hpp"

namespace ishara::aggregators {

// One line for each aggregator, in alphabetical order; its source defines make_<name>().
#define ISHARA_AGGREGATORS(each) each(africastalking) each(kannel) each(twilio)

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

std::vector<std::string_view> Registry::names() const {
  std::vector<std::string_view> names;
  for (const auto& aggregator : all_) names.push_back(aggregator->name());
  return names;
}

std::vector<config::SendingProvider> Registry::sending_providers() const {
  std::vector<config::SendingProvider> providers;
  for (const auto& aggregator : all_)
    providers.push_back({aggregator->name(), aggregator->needs_to_send()});
  return providers;
}

}  // namespace ishara::aggregators
