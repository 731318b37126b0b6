#include "gateway/aggregators/dialogue.hpp"

#include <utility>

#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

std::string_view without_signs(std::string_view dialled) noexcept {
  if (dialled.starts_with('*')) dialled.remove_prefix(1);
  if (dialled.ends_with('#')) dialled.remove_suffix(1);
  return dialled;
}

}  // namespace

Result<UssdStep> read_step(UssdStep::What what, std::optional<std::string_view> session,
                           std::optional<std::string_view> sender, bool is_full,
                           const ChannelSettings& settings, const StepRefusals& refusals) {
  UssdStep step;
  step.what = what;
  step.session = read_id(session);
  if (step.session.empty()) return Refusal{errc::missing_field, refusals.no_session};
  if (what == UssdStep::What::close && !sender) return step;
  auto from = is_full ? read_full_sender(sender, settings, refusals.no_sender, refusals.bad_sender)
                      : read_sender(sender, settings, refusals.no_sender, refusals.bad_sender);
  if (!from) return from.error();
  step.from = std::move(*from);
  return step;
}

std::vector<Event> only_step(UssdStep step) {
  std::vector<Event> events;
  events.emplace_back(std::move(step));
  return events;
}

std::string_view dialled_behind(std::string_view code, std::string_view dialled) noexcept {
  code = without_signs(code);
  dialled = without_signs(dialled);
  if (code.empty() || dialled.size() <= code.size() || !dialled.starts_with(code) ||
      dialled[code.size()] != '*')
    return {};
  return dialled.substr(code.size() + 1);
}

}  // namespace ishara::aggregators
