#include "gateway/desk/origin.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace ishara::desk {
namespace {

// Of a desk that trusts the proxies 10.0.0.1 and 10.0.0.2.
std::string origin(const char* peer, const std::vector<std::string>& forwarded) {
  const std::vector proxies{*config::ip_address_of("10.0.0.1"), *config::ip_address_of("10.0.0.2")};
  http::Request request;
  if (peer != nullptr) request.peer = config::ip_address_of(peer);
  request.fields.push_back({"x-real-ip", crypto::wiped_copy("192.0.2.99")});
  for (const auto& value : forwarded) {
    request.fields.push_back({"x-forwarded-for", crypto::wiped_copy(value)});
    request.fields.push_back({"forwarded", crypto::wiped_copy("for=192.0.2.98")});
  }
  const auto address = origin_of(request, proxies);
  return address ? config::text_of(*address) : "none";
}

TEST_CASE(
    "a request comes from where the last proxy that is trusted says, and else from its peer") {
  struct Row {
    const char* peer;
    std::vector<std::string> forwarded;
    std::string origin;
  };
  const std::vector<Row> rows{
      {"192.0.2.7", {}, "192.0.2.7"},
      {"2001:db8::7", {}, "2001:db8::7"},
      {nullptr, {}, "none"},
      // Whoever is no proxy says nothing about others.
      {"192.0.2.7", {"192.0.2.8"}, "192.0.2.7"},
      {nullptr, {"192.0.2.8"}, "none"},
      {"10.0.0.1", {"192.0.2.8"}, "192.0.2.8"},
      {"10.0.0.1", {"\t 2001:DB8::8 "}, "2001:db8::8"},
      {"10.0.0.1", {}, "10.0.0.1"},
      // The caller writes what she likes, to the left.
      {"10.0.0.1", {"192.0.2.9, 192.0.2.8"}, "192.0.2.8"},
      {"10.0.0.1", {"nonsense,192.0.2.8"}, "192.0.2.8"},
      {"10.0.0.1", {"192.0.2.9", "192.0.2.8"}, "192.0.2.8"},
      {"10.0.0.1", {"192.0.2.9,192.0.2.8,10.0.0.2"}, "192.0.2.8"},
      {"10.0.0.1", {"192.0.2.9,192.0.2.8", "10.0.0.2", "::ffff:10.0.0.1"}, "192.0.2.8"},
      // What cannot be read is nobody's address.
      {"10.0.0.1", {"192.0.2.8, nonsense"}, "10.0.0.1"},
      {"10.0.0.1", {"192.0.2.8, unknown, 10.0.0.2"}, "10.0.0.1"},
      {"10.0.0.1", {"192.0.2.8:4711"}, "10.0.0.1"},
      {"10.0.0.1", {"[2001:db8::8]"}, "10.0.0.1"},
      {"10.0.0.1", {""}, "10.0.0.1"},
      {"10.0.0.1", {"192.0.2.8,"}, "10.0.0.1"},
      {"10.0.0.1", {"10.0.0.2"}, "10.0.0.1"},
  };
  for (const auto& row : rows) {
    std::string forwarded;
    for (const auto& value : row.forwarded) forwarded += value + " | ";
    CAPTURE(row.peer);
    CAPTURE(forwarded);
    CHECK(origin(row.peer, row.forwarded) == row.origin);
  }
}

}  // namespace
}  // namespace ishara::desk
