#pragma once
// From which machine a request to the desk comes. Pure, thread-safe.

#include <optional>
#include <span>

#include "gateway/config/ip_address.hpp"
#include "gateway/http/message.hpp"

namespace ishara::desk {

// The other end of the connection; if that is one of `proxies`, the right-most address in
// X-Forwarded-For that is none of them. Whoever asks writes what stands left of it, so a list that
// cannot be read from the right up to there counts for nothing. Nothing over a UNIX socket.
std::optional<config::IpAddress> origin_of(const http::Request& request,
                                           std::span<const config::IpAddress> proxies);

}  // namespace ishara::desk
