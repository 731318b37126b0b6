#include "gateway/commands/enrolling.hpp"

#include <doctest/doctest.h>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::commands {

TEST_CASE("a code is read back however it is typed, and nothing else is a code") {
  const auto code = crypto::random_bytes<16>();
  const auto groups = code_groups(code);
  CHECK(groups.size() == 39);
  CHECK(read_code(groups) == code);
  CHECK(read_code(crypto::hex(code)) == code);
  auto loud = "  " + groups + "\r\n";
  for (auto& c : loud) c = static_cast<char>(c == ' ' ? '-' : std::toupper(c));
  CHECK(read_code(loud) == code);
  for (const auto& bad : {std::string{}, groups.substr(1), groups + "0", "g" + groups.substr(1)}) {
    CAPTURE(bad);
    CHECK_FALSE(read_code(bad).has_value());
  }
}

TEST_CASE(
    "the sheet for a new person holds everything that she types, in lines that fit on paper") {
  EnrolmentSheet sheet{"https://desk.example.org:443",
                       {},
                       crypto::random_bytes<16>(),
                       crypto::random_bytes<16>(),
                       "2026-01-31 14:05 UTC"};
  crypto::random(sheet.root_key);
  const auto page = printed(sheet);
  for (const auto& part : {sheet.desk, crypto::hex(sheet.root_key), crypto::hex(sheet.user),
                           code_groups(sheet.code), sheet.until}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
  const auto words = identity::key_fingerprint(identity::KeyKind::root, sheet.root_key);
  auto in_one_line = page;
  for (std::size_t at; (at = in_one_line.find("\n    ")) != std::string::npos;)
    in_one_line.replace(at, 5, " ");
  CHECK(in_one_line.find(words) != std::string::npos);
  for (std::size_t at = 0; at < page.size();) {
    const auto end = page.find('\n', at);
    CHECK(end - at <= 80);
    at = end + 1;
  }
}

}  // namespace ishara::commands
