#include "gateway/http/client.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/http/loopback.hpp"
#include "tests/support/folder.hpp"

namespace ishara::http {
namespace {

using namespace std::chrono_literals;
using loopback::House;

template <class T, auto release>
using Owned = std::unique_ptr<T, decltype([](T* object) { release(object); })>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;

void write_pem(const std::filesystem::path& file, auto write) {
  std::FILE* out = std::fopen(file.c_str(), "w");
  REQUIRE(out != nullptr);
  CHECK(write(out) == 1);
  std::fclose(out);
}

// A key and a certificate for `name`, which is its own authority.
Tls make_certificate(const tests::Folder& folder, const std::string& stem,
                     const std::string& name) {
  const Tls files{folder / (stem + ".crt"), folder / (stem + ".key")};
  const Key key{EVP_EC_gen("P-256")};
  const Certificate certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  auto* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> names{
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str())};
  X509_add_ext(certificate.get(), names.get(), -1);
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  write_pem(files.certificate_chain,
            [&](std::FILE* out) { return PEM_write_X509(out, certificate.get()); });
  write_pem(files.private_key, [&](std::FILE* out) {
    return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

Request post(std::string_view target, std::string_view body) {
  Request request;
  request.method = Method::post;
  request.target = crypto::wiped_copy(target);
  request.body = crypto::wiped_copy(body);
  return request;
}

Origin loopback_origin(std::uint16_t port) { return {"127.0.0.1", port, false, {}, {}}; }

TEST_CASE("fetch brings a request to a server and its answer back") {
  House house{[](Request request) -> asio::awaitable<Response> {
    CHECK(request.field("host")->starts_with("127.0.0.1:"));
    CHECK(request.field("x-a") == "b");
    auto response = co_await loopback::echo(std::move(request));
    response.status = 418;
    response.fields.emplace_back("Retry-After", "7");
    co_return response;
  }};
  auto request = post("/x?y", "body");
  request.fields.push_back({"x-a", crypto::wiped_copy("b")});
  request.fields.push_back({"host", crypto::wiped_copy("left out")});
  const auto answer =
      house.run(fetch(loopback_origin(house.server.port()), std::move(request), {}));
  REQUIRE(answer.has_value());
  CHECK(answer->status == 418);
  CHECK(answer->content_type == "text/plain");
  CHECK(answer->body == "2 /x?y body");
  CHECK(answer->fields[1] == std::pair<std::string, std::string>{"Retry-After", "7"});
}

TEST_CASE("fetch reads the answer to HEAD without waiting for a body") {
  House house;
  Request request;
  request.method = Method::head;
  request.target = crypto::wiped_copy("/");
  const auto answer =
      house.run(fetch(loopback_origin(house.server.port()), std::move(request), {}));
  REQUIRE(answer.has_value());
  CHECK(answer->body.empty());
}

TEST_CASE("fetch speaks over a UNIX socket, also where a dead server left its file") {
  const tests::Folder folder;
  const auto file = folder / "socket";
  {
    asio::io_context context;
    asio::local::stream_protocol::acceptor dead{context, file.string()};
  }
  REQUIRE(std::filesystem::is_socket(file));
  House house;
  const asio::local::stream_protocol::endpoint endpoint{file.string()};
  Server server{house.context.get_executor(), endpoint, {}, loopback::echo, house.observer};
  server.start();
  CHECK(server.port() == 0);
  const auto answer = house.run(fetch(*parse_origin("unix:" + file.string()), post("/", "a"), {}));
  REQUIRE(answer.has_value());
  CHECK(answer->body == "2 / a");
  Server second{house.context.get_executor(), endpoint, {}, loopback::echo, house.observer};
  CHECK_THROWS_AS(second.start(), boost::system::system_error);
  house.run([](Server& s) -> asio::awaitable<bool> {
    co_await s.stop(1s);
    co_return true;
  }(server));
  CHECK(!std::filesystem::exists(file));
}

TEST_CASE("TLS works with a trusted certificate of the right name, and only then") {
  const tests::Folder folder;
  const auto good = make_certificate(folder, "good", "IP:127.0.0.1,DNS:localhost");
  const auto other_name = make_certificate(folder, "other", "DNS:example.org");
  struct Row {
    const char* name;
    const Tls& served;
    const Tls& trusted;
    bool works;
  };
  for (const auto& row : std::vector<Row>{{"pinned", good, good, true},
                                          {"another authority", good, other_name, false},
                                          {"another name", other_name, other_name, false}}) {
    CAPTURE(row.name);
    House house{loopback::echo, {}, {}, row.served};
    const Origin origin{"127.0.0.1", house.server.port(), true, row.trusted.certificate_chain, {}};
    const auto answer = house.run(fetch(origin, post("/tls", std::string(50'000, 'x')), {}));
    if (row.works) {
      REQUIRE(answer.has_value());
      CHECK(answer->body == "2 /tls " + std::string(50'000, 'x'));
    } else {
      CHECK(answer.error() == errc::untrusted);
      house.settle();
      CHECK(house.observer.count(Event::handshake_failed) == 1);
    }
  }
}

TEST_CASE("the system's authorities do not trust a certificate that vouches for itself") {
  const tests::Folder folder;
  House house{loopback::echo, {}, {}, make_certificate(folder, "own", "IP:127.0.0.1")};
  const Origin origin{"127.0.0.1", house.server.port(), true, {}, {}};
  CHECK(house.run(fetch(origin, post("/", ""), {})).error() == errc::untrusted);
}

TEST_CASE(
    "a server that expects TLS does not answer plain HTTP, and waits for a hello in vain once") {
  const tests::Folder folder;
  House house{
      loopback::echo, {.head_time = 20ms}, {}, make_certificate(folder, "own", "IP:127.0.0.1")};
  CHECK(house.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n").find("HTTP/1.1 200") == std::string::npos);
  house.say("");
  house.settle();
  CHECK(house.observer.count(Event::handshake_failed) == 2);
}

TEST_CASE("stop ends a TLS connection after its answer") {
  const tests::Folder folder;
  House house{loopback::echo, {}, {}, make_certificate(folder, "own", "IP:127.0.0.1")};
  const Origin origin{"127.0.0.1", house.server.port(), true, folder / "own.crt", {}};
  REQUIRE(house.run(fetch(origin, post("/", "a"), {})).has_value());
  house.run([](Server& s) -> asio::awaitable<bool> {
    co_await s.stop(1s);
    co_return true;
  }(house.server));
  CHECK(house.server.connections() == 0);
}

TEST_CASE("a certificate that cannot be read is a start-up failure") {
  asio::io_context context;
  loopback::CountingObserver observer;
  CHECK_THROWS_AS((Server{context.get_executor(),
                          asio::ip::tcp::endpoint{},
                          {},
                          loopback::echo,
                          observer,
                          {},
                          Tls{"/nonexistent.crt", "/nonexistent.key"}}),
                  boost::system::system_error);
}

// Accepts one connection, sends `bytes` and closes.
asio::awaitable<boost::system::result<Response>> fetch_from(asio::io_context& context,
                                                            std::string bytes, bool close,
                                                            FetchLimits limits) {
  asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  const auto port = acceptor.local_endpoint().port();
  asio::ip::tcp::socket held{context};
  auto serve = [&]() -> asio::awaitable<void> {
    held = co_await acceptor.async_accept(asio::use_awaitable);
    co_await asio::async_write(held, asio::buffer(bytes), loopback::as_value);
    if (close) held.shutdown(asio::ip::tcp::socket::shutdown_send);
  };
  asio::co_spawn(context, serve, [](std::exception_ptr failure) { CHECK(!failure); });
  co_return co_await fetch(loopback_origin(port), post("/", ""), limits);
}

TEST_CASE("fetch reads answers with a length, in chunks, to the end, and after a 1xx") {
  struct Row {
    std::string bytes;
    unsigned status;
    std::string body;
  };
  const std::vector<Row> rows = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 200, "abc"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx: "
       "y\r\n\r\n",
       200, "abcde"},
      {"HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end"},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", 404, "x"},
      {"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    House house;
    const auto answer = house.run(fetch_from(house.context, row.bytes, true, {}));
    REQUIRE(answer.has_value());
    CHECK(answer->status == row.status);
    CHECK(answer->body == row.body);
  }
}

TEST_CASE("what goes wrong with an answer has a name") {
  struct Row {
    const char* name;
    std::string bytes;
    bool close;
    errc expected;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::vector<Row> rows = {
      {"silence", "", false, errc::timed_out},
      {"half an answer, then silence", ok + "Content-Length: 3\r\n\r\na", false, errc::timed_out},
      {"closed at once", "", true, errc::lost},
      {"half a head", ok + "Conte", true, errc::truncated},
      {"half a body", ok + "Content-Length: 3\r\n\r\na", true, errc::truncated},
      {"half the chunks", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true,
       errc::truncated},
      {"no HTTP", "SSH-2.0-x\r\n\r\n", true, errc::malformed},
      {"long head", ok + "X: " + std::string(30'000, 'x') + "\r\n\r\n", true, errc::head_too_large},
      {"long body", ok + "Content-Length: 2000\r\n\r\n", true, errc::body_too_large},
      {"long body without length", ok + "\r\n" + std::string(2000, 'x'), true,
       errc::body_too_large},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    House house;
    const FetchLimits limits{.time = row.close ? 30'000ms : 20ms, .body = 1000};
    const auto answer = house.run(fetch_from(house.context, row.bytes, row.close, limits));
    REQUIRE(!answer.has_value());
    CHECK(answer.error() == row.expected);
  }
}

TEST_CASE("a request that cannot be written is refused before anything is sent") {
  House house;
  const auto origin = loopback_origin(house.server.port());
  auto bad_field = post("/", "");
  bad_field.fields.push_back({"x", crypto::wiped_copy("a\r\nb: c")});
  auto bad_method = post("/", "");
  bad_method.method = Method::other;
  std::vector<Request> requests;
  requests.push_back(std::move(bad_field));
  requests.push_back(std::move(bad_method));
  requests.push_back(post("/a b", ""));
  requests.push_back(post("http://x/", ""));
  for (auto& request : requests)
    CHECK(house.run(fetch(origin, std::move(request), {})).error() == errc::malformed);
  CHECK(house.observer.count(Event::accepted) == 0);
}

TEST_CASE("nobody at the port or socket is unreachable, also for the blocking wrapper") {
  std::uint16_t port = 0;
  {
    asio::io_context context;
    asio::ip::tcp::acceptor closed{context, {asio::ip::address_v4::loopback(), 0}};
    port = closed.local_endpoint().port();
  }
  CHECK(blocking::fetch(loopback_origin(port), post("/", "")).error() == errc::unreachable);
  CHECK(blocking::fetch(*parse_origin("unix:/nonexistent"), post("/", "")).error() ==
        errc::unreachable);
  CHECK(blocking::fetch(*parse_origin("unix:/" + std::string(200, 'x')), post("/", "")).error() ==
        errc::unreachable);
}

TEST_CASE("the blocking wrapper gets an answer from a server on another thread") {
  House house;
  bool done = false;
  boost::system::result<Response> answer = errc::lost;
  std::thread client{[&, port = house.server.port()] {
    answer = blocking::fetch(loopback_origin(port), post("/", "text"));
    asio::post(house.context, [&done] { done = true; });
  }};
  while (!done) house.context.run_one();
  client.join();
  REQUIRE(answer.has_value());
  CHECK(answer->body == "2 / text");
}

TEST_CASE("an origin is read from its URL") {
  struct Row {
    const char* text;
    const char* host;
    int port;
    bool tls;
    const char* socket;
  };
  for (const auto& row : std::vector<Row>{
           {"https://api.example.org", "api.example.org", 443, true, ""},
           {"https://api.example.org/", "api.example.org", 443, true, ""},
           {"http://localhost:8080", "localhost", 8080, false, ""},
           {"http://[::1]:80/", "::1", 80, false, ""},
           {"https://[::1]", "::1", 443, true, ""},
           {"unix:/run/x.sock", "", 0, false, "/run/x.sock"},
       }) {
    CAPTURE(row.text);
    const auto origin = parse_origin(row.text);
    REQUIRE(origin.has_value());
    CHECK(origin->host == row.host);
    CHECK(origin->port == row.port);
    CHECK(origin->tls == row.tls);
    CHECK(origin->socket == row.socket);
  }
  for (const char* text :
       {"", "example.org", "ftp://x", "https://", "http://:80", "http://x:", "http://x:0",
        "http://x:65536", "http://x:8y", "http://x/path", "http://x?y", "http://user@x",
        "http://[::1", "http://[x]", "http://[::1]8", "http://a b", "unix:relative"}) {
    CAPTURE(text);
    const auto origin = parse_origin(text);
    REQUIRE(!origin.has_value());
    CHECK(origin.error() == errc::malformed);
  }
}

}  // namespace
}  // namespace ishara::http
