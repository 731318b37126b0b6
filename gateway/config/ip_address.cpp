#include "gateway/config/ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace ishara::config {
namespace {

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> ip_address_of(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  IpAddress out;
  if (::inet_pton(AF_INET6, terminated.data(), out.data()) == 1) return out;
  std::ranges::copy(mapped, out.begin());
  if (::inet_pton(AF_INET, terminated.data(), out.data() + mapped.size()) == 1) return out;
  return std::nullopt;
}

std::string text_of(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (std::equal(mapped.begin(), mapped.end(), address.begin()))
    ::inet_ntop(AF_INET, address.data() + mapped.size(), out.data(), out.size());
  else
    ::inet_ntop(AF_INET6, address.data(), out.data(), out.size());
  return out.data();
}

}  // namespace ishara::config
