#include "gateway/config/ip_address.hpp"

#include <doctest/doctest.h>

#include <utility>

namespace ishara::config {

TEST_CASE("an IP address is read and written in the form that people know") {
  for (const auto& [given, shown] :
       {std::pair{"192.0.2.7", "192.0.2.7"},
        {"127.0.0.1", "127.0.0.1"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"::1", "::1"},
        {"2001:DB8:0:0::7", "2001:db8::7"},
        {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"}}) {
    CAPTURE(given);
    const auto address = ip_address_of(given);
    REQUIRE(address.has_value());
    CHECK(text_of(*address) == shown);
    CHECK(ip_address_of(text_of(*address)) == address);
  }
}

TEST_CASE("nothing else is an IP address") {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, "unknown"sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.7:80"sv, " 192.0.2.7"sv,
        "192.0.2.7\0"sv, "[::1]"sv, "fe80::1%eth0"sv, "1:2:3"sv, "desk.example"sv,
        "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:0000:0000:0000"sv}) {
    CAPTURE(text);
    CHECK_FALSE(ip_address_of(text).has_value());
  }
}

}  // namespace ishara::config
