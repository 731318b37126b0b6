#include "gateway/commands/queue_wraps.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "gateway/identity/envelope.hpp"

namespace ishara::commands {
namespace {

using Outcome = Comparison::Outcome;

// A queue that has had three keys, and one of its messages.
struct Queue {
  Queue() {
    for (std::uint32_t generation = 0; generation < 3; ++generation) {
      pairs.push_back(crypto::box_key());
      kids.push_back(crypto::key_id(pairs.back().public_key));
    }
  }
  // A content key under the message's id for the queue's key of a generation.
  crypto::Bytes wrap(std::uint32_t generation, const crypto::Secret<32>& content) const {
    identity::Directory::Queue reader;
    reader.kid = kids[generation];
    reader.generation = generation;
    reader.box_key = pairs[generation].public_key;
    return wrap_for(content, report, message, reader);
  }
  crypto::Bytes good(std::uint32_t generation) const { return wrap(generation, key); }
  // Bytes that have the header of a wrap and nothing in them; and a sound wrap of something else.
  crypto::Bytes broken(std::uint32_t generation) const {
    auto out = good(generation);
    out.back() ^= 1;
    return out;
  }
  crypto::Bytes of_another_key(std::uint32_t generation) const {
    return wrap(generation, crypto::random_secret<32>());
  }
  Comparison compare(const std::vector<crypto::Bytes>& former, const crypto::Bytes& now) const {
    return compare_wraps(former, now, [this](const crypto::Id& kid) -> const crypto::BoxKey* {
      for (std::size_t i = 0; i < kids.size(); ++i)
        if (kids[i] == kid && i != missing) return &pairs[i];
      return nullptr;
    });
  }

  std::vector<crypto::BoxKey> pairs;
  std::vector<crypto::Id> kids;
  std::size_t missing = 99;  // a generation whose key she does not have
  crypto::Id report = crypto::random_bytes<16>();
  crypto::Secret<32> key = crypto::random_secret<32>();
  crypto::Id message = identity::message_id_of(key);
};

}  // namespace

TEST_CASE("what was sealed anew opens, or the last wrap that opens says who sealed it wrongly") {
  const Queue queue;
  struct Row {
    const char* name;
    std::vector<crypto::Bytes> former;
    crypto::Bytes now;
    Outcome outcome;
    std::size_t last = 0;
  };
  const Row rows[] = {
      {"it opens", {queue.good(0)}, queue.good(1), Outcome::opens},
      {"it opens, though there was nothing to see",
       {queue.broken(0)},
       queue.good(1),
       Outcome::opens},
      {"broken", {queue.good(0)}, queue.broken(1), Outcome::mendable},
      {"a sound wrap of another key", {queue.good(0)}, queue.of_another_key(1), Outcome::mendable},
      {"by the second who renewed it",
       {queue.good(0), queue.good(1)},
       queue.broken(2),
       Outcome::mendable,
       1},
      {"the same in another order",
       {queue.good(1), queue.good(0)},
       queue.broken(2),
       Outcome::mendable,
       0},
      {"by the first",
       {queue.broken(1), queue.good(0)},
       queue.of_another_key(2),
       Outcome::mendable,
       1},
      {"it never opened", {queue.broken(0)}, queue.broken(1), Outcome::lost},
      {"nor did it after the first",
       {queue.broken(0), queue.of_another_key(1)},
       queue.broken(2),
       Outcome::lost},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto compared = queue.compare(row.former, row.now);
    CHECK(compared.outcome == row.outcome);
    CHECK(compared.key.has_value() == (row.outcome == Outcome::mendable));
    if (!compared.key) continue;
    CHECK(compared.last == row.last);
    CHECK(identity::message_id_of(*compared.key) == queue.message);
  }
}

TEST_CASE("without a key that it takes, or with something else, nothing is said of a wrap") {
  Queue queue;
  for (const std::size_t missing : {std::size_t{0}, std::size_t{1}}) {
    CAPTURE(missing);
    queue.missing = missing;
    CHECK(queue.compare({queue.good(0)}, queue.broken(1)).outcome == Outcome::undecided);
  }
  queue.missing = 99;
  CHECK(queue.compare({queue.good(0)}, {}).outcome == Outcome::undecided);
  CHECK(queue.compare({crypto::Bytes(192)}, queue.broken(1)).outcome == Outcome::undecided);
  const Queue other;
  CHECK(queue.compare({other.good(0)}, queue.broken(1)).outcome == Outcome::undecided);
}

}  // namespace ishara::commands
