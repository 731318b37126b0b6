#include "routing/pack/bundle.hpp"

#include <doctest/doctest.h>

namespace ishara::routing {
namespace {

TEST_CASE("a bundle gives its files back") {
  const PackFile files[] = {{"rw/routes.csv", "a,b\n1,2\n"}, {"rw/empty.csv", ""}, {"x", "\n12\n"}};
  const auto bytes = bundle(files);
  const auto back = unbundle(bytes);
  REQUIRE(back.has_value());
  REQUIRE(back->size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK((*back)[i].name == files[i].name);
    CHECK((*back)[i].content == files[i].content);
  }
}

TEST_CASE("a cut bundle, and what is none, is refused") {
  const PackFile files[] = {{"rw/routes.csv", "a,b\n1,2\n"}};
  const auto bytes = bundle(files);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    // Right after the first line it is an empty bundle.
    CHECK(unbundle(bytes.substr(0, size)).has_value() == (size == 14));
  }
  CHECK_FALSE(unbundle("ishara pack 1\nname\n-1\n").has_value());
  CHECK_FALSE(unbundle("ishara pack 1\nname\n99999999999999999999999\n").has_value());
}

}  // namespace
}  // namespace ishara::routing
