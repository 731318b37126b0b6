#include "gateway/http/server.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <array>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/http/loopback.hpp"

namespace ishara::http {
namespace {

using namespace std::chrono_literals;
using loopback::as_value;
using loopback::House;
using loopback::Peer;
using loopback::status_of;

std::string repeated(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

TEST_CASE("a form post reaches the handler byte for byte and is answered") {
  House house;
  CHECK(house.say("POST /in/x?a=%20b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                  "Content-Length: 9\r\n\r\nfrom=+999") ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n2 /in/x?a=%20b from=+999");
}

TEST_CASE("what is not a request for a handler gets its own status and ends the connection") {
  struct Row {
    const char* name;
    std::string bytes;
    const char* status;
    Event event;
  };
  const std::string host = "Host: h\r\n";
  const std::string end = "\r\n";
  const std::vector<Row> rows = {
      {"nonsense", "nonsense\r\n\r\n", "HTTP/1.1 400", Event::malformed},
      {"binary", std::string{"\x16\x03\x01\x02\0\x01", 6} + "\r\n\r\n", "HTTP/1.1 400",
       Event::malformed},
      {"bare line feed", "GET / HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400", Event::malformed},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400", Event::malformed},
      {"two hosts", "GET / HTTP/1.1\r\n" + host + host + end, "HTTP/1.1 400", Event::malformed},
      {"space before colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", "HTTP/1.1 400",
       Event::malformed},
      {"relative target", "GET index HTTP/1.1\r\n" + host + end, "HTTP/1.1 400", Event::malformed},
      {"other version", "GET / HTTP/2.0\r\n" + host + end, "HTTP/1.1 505", Event::malformed},
      {"no version", "GET / HTTX/2.0\r\n" + host + end, "HTTP/1.1 400", Event::malformed},
      {"unknown method", "BREW / HTTP/1.1\r\n" + host + end, "HTTP/1.1 501", Event::method_refused},
      {"patch", "PATCH / HTTP/1.1\r\n" + host + end, "HTTP/1.1 405", Event::method_refused},
      {"options", "OPTIONS * HTTP/1.1\r\n" + host + end, "HTTP/1.1 405", Event::method_refused},
      {"connect", "CONNECT h:443 HTTP/1.1\r\n" + host + end, "HTTP/1.1 405", Event::method_refused},
      {"post without length", "POST / HTTP/1.1\r\n" + host + end, "HTTP/1.1 411",
       Event::length_missing},
      {"put without length", "PUT / HTTP/1.1\r\n" + host + end, "HTTP/1.1 411",
       Event::length_missing},
      {"two lengths",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n" + end + "abcd",
       "HTTP/1.1 400", Event::malformed},
      {"the same length twice",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 3\r\n" + end + "abc",
       "HTTP/1.1 400", Event::malformed},
      {"a list of lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3, 3\r\n" + end + "abc",
       "HTTP/1.1 400", Event::malformed},
      {"negative length", "POST / HTTP/1.1\r\n" + host + "Content-Length: -3\r\n" + end,
       "HTTP/1.1 400", Event::malformed},
      {"length and coding",
       "POST / HTTP/1.1\r\n" + host +
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400", Event::malformed},
      {"coding and length",
       "POST / HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400", Event::malformed},
      {"coding in HTTP/1.0",
       "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400",
       Event::malformed},
      {"other coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n" + end,
       "HTTP/1.1 501", Event::malformed},
      {"two codings", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n" + end,
       "HTTP/1.1 501", Event::malformed},
      {"bad chunk", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
       "HTTP/1.1 400", Event::malformed},
      {"unknown expectation", "GET / HTTP/1.1\r\n" + host + "Expect: tea\r\n" + end, "HTTP/1.1 417",
       Event::malformed},
      {"too many fields", "GET / HTTP/1.1\r\n" + host + repeated("a:b\r\n", 100) + end,
       "HTTP/1.1 431", Event::head_too_large},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    int handled = 0;
    House house{[&handled](Request request) {
      ++handled;
      return loopback::echo(std::move(request));
    }};
    const auto answer = house.say(row.bytes);
    CHECK(status_of(answer) == row.status);
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(house.observer.count(row.event) == 1);
    CHECK(handled == 0);
  }
}

TEST_CASE("405 names the methods that are allowed") {
  House house;
  CHECK(house.say("PATCH / HTTP/1.1\r\nHost: h\r\n\r\n")
            .find("Allow: GET, HEAD, POST, PUT, DELETE\r\n") != std::string::npos);
}

TEST_CASE("no answer names the software, and none may be stored") {
  House house;
  for (const char* bytes :
       {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "x\r\n\r\n"}) {
    const auto answer = house.say(bytes);
    CHECK(answer.find("Server:") == std::string::npos);
    CHECK(answer.find("Cache-Control: no-store\r\n") != std::string::npos);
  }
}

TEST_CASE("the answer to HEAD has the length of the body and no body") {
  House house;
  const auto answer = house.say("HEAD /abc HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(answer.find("Content-Length: 7\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("a refused HEAD has no body either") {
  House house;
  CHECK(house.say("HEAD / HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n"));
}

TEST_CASE("a hundred requests in one packet are answered in their order") {
  House house;
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n" +
           (i == 99 ? "Connection: close\r\n" : "") + "\r\nok";
  const auto answers = house.say(all);
  CHECK(occurrences(answers, "HTTP/1.1 200 OK") == 100);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = answers.find("2 /" + std::to_string(i) + " ok", at);
    REQUIRE(at != std::string::npos);
  }
}

TEST_CASE("bytes that come one by one make the same request") {
  House house;
  const std::string request =
      "\r\nPOST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
      "Connection: close\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
  const auto answer = house.run([](House& h, std::string all) -> asio::awaitable<std::string> {
    Peer peer{h.context};
    co_await peer.connect(h.server.port());
    for (const char c : all) {
      co_await peer.send(std::string(1, c));
      // Lets the server read this byte before the next one is there.
      for (int i = 0; i < 3; ++i) co_await asio::post(h.context, asio::use_awaitable);
    }
    co_return co_await peer.read_all();
  }(house, request));
  CHECK(answer.ends_with("2 /x abcde"));
}

TEST_CASE("a connection is kept between requests, also for HTTP/1.0 if it asks") {
  House house;
  const auto count = house.run([](House& h) -> asio::awaitable<int> {
    Peer peer{h.context};
    co_await peer.connect(h.server.port());
    for (int i = 0; i < 3; ++i) {
      co_await peer.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
      co_await peer.read_until("0 /a ");
    }
    co_await peer.send("GET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const auto kept = co_await peer.read_until("0 /b ");
    CHECK(kept.find("Connection: keep-alive\r\n") != std::string::npos);
    co_await peer.send("GET /c HTTP/1.0\r\n\r\n");
    const auto last = co_await peer.read_all();
    CHECK(last.find("Connection: close\r\n") != std::string::npos);
    co_return h.observer.count(Event::accepted);
  }(house));
  CHECK(count == 1);
}

TEST_CASE("the last request that a connection may make is told so") {
  House house{loopback::echo, {.requests_per_connection = 3}};
  const auto answers = house.say(repeated("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 5));
  CHECK(occurrences(answers, "HTTP/1.1 200 OK") == 3);
  CHECK(occurrences(answers, "Connection: close") == 1);
}

TEST_CASE("the head may have exactly its limit") {
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: ";
  for (const std::size_t size : {999U, 1000U, 1001U, 5000U}) {
    CAPTURE(size);
    House house{loopback::echo, {.head = 1000}};
    const auto answer = house.say(begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n");
    CHECK(status_of(answer) == (size <= 1000 ? "HTTP/1.1 200" : "HTTP/1.1 431"));
  }
}

TEST_CASE("a long target is within the head and counts") {
  House house{loopback::echo, {.head = 1000}};
  CHECK(status_of(house.say("GET /" + std::string(1000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n")) ==
        "HTTP/1.1 431");
}

TEST_CASE("the body may have exactly its limit, announced or in chunks") {
  for (const std::size_t size : {99'999U, 100'000U, 100'001U, 1'000'000U}) {
    CAPTURE(size);
    const std::string body(size, 'x');
    const char* expected = size <= 100'000 ? "HTTP/1.1 200" : "HTTP/1.1 413";
    const std::string begin = "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
    {
      House house{loopback::echo, {.body = 100'000}};
      const auto answer =
          house.say(begin + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + body);
      CHECK(status_of(answer) == expected);
      CHECK(house.observer.count(Event::body_too_large) == (size > 100'000 ? 1 : 0));
    }
    {
      House house{loopback::echo, {.body = 100'000}};
      std::string chunks = begin + "Transfer-Encoding: chunked\r\n\r\n";
      for (std::size_t at = 0; at < size; at += 0x1000) {
        const auto part = body.substr(at, 0x1000);
        char length[20];
        std::snprintf(length, sizeof length, "%zx\r\n", part.size());
        chunks += length + part + "\r\n";
      }
      CHECK(status_of(house.say(chunks + "0\r\n\r\n")) == expected);
    }
  }
}

TEST_CASE("a chunk line without end is cut, not collected") {
  House house;
  const auto answer =
      house.say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                std::string(100'000, 'x'));
  CHECK(status_of(answer) == "HTTP/1.1 400");
}

TEST_CASE("the admission sees the head and refuses before the body is read") {
  std::size_t body_seen = 0;
  House house{loopback::echo, {}, [&](const Request& head) -> std::optional<Response> {
                body_seen += head.body.size();
                if (head.path() == "/right") return std::nullopt;
                Response response;
                response.status = 404;
                return response;
              }};
  const auto body = "Content-Length: 5\r\n\r\nhello";
  const std::string host = " HTTP/1.1\r\nHost: h\r\n";
  CHECK(status_of(house.say("POST /wrong" + host + body)) == "HTTP/1.1 404");
  CHECK(house.observer.count(Event::not_admitted) == 1);
  // Not even the size of the body is judged.
  CHECK(status_of(house.say("POST /wrong" + host + "Content-Length: 99999999\r\n\r\nhello")) ==
        "HTTP/1.1 404");
  CHECK(status_of(house.say("POST /right" + host + "Connection: close\r\n" + body)) ==
        "HTTP/1.1 200");
  CHECK(body_seen == 0);
  // Without a body the connection goes on.
  const auto answers =
      house.say("GET /wrong" + host + "\r\nGET /right" + host + "Connection: close\r\n\r\n");
  CHECK(occurrences(answers, "HTTP/1.1 404") == 1);
  CHECK(occurrences(answers, "HTTP/1.1 200") == 1);
}

TEST_CASE("an admission that throws admits nobody") {
  House house{loopback::echo, {}, [](const Request&) -> std::optional<Response> {
                throw std::runtime_error{"a bug"};
              }};
  CHECK(status_of(house.say("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")) ==
        "HTTP/1.1 500");
  CHECK(house.observer.count(Event::handler_failed) == 1);
  CHECK(house.observer.count(Event::not_admitted) == 0);
}

TEST_CASE("100-continue is answered after the admission and before the body") {
  House house;
  const auto answer = house.run([](House& h) -> asio::awaitable<std::string> {
    Peer peer{h.context};
    co_await peer.connect(h.server.port());
    co_await peer.send(
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\n"
        "Content-Length: 3\r\n\r\n");
    const auto go_on = co_await peer.read_until("\r\n\r\n");
    CHECK(go_on == "HTTP/1.1 100 Continue\r\n\r\n");
    co_await peer.send("abc");
    co_return co_await peer.read_all();
  }(house));
  CHECK(answer.ends_with("2 / abc"));
}

TEST_CASE("an expectation of a body that is too large is answered 413 at once") {
  House house;
  CHECK(status_of(house.say("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                            "Content-Length: 100000\r\n\r\n")) == "HTTP/1.1 413");
}

TEST_CASE("what a handler throws becomes a bare 500 and the connection goes on") {
  House house{[](Request request) -> asio::awaitable<Response> {
    if (request.path() == "/bad") throw std::runtime_error{"+25078800xxxx"};
    co_return co_await loopback::echo(std::move(request));
  }};
  const auto answers = house.say(
      "GET /bad HTTP/1.1\r\nHost: h\r\n\r\nGET /good HTTP/1.1\r\nHost: h\r\nConnection: "
      "close\r\n\r\n");
  CHECK(status_of(answers) == "HTTP/1.1 500");
  CHECK(answers.find("+250") == std::string::npos);
  CHECK(answers.ends_with("0 /good "));
  CHECK(house.observer.count(Event::handler_failed) == 1);
}

TEST_CASE("a line end in a field of an answer is the handler's failure, not a second field") {
  House house{[](Request) -> asio::awaitable<Response> {
    Response response;
    response.fields.emplace_back("Location", "/a\r\nSet-Cookie: b");
    co_return response;
  }};
  const auto answer = house.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(status_of(answer) == "HTTP/1.1 500");
  CHECK(answer.find("Set-Cookie") == std::string::npos);
}

TEST_CASE("a handler's own Cache-Control and 204 are left as they are") {
  House house{[](Request) -> asio::awaitable<Response> {
    Response response;
    response.status = 204;
    response.fields.emplace_back("Cache-Control", "max-age=60");
    co_return response;
  }};
  CHECK(house.say("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\nConnection: close\r\n\r\n");
}

TEST_CASE("slow heads and slow bodies are cut by one deadline, not by one per read") {
  struct Row {
    const char* name;
    const char* begin;
    const char* drop;  // sent again and again: never is a single read slow
  };
  const std::vector<Row> rows = {
      {"head", "GET / HTTP/1.1\r\nHost: h\r\n", "X: y\r\n"},
      {"body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n", "x"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    House house{loopback::echo, {.head = 64'000, .head_time = 40ms, .body_time = 40ms}};
    const auto answer = house.run([](House& h, Row r) -> asio::awaitable<std::string> {
      Peer peer{h.context};
      co_await peer.connect(h.server.port());
      co_await peer.send(r.begin);
      asio::steady_timer timer{h.context};
      for (int drops = 0; drops < 400 && h.observer.count(Event::timed_out) == 0; ++drops) {
        timer.expires_after(5ms);
        co_await timer.async_wait(as_value);
        co_await peer.send(r.drop);
      }
      co_return co_await peer.read_until("\r\n\r\n");
    }(house, row));
    CHECK(status_of(answer) == "HTTP/1.1 408");
    CHECK(house.observer.count(Event::timed_out) == 1);
  }
}

TEST_CASE("a connection that stays silent is closed without a word") {
  House house{loopback::echo, {.idle = 10ms, .head_time = 10ms}};
  CHECK(house.say("").empty());
  const auto answers = house.say("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(answers.ends_with("0 /a "));
  CHECK(house.observer.count(Event::timed_out) == 0);
}

TEST_CASE("a peer that does not take its answer is cut") {
  House house{[](Request) -> asio::awaitable<Response> {
                Response response;
                response.body.assign(16 * 1024 * 1024, 'x');
                co_return response;
              },
              {.write_time = 20ms}};
  house.run([](House& h) -> asio::awaitable<bool> {
    Peer peer{h.context};
    co_await peer.connect(h.server.port());
    co_await peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    while (h.observer.count(Event::timed_out) == 0)
      co_await asio::post(h.context, asio::use_awaitable);
    co_return true;
  }(house));
  house.settle();
  CHECK(house.observer.count(Event::timed_out) == 1);
}

TEST_CASE("a request that breaks off reaches no handler") {
  const std::string request = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t size = 1; size < request.size(); ++size) {
    CAPTURE(size);
    int handled = 0;
    House house{[&handled](Request r) {
      ++handled;
      return loopback::echo(std::move(r));
    }};
    const auto answer = house.run([](House& h, std::string part) -> asio::awaitable<std::string> {
      Peer peer{h.context};
      co_await peer.connect(h.server.port());
      co_await peer.send(part);
      peer.end_sending();
      co_return co_await peer.read_all();
    }(house, request.substr(0, size)));
    CHECK(answer.empty());
    CHECK(handled == 0);
    CHECK(house.observer.count(Event::peer_lost) == 1);
  }
}

TEST_CASE("a peer that has ended its side still gets its answer") {
  House house;
  const auto answer = house.run([](House& h) -> asio::awaitable<std::string> {
    Peer peer{h.context};
    co_await peer.connect(h.server.port());
    co_await peer.send("GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
    peer.end_sending();
    co_return co_await peer.read_all();
  }(house));
  CHECK(answer.ends_with("0 /last "));
}

TEST_CASE("a connection over the limit is answered 503 and closed, and the next finds room") {
  House house{loopback::echo, {.connections = 2}};
  house.run([](House& h) -> asio::awaitable<bool> {
    Peer first{h.context}, second{h.context}, third{h.context};
    co_await first.connect(h.server.port());
    co_await second.connect(h.server.port());
    co_await third.connect(h.server.port());
    const auto refused = co_await third.read_all();
    CHECK(status_of(refused) == "HTTP/1.1 503");
    CHECK(h.observer.count(Event::refused_full) == 1);
    first.close();
    while (h.server.connections() == 2) co_await asio::post(h.context, asio::use_awaitable);
    Peer fourth{h.context};
    co_await fourth.connect(h.server.port());
    co_await fourth.send("GET /room HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const auto answer = co_await fourth.read_all();
    CHECK(answer.ends_with("0 /room "));
    co_return true;
  }(house));
}

TEST_CASE("an absolute target is taken apart") {
  House house;
  CHECK(house.say("GET http://h/x?y=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            .ends_with("0 /x?y=1 "));
}

// A handler that waits until it is let go: what stop() meets in a gateway that awaits a commit.
struct Gate {
  asio::awaitable<Response> answer(Request request) {
    ++waiting;
    const auto executor = co_await asio::this_coro::executor;
    while (!open) co_await asio::post(executor, asio::use_awaitable);
    co_return co_await loopback::echo(std::move(request));
  }
  bool open = false;
  int waiting = 0;
};

TEST_CASE("stop lets what has begun end with its answer, and closes what is idle") {
  Gate gate;
  House house{[&gate](Request request) { return gate.answer(std::move(request)); }};
  house.run([](House& h, Gate& g) -> asio::awaitable<bool> {
    Peer idle{h.context}, half_a_head{h.context}, half_a_body{h.context}, in_handler{h.context};
    for (Peer* peer : {&idle, &half_a_head, &half_a_body, &in_handler})
      co_await peer->connect(h.server.port());
    co_await half_a_head.send("GET /head HTTP/1.1\r\n");
    co_await half_a_body.send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab");
    co_await in_handler.send("GET /handler HTTP/1.1\r\nHost: h\r\n\r\n");
    while (g.waiting < 1 || h.server.connections() < 4)
      co_await asio::post(h.context, asio::use_awaitable);

    bool stopped = false;
    asio::co_spawn(h.context, h.server.stop(60s), [&](std::exception_ptr) { stopped = true; });
    const auto nothing = co_await idle.read_all();
    CHECK(nothing.empty());
    CHECK(!stopped);
    Peer late{h.context};
    bool refused = false;
    try {
      co_await late.connect(h.server.port());
    } catch (const boost::system::system_error&) {
      refused = true;
    }
    CHECK(refused);

    co_await half_a_head.send("Host: h\r\n\r\n");
    co_await half_a_body.send("cd");
    while (g.waiting < 3) co_await asio::post(h.context, asio::use_awaitable);
    g.open = true;
    for (Peer* peer : {&half_a_head, &half_a_body, &in_handler}) {
      const auto answer = co_await peer->read_all();
      CHECK(status_of(answer) == "HTTP/1.1 200");
      CHECK(answer.find("Connection: close") != std::string::npos);
      peer->close();
    }
    while (!stopped) co_await asio::post(h.context, asio::use_awaitable);
    CHECK(h.server.connections() == 0);
    CHECK(h.observer.count(Event::forced_close) == 0);
    co_return true;
  }(house, gate));
}

TEST_CASE("stop cuts what does not end in time") {
  House house{[](Request) -> asio::awaitable<Response> {
    asio::steady_timer never{co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max()};
    co_await never.async_wait(as_value);
    co_return Response{};
  }};
  house.run([](House& h) -> asio::awaitable<bool> {
    Peer peer{h.context};
    co_await peer.connect(h.server.port());
    co_await peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    while (h.server.connections() < 1) co_await asio::post(h.context, asio::use_awaitable);
    co_await h.server.stop(20ms);
    const auto answer = co_await peer.read_all();
    CHECK(answer.empty());
    CHECK(h.observer.count(Event::forced_close) == 1);
    co_return true;
  }(house));
}

TEST_CASE("stop under load loses no answer to a request that a handler has seen") {
  int handled = 0;
  House house{[&handled](Request request) -> asio::awaitable<Response> {
    ++handled;
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return co_await loopback::echo(std::move(request));
  }};
  int answered = 0;
  int open = 32;
  const auto ask = [](House& h, int& answers) -> asio::awaitable<void> {
    Peer peer{h.context};
    co_await peer.connect(h.server.port());
    for (;;) {
      co_await peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\ntext");
      const auto answer = co_await peer.read_until("2 / text");
      if (answer.empty()) co_return;
      CHECK(answer.ends_with("2 / text"));
      ++answers;
    }
  };
  for (int i = 0; i < 32; ++i)
    asio::co_spawn(house.context, ask(house, answered), [&](std::exception_ptr failure) {
      CHECK(!failure);
      --open;
    });
  while (answered < 1000) house.context.run_one();
  bool stopped = false;
  asio::co_spawn(house.context, house.server.stop(60s),
                 [&](std::exception_ptr) { stopped = true; });
  while (!stopped || open > 0) house.context.run_one();
  CHECK(handled == answered);
  CHECK(answered >= 1000);
  CHECK(house.observer.count(Event::forced_close) == 0);
}

TEST_CASE("a handler learns the other end of a connection only where it is to know it") {
  const auto peer = [](Peers peers, const Endpoint& at) {
    asio::io_context context{1};
    loopback::CountingObserver observer;
    std::optional<config::IpAddress> seen;
    const auto handler = [&seen](Request request) -> asio::awaitable<Response> {
      seen = request.peer;
      co_return Response{};
    };
    Server server{context.get_executor(), at, {}, handler, observer, {}, {}, peers};
    server.start();
    bool done = false;
    const auto dialogue = [&]() -> asio::awaitable<void> {
      asio::generic::stream_protocol::socket socket{context};
      auto target = at;
      if (server.port() != 0) {
        const bool six = at.protocol().family() == AF_INET6;
        target = asio::ip::tcp::endpoint{six ? asio::ip::address{asio::ip::address_v6::loopback()}
                                             : asio::ip::address{asio::ip::address_v4::loopback()},
                                         server.port()};
      }
      co_await socket.async_connect(target, asio::use_awaitable);
      const std::string request = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
      co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
      std::array<char, 1024> answer;
      const auto [error, size] =
          co_await socket.async_read_some(asio::buffer(answer), loopback::as_value);
      CHECK(size > 0);
      done = true;
    };
    asio::co_spawn(context, dialogue, asio::detached);
    while (!done) context.run_one();
    return seen;
  };
  const Endpoint v4 = asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), 0};
  const Endpoint v6 = asio::ip::tcp::endpoint{asio::ip::address_v6::loopback(), 0};
  const auto file =
      std::filesystem::temp_directory_path() / ("ishara-peer." + std::to_string(::getpid()));
  const Endpoint local = asio::local::stream_protocol::endpoint{file.string()};
  using Bytes = config::IpAddress;
  CHECK((peer(Peers::shown, v4) == Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}));
  CHECK((peer(Peers::shown, v6) == Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  CHECK_FALSE(peer(Peers::shown, local).has_value());
  CHECK_FALSE(peer(Peers::hidden, v4).has_value());
}

TEST_CASE("a server that is destroyed without stop leaves nothing running") {
  asio::io_context context{1};
  loopback::CountingObserver observer;
  {
    Server server{context.get_executor(),
                  asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), 0},
                  {},
                  loopback::echo,
                  observer};
    server.start();
  }
  context.run();  // returns
  CHECK(observer.count(Event::accepted) == 0);
}

TEST_CASE("a port that is taken is a start-up failure") {
  House house;
  Server second{house.context.get_executor(),
                asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), house.server.port()},
                {},
                loopback::echo,
                house.observer};
  CHECK_THROWS_AS(second.start(), boost::system::system_error);
}

}  // namespace
}  // namespace ishara::http
