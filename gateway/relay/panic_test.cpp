#include "gateway/relay/panic.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gateway/config/key_file.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/log/captured.hpp"
#include "gateway/relay/service.hpp"
#include "tests/support/folder.hpp"

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::uint32_t week = 2900;

crypto::Secret<32> test_key(std::uint8_t fill) {
  crypto::Secret<32> key;
  key.fill()[0] = fill;
  return key;
}

std::vector<std::uint8_t> content(const fs::path& file) {
  std::ifstream stream{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

// Whether any key opens the sealed bytes that can be made of any 32 or 80 bytes in any file below
// the folder: as they are, as a seed, or as what is sealed under the key of the host.
bool some_file_opens(const fs::path& folder, const crypto::Bytes& sealed,
                     const crypto::Secret<32>& host) {
  const auto opens = [&](const crypto::Secret<32>& seed) {
    return crypto::open_seal(sealed, identity::epoch_keys(seed).box).has_value() ||
           crypto::open_seal(sealed, crypto::box_key_of(seed)).has_value();
  };
  for (const auto& entry : fs::recursive_directory_iterator{folder}) {
    if (!entry.is_regular_file()) continue;
    const auto bytes = content(entry.path());
    for (std::size_t at = 0; at + 32 <= bytes.size(); ++at) {
      if (opens(crypto::Secret<32>{std::span{bytes}.subspan(at).first<32>()})) return true;
      if (at + 72 > bytes.size()) continue;
      crypto::Secret<32> seed;
      crypto::Nonce nonce;
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), nonce.size(), nonce.begin());
      if (crypto::open_box(seed.fill(), crypto::View{bytes}.subspan(at + 24, 48), nonce, host) &&
          opens(seed))
        return true;
    }
  }
  return false;
}

TEST_CASE("After a panic no file that is left opens an address, and reports stay readable (P16)") {
  const tests::Folder folder;
  const auto epochs = folder / "epochs";
  fs::create_directory(epochs);
  const auto host = test_key(1);
  REQUIRE(config::write_key_file(folder / "host.key", host.reveal()).has_value());
  const EpochFolder keys{epochs, test_key(1)};
  const auto epoch = keys.create(week).value();
  REQUIRE(keys.create(week + 1).has_value());
  // What a crash while a key was made leaves; and the same blocks under a name that stays.
  fs::copy_file(epochs / "epoch-2900.key", epochs / "epoch-2902.key.new");
  fs::create_hard_link(epochs / "epoch-2900.key", folder / "block");
  fs::create_hard_link(epochs / "epoch-2902.key.new", folder / "other-block");

  const auto address =
      crypto::seal(crypto::bytes_of("+250788000001"), epoch.keys.box.public_key).value();
  const auto queue = identity::queue_box_key(test_key(9));
  const auto report = crypto::random_bytes<16>();
  const auto sealed = identity::seal_text(500'000, report, crypto::bytes_of("{}"));
  const auto sender = crypto::box_key();
  const identity::QueueKeyId kid{crypto::key_id(queue.public_key), 0};
  const auto wrap = identity::wrap_key(
      sealed.key, report, sealed.message_id, kid,
      {sender.public_key, *crypto::shared_key(queue.public_key, sender.secret_key)});

  CHECK(some_file_opens(folder.path(), address, host));  // what the search is worth
  CHECK(stop_relays(epochs, Seconds{1'700'000'000s}).has_value());
  const auto destroyed = destroy_all_epochs(epochs);
  CHECK(destroyed.count == 3);
  CHECK_FALSE(destroyed.error);
  CHECK_FALSE(some_file_opens(folder.path(), address, host));
  CHECK(keys.numbers()->empty());

  const auto key = identity::open_key_wrap(wrap, report, sealed.message_id, kid, queue).value();
  CHECK(identity::open_text(sealed.envelope, 500'000, report, sealed.message_id, key).has_value());
}

TEST_CASE("A stop lasts until it is lifted, and is told once") {
  const tests::Folder folder;
  CHECK_FALSE(is_stopped(folder.path()));
  CHECK_FALSE(untold_panic(folder.path()).has_value());
  CHECK(resume_relays(folder.path()).has_value());

  CHECK(stop_relays(folder.path(), Seconds{1'700'000'000s}).has_value());
  CHECK(stop_relays(folder.path(), Seconds{1'700'000'777s}).has_value());
  CHECK(is_stopped(folder.path()));
  CHECK(untold_panic(folder.path()) == Seconds{1'700'000'000s});
  CHECK(resume_relays(folder.path()).has_value());
  CHECK_FALSE(is_stopped(folder.path()));
  // It waits for a relay that can tell it.
  CHECK(untold_panic(folder.path()) == Seconds{1'700'000'000s});

  CHECK(stop_relays("/nonexistent/epochs", Seconds{}).has_error());
  CHECK(destroy_all_epochs("/nonexistent/epochs").error);
}

TEST_CASE("A key that cannot be destroyed hinders no other, and is told") {
  const tests::Folder folder;
  fs::create_directory(folder / "epoch-2899.key");  // not even root unlinks it
  REQUIRE(EpochFolder(folder.path(), test_key(1)).create(week).has_value());
  const auto destroyed = destroy_all_epochs(folder.path());
  CHECK(destroyed.count == 1);
  CHECK(destroyed.error);
  CHECK_FALSE(fs::exists(folder / "epoch-2900.key"));
}

TEST_CASE("A relay without a database forgets its keys, destroys them and says that it has ended") {
  const tests::Folder folder;
  const log::CapturedLog log;
  config::Config config;
  config.database.relay_url = "host=/nonexistent dbname=none";
  config.paths.epochs = config.paths.state = folder.path();
  config.relay.socket = folder / "relay.sock";
  asio::io_context context{1};
  bool ended = false;
  {
    Service service{context, config, Keys{crypto::signing_key(test_key(2)), test_key(1)}};
    CHECK_FALSE(EpochFolder(folder.path(), test_key(1)).numbers()->empty());
    CHECK_FALSE(blocking_wait_for_relays(folder.path(), 0ms));
    service.start([&] {
      ended = true;
      context.stop();
    });
    REQUIRE(stop_relays(folder.path(), Seconds{1'700'000'000s}).has_value());
    context.run();
    CHECK(ended);
    // Nothing holds a key any more.
    CHECK(std::ranges::any_of(log.lines(), [](const auto& line) {
      return line.find("relay_stopped_by_panic") != line.npos && line.find("in_use=0") != line.npos;
    }));
    CHECK(EpochFolder(folder.path(), test_key(1)).numbers()->empty());
  }
  CHECK(blocking_wait_for_relays(folder.path(), 0ms));
}

}  // namespace
}  // namespace ishara::relay
