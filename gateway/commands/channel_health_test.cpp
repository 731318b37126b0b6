#include "gateway/commands/channel_health.hpp"

#include <doctest/doctest.h>

namespace ishara::commands {
namespace {

using intake::ChannelHealth;
using intake::Sum;

ChannelHealth with(std::uint64_t failed, std::uint64_t requests) {
  ChannelHealth out;
  out.failed = failed;
  out.requests = requests;
  return out;
}

TEST_CASE("how a channel does is told in words") {
  auto health = with(3, 120);
  CHECK(health_text(health) == "no text yet, 3 of 120 failed in the last hour");
  health.last_text = 1'800'000'000;
  health.is_silent = true;
  health.total[static_cast<std::size_t>(Sum::texts)] = 117;
  health.total[static_cast<std::size_t>(Sum::forbidden)] = 2;
  health.total[static_cast<std::size_t>(Sum::late)] = 1;
  CHECK(health_text(health) ==
        "last text 2027-01-15 08:00 UTC, 3 of 120 failed in the last hour, SILENT; since the start "
        "2 forbidden, 1 answered late");
}

TEST_CASE("a channel is in trouble if it is silent, or if a tenth of its requests fail") {
  const struct {
    std::uint64_t failed, requests;
    bool is_trouble;
  } rows[] = {{0, 0, false}, {2, 2, false}, {3, 3, true}, {3, 30, true}, {3, 31, false}};
  for (const auto& row : rows) {
    CAPTURE(row.failed);
    CAPTURE(row.requests);
    CHECK(trouble_of(with(row.failed, row.requests)).empty() != row.is_trouble);
  }
  CHECK(trouble_of(with(3, 30)) == "failed 3 of 30 requests in the last hour");
  auto silent = with(0, 10);
  silent.is_silent = true;
  CHECK(trouble_of(silent) == "is silent for longer than its silent_after");
}

TEST_CASE("without a private listener, or with a gateway that is away, that is what is known") {
  config::Config config;
  CHECK(ask_gateway(config).unknown ==
        "not known: no private listener (private_listen in [gateway])");
  config.gateway.private_listen.emplace();
  config.gateway.private_listen->socket = "/nonexistent/ishara/private.sock";
  const auto heard = ask_gateway(config);
  CHECK(heard.unknown == "not known: the gateway does not answer at its private listener");
  CHECK(heard.of("a") == nullptr);
}

}  // namespace
}  // namespace ishara::commands
