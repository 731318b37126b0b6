#include "gateway/relay/phones.hpp"

#include <doctest/doctest.h>

namespace ishara::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
constexpr Phones::Time noon{std::chrono::sys_days{std::chrono::days{20'400}} + hours{12}};

}  // namespace

TEST_CASE("a text opens a window, a later one does not shorten it, and zero closes it") {
  Phones phones;
  const auto number = identity::Msisdn::parse("+250788000001", "").value();
  const auto tag = phones.tag(number);
  CHECK(tag == phones.tag(identity::Msisdn::parse("250788000001", "").value()));
  CHECK(tag != Phones{}.tag(number));
  phones.open_window(tag, minutes{60}, noon);
  phones.open_window(tag, minutes{15}, noon + minutes{5});
  CHECK(phones.at(tag, noon).window_until == noon + minutes{60});
  CHECK(phones.at(tag, noon).last_text == noon + minutes{5});
  phones.open_window(tag, minutes{15}, noon + minutes{50});
  CHECK(phones.at(tag, noon).window_until == noon + minutes{65});
  phones.open_window(tag, minutes{0}, noon + minutes{51});
  CHECK(phones.at(tag, noon).window_until == Phones::Time{});
}

TEST_CASE("messages count for an hour and for a day, and one that did not leave does not count") {
  Phones phones;
  const crypto::Id tag{1};
  phones.sending(tag, noon, true);
  phones.sending(tag, noon + hours{2}, false);
  CHECK(phones.at(tag, noon + hours{2}).sent_this_hour == 1);
  CHECK(phones.at(tag, noon + hours{2}).sent_this_day == 2);
  CHECK(phones.at(tag, noon + hours{2}).last_reply == noon);
  phones.sending(tag, noon + hours{3}, true);
  phones.not_sent(tag, noon + hours{3}, true);
  CHECK(phones.at(tag, noon + hours{3}).last_reply == noon);
  CHECK(phones.at(tag, noon + hours{3}).sent_this_hour == 0);
  CHECK(phones.at(tag, noon + hours{24}).sent_this_day == 1);
  CHECK(phones.at(crypto::Id{2}, noon).sent_this_day == 0);
}

TEST_CASE("a phone is forgotten a day after its last text and message") {
  Phones phones;
  phones.open_window(crypto::Id{1}, minutes{15}, noon);
  phones.sending(crypto::Id{2}, noon, false);
  phones.sending(crypto::Id{3}, noon + hours{1}, false);
  phones.forget(noon + hours{23});
  CHECK(phones.size() == 3);
  phones.forget(noon + hours{24});
  CHECK(phones.size() == 1);
}

}  // namespace ishara::relay
