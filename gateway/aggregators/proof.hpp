#pragma once
// How requests prove where they come from, beside the signatures that are one provider's own, and
// how ours do. Pure functions, for any thread; every comparison takes the same time.

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {

// Whether a request carries the channel's secret; refused if the channel has none.
Result<void> has_secret(std::optional<std::string_view> sent, const ChannelSettings& settings);
// The whole URL that a provider calls: the channel's, with the request's own path and query if it
// has no path of its own.
crypto::WipedBuffer called_url(const ChannelSettings& settings, const http::Request& request);
// The same without a query.
crypto::WipedBuffer called_page(const ChannelSettings& settings, const http::Request& request);

// The claims of a JSON Web Token (RFC 7519): signed with `key` by one of the `algorithms` HS256,
// HS384 and HS512, not over by `now` and not from the future, by a minute at most. Empty if it is
// not.
Json token_claims(std::string_view token, std::string_view key, std::chrono::sys_seconds now,
                  std::span<const std::string_view> algorithms);
// The same of a Bearer's in `authorization`, by HS256.
Json bearer_claims(std::optional<std::string_view> authorization, std::string_view key,
                   std::chrono::sys_seconds now);
// A token by HS256, and a Bearer's.
std::string token_of(std::string_view claims, std::string_view key);
http::Field bearer_token(std::string_view claims, std::string_view key);

// The Authorization of HTTP's Basic scheme (RFC 7617).
http::Field basic_login(std::string_view user, std::string_view password);

}  // namespace ishara::aggregators
