#include "gateway/intake/turns.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>

namespace ishara::intake {
namespace {

namespace asio = boost::asio;

struct Phones {
  asio::io_context context;
  Turns turns;
  std::string log;

  // Begins as `name` in capitals, lets everybody else go on a few times, and ends in lower case.
  asio::awaitable<void> text(char name, crypto::Id phone) {
    const auto turn = co_await turns.take(phone);
    log += static_cast<char>(name - 'a' + 'A');
    for (int i = 0; i < 3; ++i) co_await asio::post(asio::use_awaitable);
    log += name;
  }
  void spawn(char name, std::uint8_t phone) {
    asio::co_spawn(context, text(name, crypto::Id{phone}), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }
};

}  // namespace

TEST_CASE("texts of one phone are handled one after the other, in their order") {
  Phones phones;
  for (const char name : {'a', 'b', 'c', 'd'}) phones.spawn(name, 1);
  phones.context.run();
  CHECK(phones.log == "AaBbCcDd");
}

TEST_CASE("texts of two phones do not wait for each other") {
  Phones phones;
  phones.spawn('a', 1);
  phones.spawn('b', 2);
  phones.spawn('c', 1);
  phones.context.run();
  CHECK(phones.log == "ABabCc");
}

TEST_CASE("a phone whose turns have ended begins anew") {
  Phones phones;
  phones.spawn('a', 1);
  phones.context.run();
  phones.context.restart();
  phones.spawn('b', 1);
  phones.context.run();
  CHECK(phones.log == "AaBb");
}

}  // namespace ishara::intake
