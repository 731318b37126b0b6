// What stands behind the signature of a roster: whoever holds a key of the house can sign anything.
// One line is the root roster, each further line one of an organisation. They are signed here, so
// that every byte comes to be read.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/identity/roster.hpp"

namespace {

using namespace ishara;

void require(bool holds) {
  if (!holds) std::abort();
}

crypto::SigningKey key_of(std::uint8_t filler) {
  std::array<std::uint8_t, 32> seed;
  seed.fill(filler);
  return crypto::signing_key(crypto::Secret<32>{seed});
}

identity::SignedRoster signed_line(std::string_view line, const crypto::SigningKey& key) {
  identity::SignedRoster out;
  out.bytes.assign(line.begin(), line.end());
  out.signature = crypto::sign("ishara/v1/roster", {out.bytes}, key);
  return out;
}

// No number that was read is another one than stands there.
void check_numbers(std::string_view text, std::initializer_list<std::uint64_t> numbers) {
  for (const auto number : numbers) require(text.find(std::to_string(number)) != text.npos);
}
void check_numbers(std::string_view text, const identity::RootRoster& roster) {
  check_numbers(text, {roster.version});
  for (const auto& service : roster.services)
    if (service.until) check_numbers(text, {*service.until});
}
void check_numbers(std::string_view text, const identity::OrganisationRoster& roster) {
  check_numbers(text, {roster.version});
  for (const auto& queue : roster.queues) {
    check_numbers(text, {queue.generation});
    for (const auto& earlier : queue.earlier) check_numbers(text, {earlier.generation});
  }
}

// What was read is written in one way, and that is read as the same.
template <class Verify>
void check_written_again(const identity::SignedRoster& roster, const crypto::SigningKey& key,
                         Verify verify) {
  const auto read = verify(roster, key.public_key);
  if (!read) return;
  check_numbers({reinterpret_cast<const char*>(roster.bytes.data()), roster.bytes.size()}, *read);
  const auto written = identity::sign_roster(*read, key);
  const auto again = verify(written, key.public_key);
  require(again && identity::sign_roster(*again, key).bytes == written.bytes);
}

void check_found_again(const identity::Directory& directory) {
  for (const auto& queue : directory.queues()) {
    require(directory.queue(queue.id) == &queue && directory.queue_named(queue.name) == &queue);
    const auto by_kid = directory.queue_by_kid(queue.kid);
    require(by_kid && by_kid->queue == &queue && by_kid->is_current);
    for (const auto& earlier : queue.earlier) {
      const auto known = directory.queue_by_kid(earlier.kid);
      require(known && known->queue == &queue && !known->is_current &&
              known->generation < queue.generation);
    }
    if (!queue.fallback) continue;
    const auto* const fallback = directory.queue(*queue.fallback);
    require(fallback != nullptr && fallback != &queue && !fallback->retired &&
            fallback->organisation_class == queue.organisation_class);
  }
  for (const auto& member : directory.members()) {
    require(directory.member(member.id) == &member);
    require(directory.member_by_kid(member.signing_kid) == &member);
    require(directory.former_member(member.id) == nullptr);
    for (const auto& id : member.queues) {
      const auto* const queue = directory.queue(id);
      require(queue != nullptr && queue->organisation == member.organisation);
    }
  }
  require(!directory.is_older_than(directory));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool started = (crypto::start(), true);
  (void)started;
  static const auto root_key = key_of(0x21), organisation_key = key_of(0x22);
  std::string_view text{reinterpret_cast<const char*>(data), size};
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < 4) {
    const auto line = text.substr(0, text.find('\n'));
    lines.push_back(line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  if (lines.empty()) return 0;

  const auto root = signed_line(lines.front(), root_key);
  check_written_again(root, root_key, identity::verify_root);
  std::vector<identity::SignedRoster> organisations;
  for (const auto& line : std::span{lines}.subspan(1)) {
    organisations.push_back(signed_line(line, organisation_key));
    check_written_again(organisations.back(), organisation_key, identity::verify_organisation);
  }
  if (const auto directory =
          identity::Directory::verified(root, organisations, root_key.public_key))
    check_found_again(*directory);
  return 0;
}
