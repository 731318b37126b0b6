#include "gateway/identity/roster_file.hpp"

#include <doctest/doctest.h>

namespace ishara::identity {
namespace {

SignedRoster roster(crypto::Bytes bytes) {
  SignedRoster out{std::move(bytes), {}};
  out.signature.fill(7);
  return out;
}

}  // namespace

TEST_CASE("rosters come back from their file byte for byte") {
  for (const auto& bytes : {crypto::Bytes{}, crypto::Bytes{'{', '}'}, crypto::Bytes(3000, 0xff)}) {
    const std::vector all{roster(bytes), roster({1, 2, 3})};
    const auto read = read_roster_file(write_roster_file(all));
    REQUIRE(read.has_value());
    REQUIRE(read->size() == 2);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(read->at(i).bytes == all[i].bytes);
      CHECK(read->at(i).signature == all[i].signature);
    }
  }
  CHECK(read_roster_file(write_roster_file({}))->empty());
}

TEST_CASE("what is no file of rosters, or was cut, is refused") {
  const std::vector all{roster({1, 2, 3})};
  const auto good = write_roster_file(all);
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    // Cut behind the title it is a file without rosters.
    CHECK(read_roster_file(std::string_view{good}.substr(0, size)).has_value() == (size == 17));
  }
  for (const auto* bad :
       {"ishara-rosters 2\n", "ishara-rosters 1\n\n", "ishara-rosters 1\nroster\n",
        "ishara-rosters 1\nroster AQID AQID\n", "{}"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_roster_file(bad).has_value());
  }
}

}  // namespace ishara::identity
