#pragma once
// IP addresses as text and as 16 bytes. Pure functions, thread-safe.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ishara::config {

// An IPv4 address is mapped into IPv6: ::ffff:a.b.c.d.
using IpAddress = std::array<std::uint8_t, 16>;

// "192.0.2.7" or "2001:db8::7"; nothing for all else, also with a port, a zone, brackets or spaces.
std::optional<IpAddress> ip_address_of(std::string_view text);
// In the form that people know, IPv4 without the mapping.
std::string text_of(const IpAddress& address);

}  // namespace ishara::config
