#include "gateway/identity/message_content.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/ref.hpp"

namespace ishara::identity {
namespace {

static_assert(!std::is_copy_constructible_v<Text>);
static_assert(std::is_nothrow_move_constructible_v<Text>);

TEST_CASE("message content comes back as it went in, byte for byte") {
  using namespace std::chrono;
  for (const std::string text : {"", "help", "\"quoted\" \\ and\nlines", "مساعدة", "помогите 🙏",
                                 "@ £ { € & + %", "\x01\x1f control"}) {
    CAPTURE(text);
    MessageContent content;
    content.at = sys_days{2026y / 1 / 31} + 14h + 5min;
    content.text = Text{text};
    content.category = "DOM";
    content.region = "RW-02.bugesera";
    const auto json = encode(content);
    const auto decoded = decode_message(json);
    REQUIRE(decoded.has_value());
    CHECK(decoded->text.reveal([&](std::string_view back) { return back == text; }));
    CHECK(decoded->at == content.at);
    CHECK(decoded->category == "DOM");
    CHECK(decoded->region == "RW-02.bugesera");
    CHECK(decoded->via == "new");
  }
}

TEST_CASE("the written form is the one that the privacy design shows") {
  using namespace std::chrono;
  MessageContent content;
  content.at = sys_days{2026y / 1 / 31} + 14h + 5min;
  content.text = Text{"help"};
  content.category = "UNC";
  const auto json = encode(content);
  CHECK(
      std::string_view{reinterpret_cast<const char*>(json.data()), json.size()} ==
      R"({"k":"msg","ch":"sms","at":"2026-01-31T14:05Z","via":"new","t":"help","cat":"UNC","reg":""})");
}

TEST_CASE("what is no message content is refused") {
  for (
      const std::string_view json :
      {"", "[]", "{}", R"({"k":1})",
       R"({"k":"msg","ch":"sms","at":"2026-02-31T14:05Z","via":"new","t":"","cat":"","reg":""})"}) {
    CAPTURE(json);
    CHECK(decode_message(crypto::bytes_of(json)).error() == envelope_errc::refused);
  }
}

TEST_CASE("refs have ten digits, start with 2 to 9, and carry a Damm digit") {
  crypto::start();
  for (int i = 0; i < 10'000; ++i) {
    const auto ref = Ref::from(crypto::random_bytes<16>());
    REQUIRE(Ref::parse(ref.digits()).has_value());
  }
  CHECK(damm_digit("572") == '4');
  CHECK(damm_digit("4827163") == '3');
}

TEST_CASE("a wrong digit or a swap of neighbours in a ref is always seen") {
  const std::string good = "4821773501";
  REQUIRE(Ref::parse(good).has_value());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (char digit = '0'; digit <= '9'; ++digit) {
      auto wrong = good;
      wrong[i] = digit;
      CHECK(Ref::parse(wrong).has_value() == (wrong == good));
    }
    if (i + 1 < good.size() && good[i] != good[i + 1]) {
      auto swapped = good;
      std::swap(swapped[i], swapped[i + 1]);
      CHECK_FALSE(Ref::parse(swapped).has_value());
    }
  }
  for (const std::string_view bad : {"", "482177350", "48217735011", "48217735x1", "4821 773501"})
    CHECK_FALSE(Ref::parse(bad).has_value());
}

}  // namespace
}  // namespace ishara::identity
