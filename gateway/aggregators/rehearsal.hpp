#pragma once
// One request through one aggregator, shown line by line: what `ishara channel parse` prints and
// the golden files of tests/data/aggregators/ expect. The lines are JSON objects in UTF-8 and hold
// the number and the text in clear; nothing that serves may call this. Pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/aggregators/aggregator.hpp"

namespace ishara::aggregators {

// The kind of this name ("sms", "dlr", "ussd"); nothing for others.
std::optional<Kind> kind_named(std::string_view name) noexcept;

// Changes one setting as `--set` does: "country=RW". Returns what is wrong with it, or nothing.
std::optional<std::string> set(ChannelSettings& settings, std::string_view assignment);

// {"event":...} for each event, or {"refused":...} for an entry of a batch that cannot be read, and
// then {"answer":...}; or one line {"refused":...,"status":...}.
// To the step of a dialogue the answer is a screen that reads "...".
std::vector<std::string> rehearse(const Aggregator& aggregator, const http::Request& request,
                                  Kind kind, const ChannelSettings& settings);

// The line of a refusal by somebody else, for example of what is no HTTP.
std::string refused_line(std::string_view reason, unsigned status);

}  // namespace ishara::aggregators
