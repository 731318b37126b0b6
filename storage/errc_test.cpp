#include "storage/errc.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace ishara::storage {

TEST_CASE("every storage error has a sentence of its own") {
  std::set<std::string> sentences;
  for (int code = static_cast<int>(errc::busy); code <= static_cast<int>(errc::not_empty); ++code) {
    CAPTURE(code);
    const auto sentence = store_category().message(code);
    CHECK(sentence != store_category().message(0));
    CHECK(sentences.insert(sentence).second);
  }
}

}  // namespace ishara::storage
