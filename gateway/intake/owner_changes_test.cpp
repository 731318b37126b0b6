#include "gateway/intake/owner_changes.hpp"

#include <doctest/doctest.h>

namespace ishara::intake {
namespace {

crypto::Id id(std::size_t value) {
  crypto::Id out{};
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
  return out;
}

}  // namespace

TEST_CASE("a change counts for its report alone, and for who asked before it") {
  OwnerChanges changes;
  CHECK_FALSE(changes.has_changed(id(1), changes.now()));
  const auto before = changes.now();
  changes.add(id(1));
  CHECK(changes.has_changed(id(1), before));
  CHECK_FALSE(changes.has_changed(id(2), before));
  const auto between = changes.now();
  CHECK_FALSE(changes.has_changed(id(1), between));
  changes.add(id(1));
  CHECK(changes.has_changed(id(1), between));
}

TEST_CASE("what may have been missed is a change of every report, once") {
  OwnerChanges changes;
  const auto before = changes.now();
  changes.add_all();
  CHECK(changes.has_changed(id(1), before));
  CHECK(changes.has_changed(id(2), before));
  CHECK_FALSE(changes.has_changed(id(1), changes.now()));
}

TEST_CASE("too many reports at once are taken for all, and none of them is lost") {
  OwnerChanges changes;
  const auto before = changes.now();
  for (std::size_t i = 0; i < OwnerChanges::most; ++i) changes.add(id(i));
  CHECK_FALSE(changes.has_changed(id(OwnerChanges::most), before));
  changes.add(id(5));
  CHECK_FALSE(changes.has_changed(id(OwnerChanges::most), before));
  const auto full = changes.now();
  changes.add(id(OwnerChanges::most));
  CHECK(changes.has_changed(id(3), before));
  CHECK(changes.has_changed(id(OwnerChanges::most), full));
  CHECK(changes.has_changed(id(OwnerChanges::most + 1), full));
  CHECK_FALSE(changes.has_changed(id(3), changes.now()));
}

}  // namespace ishara::intake
