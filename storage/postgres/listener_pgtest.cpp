#include "storage/listener.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>

#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/store.hpp"

namespace ishara::storage {

using namespace std::chrono_literals;

TEST_CASE("a listener hears an activated routing version and a released report, and nothing else") {
  const TestDatabase database;
  asio::io_context context;
  std::vector<std::string> heard;
  blocking::Store desk{database.url("ishara_desk")};
  Listener listener{context.get_executor(),
                    database.url("ishara_gateway"),
                    {"routing"},
                    [&] {
                      REQUIRE(desk.put_routing(Bytes{1}, {"amina", "first", 20000}).has_value());
                      database.query("SELECT pg_notify('queue', 'not for us')");
                      REQUIRE(desk.activate_routing(1, {"amina", "go", 20000}).has_value());
                    },
                    [&](std::string_view channel, std::string_view payload) {
                      heard.push_back(std::string{channel} + " " + std::string{payload});
                      context.stop();
                    }};
  context.run_for(20s);
  CHECK(heard == std::vector<std::string>{"routing 1"});
}

TEST_CASE("a listener on routing hears a new roster, and nothing of one that was refused") {
  const TestDatabase database;
  asio::io_context context;
  std::vector<std::string> heard;
  blocking::Store desk{database.url("ishara_desk")};
  const Bytes signature(64, 7);
  Listener listener{
      context.get_executor(),
      database.url("ishara_gateway"),
      {"routing"},
      [&] {
        REQUIRE(desk.put_roster({Id{}, 2, {1}, signature}).has_value());
        REQUIRE(desk.put_roster({Id{}, 1, {1}, signature}).error() == errc::stale_version);
        REQUIRE(desk.put_routing(Bytes{1}, {"amina", "first", 20000}).has_value());
        REQUIRE(desk.activate_routing(1, {"amina", "go", 20000}).has_value());
      },
      [&](std::string_view channel, std::string_view payload) {
        heard.push_back(std::string{channel} + " " + std::string{payload});
        if (payload == "1") context.stop();
      }};
  context.run_for(20s);
  CHECK(heard == std::vector<std::string>{"routing ", "routing 1"});
}

TEST_CASE("a listener whose connection is cut connects again and says so") {
  const TestDatabase database;
  asio::io_context context;
  int connected = 0;
  std::string heard;
  Listener listener{context.get_executor(),
                    database.url("ishara_desk"),
                    {"queue", "routing"},
                    [&] {
                      if (++connected == 1)
                        database.query(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE usename = 'ishara_desk' AND datname = current_database()");
                      else
                        database.query("SELECT pg_notify('queue', '0a')");
                    },
                    [&](std::string_view, std::string_view payload) {
                      heard = payload;
                      context.stop();
                    }};
  context.run_for(20s);
  CHECK(connected == 2);
  CHECK(heard == "0a");
}

TEST_CASE("a listener can be destroyed at any point of its life") {
  const TestDatabase database;
  for (int steps = 0; steps < 25; ++steps) {
    CAPTURE(steps);
    asio::io_context context;
    {
      const Listener listener{context.get_executor(),
                              database.url("ishara_desk"),
                              {"queue"},
                              [] {},
                              [](std::string_view, std::string_view) {}};
      for (int i = 0; i < steps && context.run_one_for(20ms) != 0; ++i) {
      }
    }
    context.run_for(10s);
    CHECK(context.stopped());  // nothing is left that would keep the context busy
  }
}

}  // namespace ishara::storage
