#include "gateway/identity/sender.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <fstream>
#include <string>
#include <type_traits>

namespace ishara::identity {
namespace {

// What the sender is, and its digits, for a table to compare with: "number +250788000001".
std::string described(std::string_view text, std::string_view country) {
  const auto sender = parse_sender(text, country);
  if (!sender) return "error " + sender.error().message();
  struct {
    std::string operator()(const Msisdn& number) const {
      return number.reveal([](std::string_view d) { return "number +" + std::string{d}; });
    }
    std::string operator()(const ShortCode& code) const {
      return code.reveal([](std::string_view d) { return "code " + std::string{d}; });
    }
    std::string operator()(const AlphanumericSender& name) const {
      return name.reveal([](std::string_view d) { return "name " + std::string{d}; });
    }
  } describe;
  return std::visit(describe, *sender);
}

template <class T>
constexpr bool kept_private =
    !fmt::is_formattable<T>::value && !std::is_copy_constructible_v<T> &&
    !std::is_copy_assignable_v<T> && std::is_nothrow_move_constructible_v<T>;
static_assert(kept_private<Msisdn> && kept_private<ShortCode> && kept_private<AlphanumericSender> &&
              kept_private<Sender>);

}  // namespace

TEST_CASE("a sender is read in every way that aggregators write it") {
  struct {
    std::string text;
    std::string country;
    std::string expected;
  } rows[] = {
      {"+250788000001", "", "number +250788000001"},
      {"+250788000001", "RW", "number +250788000001"},
      {"250788000001", "RW", "number +250788000001"},
      {"250788000001", "", "number +250788000001"},
      {"0788000001", "RW", "number +250788000001"},
      {"788000001", "RW", "number +250788000001"},
      {"00250788000001", "RW", "number +250788000001"},
      {"00250788000001", "", "number +250788000001"},
      {"+00250788000001", "RW", "number +250788000001"},
      {"+0788000001", "RW", "number +250788000001"},
      {" 250788000001", "KE", "number +250788000001"},
      {" +250 (788) 000-001 ", "", "number +250788000001"},
      {"+250.788.000.001\r\n", "", "number +250788000001"},
      // Another country's number on a Rwandan channel, with and without its plus.
      {"+254711000001", "RW", "number +254711000001"},
      {"254711000001", "RW", "number +254711000001"},
      // Prefixes that other tables do not know are no reason to refuse.
      {"+999123456789", "RW", "number +999123456789"},
      {"999123456789", "", "number +999123456789"},
      {"+9991234", "", "number +9991234"},
      {"+999123456789012", "", "number +999123456789012"},
      // Trunk prefixes that are not 0, and countries without one.
      {"89161234567", "RU", "number +79161234567"},
      {"06201234567", "HU", "number +36201234567"},
      {"3912345678", "IT", "number +393912345678"},
      {"0612345678", "IT", "number +390612345678"},
      {"2125550100", "US", "number +12125550100"},
      {"12125550100", "US", "number +12125550100"},
      // Services.
      {"2020", "RW", "code 2020"},
      {" 2020 ", "RW", "code 2020"},
      {"+2020", "RW", "code 2020"},
      {"456", "", "code 456"},
      {"0012345", "RW", "code 0012345"},
      {"12345678", "RW", "code 12345678"},
      {" 12345678", "RW", "number +12345678"},
      {"+12345678", "RW", "number +12345678"},
      {"MPESA", "KE", "name MPESA"},
      {" MTN-Info 24/7 ", "RW", "name MTN-Info 24/7"},
      // National, but of which country?
      {"0788000001", "", "name 0788000001"},
      {"0788000001", "XX", "name 0788000001"},
      {"07880000012345", "RW", "name 07880000012345"},
      {"", "RW", "error no sender"},
      {" \r\n", "RW", "error no sender"},
      {"()- .", "RW", "error no sender"},
      {"+", "RW", "error no sender"},
      {"12", "RW", "error too short for a telephone number or short code"},
      {"+1234567890123456", "RW", "error too long for a telephone number or sender id"},
      {"1234567890123456", "RW", "error too long for a telephone number or sender id"},
      {"123456789012345678901234567890123456789", "",
       "error too long for a telephone number or sender id"},
      {"ABCDEFGHIJKLMNOPQRSTU", "", "error too long for a telephone number or sender id"},
      {"250788*000001", "RW", "error not a telephone number, short code or sender id"},
      {"25+0788000001", "RW", "error not a telephone number, short code or sender id"},
      {"MP\xC3\x89SA", "RW", "error not a telephone number, short code or sender id"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CAPTURE(row.country);
    CHECK(described(row.text, row.country) == row.expected);
  }
}

TEST_CASE("a sender with a NUL byte is refused") {
  using namespace std::string_view_literals;
  CHECK(parse_sender("25078800\0001"sv, "RW").error() == sender_errc::not_a_number);
  CHECK(parse_sender("MPE\0SA"sv, "RW").error() == sender_errc::not_a_number);
}

TEST_CASE("national numbers become what libphonenumber makes of them") {
  std::ifstream file{ISHARA_SOURCE_DIR "/tests/data/e164_cases.tsv"};
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    if (line.starts_with('#')) continue;
    const auto first = line.find('\t');
    const auto second = line.find('\t', first + 1);
    const auto country = line.substr(0, first);
    const auto written = line.substr(first + 1, second - first - 1);
    CAPTURE(country);
    CAPTURE(written);
    const auto number = Msisdn::parse(written, country);
    REQUIRE(number.has_value());
    number->reveal([&](std::string_view digits) {
      CHECK("+" + std::string{digits} == line.substr(second + 1));
    });
    ++cases;
  }
  CHECK(cases >= 2000);
}

TEST_CASE("reading an international number again changes nothing, whatever the country") {
  std::ifstream file{ISHARA_SOURCE_DIR "/tests/data/e164_cases.tsv"};
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with('#')) continue;
    const auto number = line.substr(line.rfind('\t') + 1);
    for (const std::string country : {"", "RW", "US", "IT", "DE"}) {
      CAPTURE(number);
      CAPTURE(country);
      CHECK(described(number, country) == "number " + number);
    }
  }
}

TEST_CASE("a number that was moved away is wiped where it was") {
  auto number = Msisdn::parse("+250788000001", "");
  REQUIRE(number.has_value());
  const auto moved = std::move(*number);
  number->reveal([](std::string_view digits) { CHECK(digits.empty()); });
  moved.reveal([](std::string_view digits) { CHECK(digits == "250788000001"); });
}

}  // namespace ishara::identity
