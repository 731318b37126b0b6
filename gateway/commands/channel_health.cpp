#include "gateway/commands/channel_health.hpp"

#include <chrono>
#include <utility>

#include "gateway/commands/moment.hpp"
#include "gateway/http/client.hpp"

namespace ishara::commands {
namespace {

using intake::ChannelHealth;
using intake::Sum;

constexpr http::FetchLimits limits{std::chrono::seconds{2}, 16 * 1024, 1024 * 1024};

// So many have to fail before it is more than a stray request.
constexpr std::uint64_t few = 3;

void append(std::string& out, const std::string& words) {
  out += (out.empty() ? "" : ", ") + words;
}

}  // namespace

const ChannelHealth* HeardHealth::of(const std::string& channel) const {
  const auto found = channels.find(channel);
  return found == channels.end() ? nullptr : &found->second;
}

HeardHealth ask_gateway(const config::Config& config) {
  HeardHealth out;
  const auto& listen = config.gateway.private_listen;
  if (!listen) {
    out.unknown = "not known: no private listener (private_listen in [gateway])";
    return out;
  }
  http::Origin origin;
  origin.host = listen->host;
  origin.port = listen->port;
  origin.tls = false;
  origin.socket = listen->socket;
  http::Request request;
  request.method = http::Method::get;
  request.target = crypto::wiped_copy("/metrics");
  const auto answer = http::blocking::fetch(std::move(origin), std::move(request), limits);
  if (!answer || answer->status != 200) {
    out.unknown = "not known: the gateway does not answer at its private listener";
    return out;
  }
  out.channels = intake::read_channel_metrics(answer->body);
  if (out.channels.empty()) out.unknown = "not known yet: the gateway sums up once a minute";
  return out;
}

std::string health_text(const ChannelHealth& health) {
  std::string out;
  if (health.last_text == 0)
    append(out, "no text yet");
  else
    append(out, "last text " + moment_text(static_cast<std::int64_t>(health.last_text)));
  append(out, std::to_string(health.failed) + " of " + std::to_string(health.requests) +
                  " failed in the last hour");
  if (health.is_silent) append(out, "SILENT");
  struct {
    Sum sum;
    const char* words;
  } const rows[] = {{Sum::refused, " refused"},
                    {Sum::forbidden, " forbidden"},
                    {Sum::unreadable, " entries of batches unreadable"},
                    {Sum::not_stored, " not stored"},
                    {Sum::unavailable, " answered 503"},
                    {Sum::late, " answered late"},
                    {Sum::undelivered, " replies not delivered"},
                    {Sum::reports_lost, " delivery reports lost"}};
  std::string since;
  for (const auto& row : rows)
    if (health.of(row.sum) != 0) append(since, std::to_string(health.of(row.sum)) + row.words);
  return since.empty() ? out : out + "; since the start " + since;
}

std::string trouble_of(const ChannelHealth& health) {
  std::string out;
  if (health.is_silent) append(out, "is silent for longer than its silent_after");
  if (health.failed >= few && 10 * health.failed >= health.requests)
    append(out, "failed " + std::to_string(health.failed) + " of " +
                    std::to_string(health.requests) + " requests in the last hour");
  return out;
}

}  // namespace ishara::commands
