#include "gateway/relay/chain_watch.hpp"

#include <array>

#include "gateway/config/key_file.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::relay {
namespace {

using boost::system::result;
using storage::blocking::RelayStore;

constexpr std::size_t file_size = 8 + 32;
constexpr std::uint32_t page_size = 1'000;

}  // namespace

result<ChainWatch::Seen> ChainWatch::seen(RelayStore& store,
                                          const crypto::SigningKey& relay) const {
  const auto bytes = config::read_key_file(file_, file_size);
  if (bytes) {
    identity::Reader read{*bytes};
    Seen out;
    out.seq = read.u64();
    out.hash = read.array<32>();
    return out;
  }
  if (bytes.error() != config::key_file_errc::missing) return bytes.error();
  const auto stored = store.last_checkpoint();
  if (!stored) return stored.error();
  if (stored->seq == 0) return Seen{};
  const auto checkpoint = identity::verify_checkpoint(stored->bytes, relay.public_key);
  if (!checkpoint || checkpoint->seq != stored->seq) return Seen{stored->seq, {}, true};
  return Seen{checkpoint->seq, checkpoint->head};
}

result<ChainWatch::Look> ChainWatch::sign(RelayStore& store, const crypto::SigningKey& relay,
                                          const Seen& last, Seconds now) const {
  const auto bytes = identity::sign_checkpoint(
      {last.seq, static_cast<std::uint64_t>(now.time_since_epoch().count()), last.hash}, relay);
  const auto stored = store.put_checkpoint({last.seq, {bytes.begin(), bytes.end()}});
  if (!stored) return stored.error();
  if (*stored) return Look{last.seq, true, false};
  // There is one: its own, if it was stored and not remembered, or somebody's.
  const auto there = store.checkpoints(last.seq - 1, last.seq);
  if (!there) return there.error();
  for (const auto& row : *there)
    if (const auto known = identity::verify_checkpoint(row.bytes, relay.public_key);
        known && known->seq == last.seq && known->head == last.hash)
      return Look{last.seq, false, false};
  return Look{last.seq, false, true};
}

result<void> ChainWatch::remember(const Seen& seen) const {
  std::array<std::uint8_t, file_size> bytes{};
  identity::Writer write{bytes};
  write.u64(seen.seq);
  write.bytes(seen.hash);
  return config::replace_key_file(file_, bytes);
}

result<ChainWatch::Look> ChainWatch::look(RelayStore& store, const crypto::SigningKey& relay,
                                          Seconds now) {
  const auto before = seen(store, relay);
  if (!before) return before.error();
  const auto broken = [](std::uint64_t seq) { return Look{seq, false, true}; };

  auto last = *before;
  if (last.is_forged) return broken(last.seq);
  if (last.seq > 0) {
    const auto entry = store.audit_entry(last.seq);
    if (!entry && entry.error() == storage::errc::not_found) return broken(last.seq);
    if (!entry) return entry.error();
    if (identity::audit_hash(entry->entry) != last.hash) return broken(last.seq);
  }
  for (;;) {
    const auto rows = store.audit(last.seq, page_size);
    if (!rows) return rows.error();
    for (const auto& row : *rows) {
      const auto entry = identity::decode_audit_entry(row.entry);
      // The first entry has zeros for the one before it, as `last` has when nothing was seen. The
      // oldest entries go after three years; a relay that has seen nothing by then has lost both
      // its file and its checkpoints, and vouches for nothing.
      if (!entry || entry->seq != row.seq ||
          entry->detail != crypto::hash32({crypto::bytes_of(row.detail)}) ||
          entry->seq != last.seq + 1 || entry->before != last.hash)
        return broken(last.seq + 1);
      last = {entry->seq, identity::audit_hash(row.entry)};
    }
    if (rows->size() < page_size) break;
  }
  if (last.seq == 0) return Look{};
  // First where everybody sees it: what is not remembered is looked at again.
  if (last.seq == before->seq) {
    const auto stored = store.checkpoints(last.seq - 1, last.seq);
    if (!stored) return stored.error();
    if (!stored->empty()) return Look{last.seq, false, false};
  }
  const auto look = sign(store, relay, last, now);
  if (!look || look->broken || last.seq == before->seq) return look;
  if (const auto remembered = remember(last); !remembered) return remembered.error();
  return look;
}

}  // namespace ishara::relay
