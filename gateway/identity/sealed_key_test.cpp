#include "gateway/identity/sealed_key.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "gateway/identity/envelope.hpp"

namespace ishara::identity {
namespace {

constexpr std::string_view passphrase = "abacus abdomen abdominal abide abiding ability";

HeldKey new_key(KeyKind kind) {
  return {kind, crypto::random_bytes<16>(), crypto::random_secret<32>()};
}

TEST_CASE("A sealed key of every kind opens with its passphrase and says what it is without") {
  for (const auto kind : {KeyKind::user, KeyKind::root, KeyKind::organisation, KeyKind::recovery}) {
    CAPTURE(name_of(kind));
    const auto key = new_key(kind);
    const auto file = blocking_seal_key(key, passphrase);
    const auto head = read_sealed_key_head(file).value();
    CHECK(head.kind == kind);
    CHECK(head.id == key.id);
    const auto opened = blocking_open_sealed_key(file, passphrase).value();
    CHECK(opened.kind == kind);
    CHECK(opened.id == key.id);
    CHECK(crypto::equal(opened.seed.reveal(), key.seed.reveal()));
    CHECK(key_kind_named(name_of(kind)) == kind);
  }
  CHECK_FALSE(key_kind_named("queue").has_value());
}

TEST_CASE(
    "A user's file is the same as ever, and the files of other kinds do not open as a user's") {
  const auto user = new_key(KeyKind::user);
  const auto file = blocking_seal_key(user, passphrase);
  CHECK(file[16 + 3] == 0);
  CHECK(blocking_open_user_key(crypto::View{file}.subspan(16), user.id, passphrase).has_value());

  const auto organisation = new_key(KeyKind::organisation);
  const auto other = blocking_seal_key(organisation, passphrase);
  CHECK_FALSE(blocking_open_user_key(crypto::View{other}.subspan(16), organisation.id, passphrase)
                  .has_value());
}

TEST_CASE("A wrong passphrase and every altered part are refused") {
  const auto key = new_key(KeyKind::root);
  const auto file = blocking_seal_key(key, passphrase);
  CHECK(blocking_open_sealed_key(file, "abacus").error() == sealed_key_errc::wrong_passphrase);
  struct Row {
    const char* what;
    std::size_t place;
    sealed_key_errc error;
  };
  for (const auto& row : {
           Row{"id", 0, sealed_key_errc::wrong_passphrase},
           Row{"version", 16, sealed_key_errc::not_a_key_file},
           Row{"type", 17, sealed_key_errc::not_a_key_file},
           Row{"derivation", 18, sealed_key_errc::not_a_key_file},
           Row{"kind", 19, sealed_key_errc::wrong_passphrase},  // of another key
           Row{"passes", 23, sealed_key_errc::not_a_key_file},
           Row{"memory", 27, sealed_key_errc::not_a_key_file},
           Row{"salt", 32, sealed_key_errc::wrong_passphrase},
           Row{"nonce", 48, sealed_key_errc::wrong_passphrase},
           Row{"body", 72, sealed_key_errc::wrong_passphrase},
           Row{"end", 119, sealed_key_errc::wrong_passphrase},
       }) {
    CAPTURE(row.what);
    auto altered = file;
    altered[row.place] ^= 2;
    CHECK(blocking_open_sealed_key(altered, passphrase).error() == row.error);
  }
  auto unknown = file;
  unknown[19] = 4;
  CHECK(read_sealed_key_head(unknown).error() == sealed_key_errc::not_a_key_file);
  CHECK(read_sealed_key_head(crypto::View{file}.first(119)).error() ==
        sealed_key_errc::not_a_key_file);
}

}  // namespace
}  // namespace ishara::identity
