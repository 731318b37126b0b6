#pragma once
// What providers of dialogues (USSD) share in reading a step. Pure functions, for any thread.

#include <optional>
#include <string_view>
#include <vector>

#include "gateway/aggregators/aggregator.hpp"

namespace ishara::aggregators {

// The words of a provider's refusals.
struct StepRefusals {
  Literal no_session;
  Literal no_sender;
  Literal bad_sender;
};

// A step without its input: whose and of which dialogue it is. `is_full`: the provider writes every
// number in full, without its plus. Refused without a session, and without a sender unless it is a
// `close`.
Result<UssdStep> read_step(UssdStep::What what, std::optional<std::string_view> session,
                           std::optional<std::string_view> sender, bool is_full,
                           const ChannelSettings& settings, const StepRefusals& refusals);

// All that a request of a dialogue holds.
std::vector<Event> only_step(UssdStep step);

// What was dialled behind the code: "1*2" of "*384*2020*1*2#", where "*384*2020#" is the code, with
// or without its star and hash. Nothing if the code is not known or something else was dialled.
std::string_view dialled_behind(std::string_view code, std::string_view dialled) noexcept;

}  // namespace ishara::aggregators
