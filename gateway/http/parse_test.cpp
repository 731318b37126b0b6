#include "gateway/http/parse.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "gateway/http/error.hpp"

namespace ishara::http {
namespace {

constexpr std::size_t body_limit = 1000;

TEST_CASE("a raw request is read with its fields in order and its body as it is") {
  const auto request = parse_request(
      "POST /in/x?a=%20 HTTP/1.1\r\nHost: h\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 4\r\n\r\n"
      "a\r\n\x01 and what is not part of it",
      body_limit);
  REQUIRE(request.has_value());
  CHECK(request->method == Method::post);
  CHECK(crypto::view(request->target) == "/in/x?a=%20");
  CHECK(request->path() == "/in/x");
  CHECK(request->query() == "a=%20");
  REQUIRE(request->fields.size() == 4);
  CHECK(request->fields[1].name == "x-two");
  CHECK(crypto::view(request->fields[1].value) == "1");
  CHECK(crypto::view(request->fields[2].value) == "2");
  CHECK(request->field("x-two") == "1");
  CHECK(crypto::view(request->body) == "a\r\n\x01");
}

TEST_CASE("files written by hand are read: bare line feeds, no length, no host") {
  const auto request =
      parse_request("\nPOST /x HTTP/1.1\nContent-Type: text/plain\n\nline\r\nline\n\n", body_limit);
  REQUIRE(request.has_value());
  CHECK(request->field("content-type") == "text/plain");
  CHECK(crypto::view(request->body) == "line\r\nline\n\n");
}

TEST_CASE("chunks are joined and trailers dropped") {
  const auto request = parse_request(
      "POST / HTTP/1.1\nTransfer-Encoding: Chunked\n\n3;x=y\r\nabc\r\n2\r\n\r\n\r\n0\r\nT: "
      "t\r\n\r\n",
      body_limit);
  REQUIRE(request.has_value());
  CHECK(crypto::view(request->body) == "abc\r\n");
  CHECK(request->field("t") == std::nullopt);
}

TEST_CASE("every method that is not named is `other`") {
  struct Row {
    std::string_view name;
    Method method;
  };
  for (const auto& row : std::vector<Row>{{"GET", Method::get},
                                          {"HEAD", Method::head},
                                          {"PUT", Method::put},
                                          {"DELETE", Method::delete_},
                                          {"PATCH", Method::patch},
                                          {"OPTIONS", Method::options},
                                          {"TRACE", Method::other},
                                          {"get", Method::other},
                                          {"BREW", Method::other}}) {
    CAPTURE(row.name);
    CHECK(parse_request(std::string{row.name} + " / HTTP/1.0\n\n", 0)->method == row.method);
  }
}

TEST_CASE("what is wrong with a raw request has a name") {
  struct Row {
    const char* name;
    std::string raw;
    errc expected;
  };
  const std::string post = "POST / HTTP/1.1\r\n";
  const std::vector<Row> rows = {
      {"empty", "", errc::truncated},
      {"line ends only", "\r\n\r\n", errc::truncated},
      {"no target", "GET\r\n\r\n", errc::malformed},
      {"half a line", "GET / HT", errc::truncated},
      {"half a head", "GET / HTTP/1.1\r\nHost: h\r\n", errc::truncated},
      {"nonsense", "\x16\x03\x01 x\r\n\r\n", errc::malformed},
      {"version", "GET / HTTP/3.0\r\n\r\n", errc::unsupported_version},
      {"coding", post + "Transfer-Encoding: gzip\r\n\r\n", errc::unsupported_coding},
      {"two lengths", post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", errc::malformed},
      {"length and coding", post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
       errc::malformed},
      {"short body", post + "Content-Length: 5\r\n\r\nabcd", errc::truncated},
      {"no last chunk", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", errc::truncated},
      {"half a chunk", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nx", errc::truncated},
      {"bad chunk", post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n", errc::malformed},
      {"announced too much", post + "Content-Length: 1001\r\n\r\n", errc::body_too_large},
      {"chunk too large", post + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", errc::body_too_large},
      {"rest too large", post + "\r\n" + std::string(1001, 'x'), errc::body_too_large},
      {"head too large", post + "X: " + std::string(70'000, 'x') + "\r\n\r\n",
       errc::head_too_large},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto request = parse_request(row.raw, body_limit);
    REQUIRE(!request.has_value());
    CHECK(request.error() == row.expected);
  }
}

TEST_CASE("a request cut at any byte is truncated, never another request") {
  const std::string whole =
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  REQUIRE(parse_request(whole, body_limit).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(parse_request(whole.substr(0, size), body_limit).error() == errc::truncated);
  }
}

}  // namespace
}  // namespace ishara::http
