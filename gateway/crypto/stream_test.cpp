#include "gateway/crypto/stream.hpp"

#include <doctest/doctest.h>
#include <sodium.h>

#include <string>
#include <vector>

namespace ishara::crypto {
namespace {

const Id associated{7};

std::vector<Bytes> sealed(StreamSealer& sealer, const std::vector<std::string>& parts) {
  std::vector<Bytes> out;
  for (const auto& part : parts) {
    out.emplace_back(part.size() + stream_overhead);
    sealer.seal(out.back(), bytes_of(part), associated, &part == &parts.back());
  }
  return out;
}

// How many parts open in this order.
std::size_t opened(const StreamHead& head, const Secret<32>& key, const std::vector<Bytes>& parts,
                   View bound = associated) {
  StreamOpener opener{head, key};
  std::size_t count = 0;
  for (const auto& part : parts) {
    Bytes out(part.size() - stream_overhead);
    if (opener.open(out, part, bound)) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a stream opens part by part, and its last part says that it is the last") {
  start();
  const auto key = random_secret<32>();
  const std::vector<std::string> plain{"one", "", std::string(70'000, 'x'), "last"};
  StreamSealer sealer{key};
  const auto parts = sealed(sealer, plain);
  StreamOpener opener{sealer.head(), key};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    CAPTURE(i);
    Bytes out(plain[i].size());
    CHECK(opener.open(out, parts[i], associated) == std::optional{i + 1 == parts.size()});
    CHECK(equal(out, bytes_of(plain[i])));
  }
}

TEST_CASE("a stream is libsodium's own") {
  start();
  const auto key = random_secret<32>();
  StreamSealer sealer{key};
  const auto parts = sealed(sealer, {"whatever"});
  crypto_secretstream_xchacha20poly1305_state state;
  REQUIRE(crypto_secretstream_xchacha20poly1305_init_pull(&state, sealer.head().data(),
                                                          key.reveal().data()) == 0);
  std::string out(8, '\0');
  unsigned char tag = 0;
  CHECK(crypto_secretstream_xchacha20poly1305_pull(
            &state, reinterpret_cast<unsigned char*>(out.data()), nullptr, &tag, parts[0].data(),
            parts[0].size(), associated.data(), associated.size()) == 0);
  CHECK(out == "whatever");
  CHECK(tag == crypto_secretstream_xchacha20poly1305_tag_final());
}

TEST_CASE("a part opens only unaltered and in its place, when all before it have been opened") {
  start();
  const auto key = random_secret<32>();
  StreamSealer sealer{key};
  const auto parts = sealed(sealer, {"a", "b", "c", "d"});
  const auto& head = sealer.head();
  CHECK(opened(head, key, parts) == 4);

  CHECK(opened(head, key, {parts[0], parts[2], parts[3]}) == 1);
  CHECK(opened(head, key, {parts[0], parts[2], parts[1], parts[3]}) ==
        2);  // the first two, each in its place
  auto altered = parts;
  altered[1].back() ^= 1;
  CHECK(opened(head, key, altered) == 1);
  CHECK(opened(head, random_secret<32>(), parts) == 0);
  CHECK(opened(head, key, parts, Id{8}) == 0);
  auto other = head;
  other[0] ^= 1;
  CHECK(opened(other, key, parts) == 0);
}

}  // namespace ishara::crypto
