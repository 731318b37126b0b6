#include "gateway/identity/audit.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/layout.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

namespace json = boost::json;
using boost::system::result;

constexpr std::string_view checkpoint_domain = "ishara/v1/ckpt";
constexpr std::uint8_t entry_type = 0x0a;
constexpr std::uint8_t checkpoint_type = 0x0b;
constexpr std::size_t signed_size = checkpoint_size - 64;

// Nobody may have acted for some days where the chain begins, or before it ends.
constexpr std::chrono::seconds shortest_cut_chain = audit_life - std::chrono::days{31};

// The clock of the database, by which addresses go, and that of who verifies may be apart.
constexpr std::chrono::seconds shortest_origin_life = origin_life - std::chrono::hours{12};
constexpr std::size_t origin_size = 16 + std::tuple_size_v<config::IpAddress>;

crypto::Digest origin_hash(std::uint64_t seq, crypto::View origin) {
  std::array<std::uint8_t, 8> number;
  Writer write{number};
  write.u64(seq);
  return crypto::hash32({layout::tag("ishara/v1/from"), number, origin});
}

// What a detail commits to.
std::optional<crypto::Digest> origin_hash_in(std::string_view detail) {
  boost::system::error_code error;
  const auto value = json::parse(detail, error);
  const auto* const object = error ? nullptr : value.if_object();
  const auto* const from = object == nullptr ? nullptr : object->if_contains("from");
  if (from == nullptr || !from->is_string()) return std::nullopt;
  return crypto::from_hex_exact<32>(from->get_string());
}

// Both as a relay has signed them: what stands in entries is the word of whoever wrote them.
bool are_a_life_apart(std::uint64_t from, std::uint64_t to) {
  return to >= from && to - from >= static_cast<std::uint64_t>(shortest_cut_chain.count());
}

}  // namespace

std::string_view name_of(AuditAction action) noexcept {
  switch (action) {
    case AuditAction::none:
      return "none";
    case AuditAction::start:
      return "start";
    case AuditAction::list:
      return "list";
    case AuditAction::pull:
      return "pull";
    case AuditAction::open:
      return "open";
    case AuditAction::history:
      return "history";
    case AuditAction::renew:
      return "renew";
    case AuditAction::release:
      return "release";
    case AuditAction::close:
      return "close";
    case AuditAction::note:
      return "note";
    case AuditAction::reply:
      return "reply";
    case AuditAction::transfer:
      return "transfer";
    case AuditAction::rewrap:
      return "rewrap";
    case AuditAction::hold:
      return "hold";
    case AuditAction::erase:
      return "erase";
    case AuditAction::export_report:
      return "export_report";
    case AuditAction::read_audit:
      return "read_audit";
    case AuditAction::reply_sent:
      return "reply_sent";
    case AuditAction::reply_unknown:
      return "reply_unknown";
    case AuditAction::epoch_created:
      return "epoch_created";
    case AuditAction::epoch_destroyed:
      return "epoch_destroyed";
    case AuditAction::sweep:
      return "sweep";
    case AuditAction::alarm:
      return "alarm";
    case AuditAction::expire:
      return "expire";
    case AuditAction::legal_hold:
      return "legal_hold";
    case AuditAction::legal_release:
      return "legal_release";
    case AuditAction::delete_report:
      return "delete_report";
    case AuditAction::intend:
      return "intend";
    case AuditAction::roster:
      return "roster";
    case AuditAction::grant:
      return "grant";
    case AuditAction::forget_grants:
      return "forget_grants";
    case AuditAction::invite:
      return "invite";
    case AuditAction::enrol:
      return "enrol";
    case AuditAction::panic:
      return "panic";
    case AuditAction::backup:
      return "backup";
    case AuditAction::forget_backups:
      return "forget_backups";
    case AuditAction::compare_wraps:
      return "compare_wraps";
    case AuditAction::mend_wrap:
      return "mend_wrap";
  }
  return "unknown";
}

AuditEntryBytes encode(const AuditEntry& entry) {
  AuditEntryBytes out;
  Writer write{out};
  write.u8(layout::version);
  write.u8(entry_type);
  write.u16(static_cast<std::uint16_t>(entry.action));
  write.u32(entry.flags);
  write.u64(entry.seq);
  write.u64(entry.time);
  write.bytes(entry.actor);
  write.bytes(entry.subject);
  write.bytes(entry.object);
  write.bytes(entry.detail);
  write.bytes(entry.before);
  return out;
}

result<AuditEntry> decode_audit_entry(crypto::View bytes) {
  if (bytes.size() != audit_entry_size) return envelope_errc::refused;
  Reader read{bytes};
  if (read.u8() != layout::version || read.u8() != entry_type) return envelope_errc::refused;
  AuditEntry out;
  out.action = static_cast<AuditAction>(read.u16());
  out.flags = read.u32();
  out.seq = read.u64();
  out.time = read.u64();
  out.actor = read.array<16>();
  out.subject = read.array<16>();
  out.object = read.array<16>();
  out.detail = read.array<32>();
  out.before = read.array<32>();
  if (out.seq == 0) return envelope_errc::refused;
  return out;
}

crypto::Digest audit_hash(crypto::View entry) {
  return crypto::hash32({layout::tag("ishara/v1/audit"), entry});
}

storage::AuditScribe scribe_of(AuditDeed deed) {
  return [deed = std::move(deed)](const storage::AuditPlace& place) {
    if (deed.action == AuditAction::none) throw std::logic_error{"a deed without an action"};
    AuditEntry entry;
    entry.action = deed.action;
    entry.flags = deed.flags;
    entry.seq = place.seq;
    entry.time = deed.time;
    entry.actor = deed.actor;
    entry.subject = place.subject;
    entry.object = place.object;
    auto detail = deed.detail;
    crypto::Bytes origin;
    if (deed.origin) {
      const auto salt = crypto::random_bytes<16>();
      origin.assign(salt.begin(), salt.end());
      origin.insert(origin.end(), deed.origin->begin(), deed.origin->end());
      detail.pop_back();
      if (detail.size() > 1) detail += ',';
      detail += "\"from\":\"" + crypto::hex(origin_hash(place.seq, origin)) + "\"}";
    }
    entry.detail = crypto::hash32({crypto::bytes_of(detail)});
    if (!place.before.empty()) entry.before = audit_hash(place.before);
    const auto bytes = encode(entry);
    return storage::AuditRow{
        place.seq, {bytes.begin(), bytes.end()}, std::move(detail), std::move(origin)};
  };
}

CheckpointBytes sign_checkpoint(const Checkpoint& checkpoint, const crypto::SigningKey& relay) {
  CheckpointBytes out{};
  Writer write{out};
  write.u8(layout::version);
  write.u8(checkpoint_type);
  write.bytes(std::array<std::uint8_t, 6>{});
  write.u64(checkpoint.seq);
  write.u64(checkpoint.time);
  write.bytes(checkpoint.head);
  write.bytes(crypto::key_id(relay.public_key));
  write.bytes(crypto::sign(checkpoint_domain, {std::span{out}.first<signed_size>()}, relay));
  return out;
}

result<Checkpoint> verify_checkpoint(crypto::View bytes, const crypto::PublicKey& relay) {
  if (bytes.size() != checkpoint_size) return envelope_errc::refused;
  Reader read{bytes};
  if (read.u8() != layout::version || read.u8() != checkpoint_type ||
      read.array<6>() != std::array<std::uint8_t, 6>{})
    return envelope_errc::refused;
  Checkpoint out;
  out.seq = read.u64();
  out.time = read.u64();
  out.head = read.array<32>();
  const auto kid = read.array<16>();
  const auto signature = read.array<64>();
  if (out.seq == 0 || kid != crypto::key_id(relay) ||
      !crypto::verify(checkpoint_domain, {bytes.first(signed_size)}, signature, relay))
    return envelope_errc::refused;
  return out;
}

result<Checkpoint> verify_checkpoint(crypto::View bytes, const Directory& directory) {
  for (const auto& relay : directory.services("relay"))
    if (auto checkpoint = verify_checkpoint(bytes, relay.public_key);
        checkpoint && relay.counts_in(checkpoint->time / 3600))
      return checkpoint;
  return envelope_errc::refused;
}

// --- Verifying

std::string_view describe(AuditFault fault) noexcept {
  switch (fault) {
    case AuditFault::none:
      return "";
    case AuditFault::not_an_entry:
      return "is no audit entry";
    case AuditFault::missing:
      return "is missing or not in its place";
    case AuditFault::altered:
      return "was altered";
    case AuditFault::rewritten:
      return "or one after it, up to the next checkpoint, was written anew";
    case AuditFault::detail_altered:
      return "has another detail than was written";
    case AuditFault::origin_altered:
      return "has another address than was written";
    case AuditFault::origin_missing:
      return "has lost its address, which is kept for 90 days";
    case AuditFault::bad_checkpoint:
      return "has a checkpoint that no relay of this deployment signed";
    case AuditFault::forked:
      return "or one before it is not what a checkpoint that was seen says";
    case AuditFault::unsigned_chain:
      return "and all others have no checkpoint that vouches for them";
  }
  return "";
}

Origin origin_of(const storage::AuditRow& row, const AuditEntry& entry, std::uint64_t now) {
  Origin out;
  out.known = origin_hash_in(row.detail).has_value();
  out.old = now >= entry.time &&
            now - entry.time >= static_cast<std::uint64_t>(shortest_origin_life.count());
  if (row.origin.size() == origin_size)
    std::copy(row.origin.end() - std::tuple_size_v<config::IpAddress>, row.origin.end(),
              out.address.emplace().begin());
  return out;
}

std::optional<crypto::Id> organisation_of(const storage::AuditRow& row,
                                          const Directory& directory) {
  const auto entry = decode_audit_entry(row.entry);
  if (!entry) return std::nullopt;
  if (const auto* member = directory.member(entry->actor)) return member->organisation;
  if (const auto* former = directory.former_member(entry->actor)) return former->organisation;
  return std::nullopt;
}

namespace {

// The entries that stand in their order from the first one on, and what is wrong in them.
class Chain {
 public:
  Chain(std::span<const storage::AuditRow> rows, const Directory& directory, std::uint64_t now,
        Origins origins) {
    std::set<std::optional<crypto::Id>> given;
    for (const auto& row : rows)
      if (!row.origin.empty()) given.insert(organisation_of(row, directory));
    for (const auto& row : rows) {
      const auto entry = decode_audit_entry(row.entry);
      const auto expected = entries_.empty() && entry ? entry->seq : first() + entries_.size();
      if (!entry || entry->seq != expected) {
        found(entry ? AuditFault::missing : AuditFault::not_an_entry, expected);
        break;
      }
      if (entry->detail != crypto::hash32({crypto::bytes_of(row.detail)}))
        found(AuditFault::detail_altered, entry->seq);
      const bool is_due =
          origins == Origins::given || given.contains(organisation_of(row, directory));
      check_origin(row, *entry, now, is_due);
      entries_.push_back(*entry);
      hashes_.push_back(audit_hash(row.entry));
    }
    vouched_.resize(entries_.size());
  }

  bool empty() const { return entries_.empty(); }
  std::uint64_t first() const { return entries_.empty() ? 1 : entries_.front().seq; }
  std::uint64_t last() const { return entries_.empty() ? 0 : entries_.back().seq; }

  // A signed checkpoint, or one that was seen.
  void add(const Checkpoint& checkpoint, bool seen) {
    if (!empty() && checkpoint.seq < first()) {
      if (seen) seen_before_ = checkpoint;
      return;
    }
    const auto [known, fresh] =
        heads_.try_emplace(checkpoint.seq, Head{checkpoint.head, checkpoint.time, seen});
    if (!fresh && known->second.hash != checkpoint.head) found(AuditFault::forked, checkpoint.seq);
  }

  void found(AuditFault fault, std::uint64_t seq) {
    if (fault_ == AuditFault::none || seq < seq_) {
      fault_ = fault;
      seq_ = seq;
    }
  }

  AuditVerdict verdict() {
    check_beginning();
    vouch();
    check_links();
    check_heads();
    AuditVerdict out;
    out.fault = fault_;
    out.seq = seq_;
    out.first = empty() ? 0 : first();
    out.last = last();
    out.origins_withheld = origins_withheld_;
    for (const auto& [seq, head] : heads_)
      if (holds(seq, head) && (fault_ == AuditFault::none || seq < seq_)) out.vouched = seq;
    for (const auto& entry : entries_)
      if (entry.seq > out.vouched && (out.waits_since == 0 || entry.time < out.waits_since))
        out.waits_since = entry.time;
    return out;
  }

 private:
  struct Head {
    crypto::Digest hash{};
    std::uint64_t time = 0;
    bool seen = false;
  };

  std::uint64_t seq_of(std::size_t place) const { return first() + place; }
  bool link(std::size_t place) const { return entries_[place].before == hashes_[place - 1]; }
  bool holds(std::uint64_t seq, const Head& head) const {
    return seq <= last() && hashes_[seq - first()] == head.hash;
  }

  void check_origin(const storage::AuditRow& row, const AuditEntry& entry, std::uint64_t now,
                    bool is_due) {
    const auto hash = origin_hash_in(row.detail);
    if (!row.origin.empty()) {
      if (row.origin.size() != origin_size || hash != origin_hash(entry.seq, row.origin))
        found(AuditFault::origin_altered, entry.seq);
    } else if (hash && !origin_of(row, entry, now).old) {
      if (is_due) found(AuditFault::origin_missing, entry.seq);
      origins_withheld_ = true;
    }
  }

  // What is missing before the first entry is older than the first checkpoint behind it.
  void check_beginning() {
    if (empty()) return;
    const auto& front = entries_.front();
    if (front.seq == 1) {
      if (front.before != crypto::Digest{}) found(AuditFault::altered, 1);
      return;
    }
    const auto newest = heads_.empty() ? 0 : heads_.rbegin()->second.time;
    if (heads_.empty() || !are_a_life_apart(heads_.begin()->second.time, newest))
      found(AuditFault::missing, 1);
    if (seen_before_ && !are_a_life_apart(seen_before_->time, newest))
      found(AuditFault::missing, seen_before_->seq + 1);
  }

  // What a checkpoint vouches for: its entry, and the entries that lead there without a break.
  void vouch() {
    for (const auto& [seq, head] : heads_) {
      if (!holds(seq, head)) continue;
      for (auto place = seq - first() + 1; place-- > 0 && !vouched_[place];) {
        vouched_[place] = true;
        if (place > 0 && !link(place)) break;
      }
    }
  }

  // At a broken link one of two entries is wrong: not the one that is vouched for; else the later
  // one if its hash is not what comes after it says, either.
  void check_links() {
    for (std::size_t place = 1; place < entries_.size(); ++place) {
      if (link(place)) continue;
      const auto head = heads_.find(seq_of(place));
      const bool wrong_after = head != heads_.end()          ? !holds(head->first, head->second)
                               : place + 1 < entries_.size() ? !link(place + 1)
                                                             : false;
      const bool later = vouched_[place - 1] || (!vouched_[place] && wrong_after);
      return found(AuditFault::altered, seq_of(later ? place : place - 1));
    }
  }

  void check_heads() {
    for (const auto& [seq, head] : heads_) {
      if (seq > last()) {
        // What a checkpoint has seen was cut off.
        found(AuditFault::missing, last() + 1);
        continue;
      }
      if (holds(seq, head)) continue;
      const auto place = seq - first();
      if (vouched_[place] || head.seen) {
        found(AuditFault::forked, seq);
        continue;
      }
      // Broken links name the entry better.
      const bool broken =
          (place + 1 < entries_.size() && !link(place + 1)) || (place > 0 && !link(place));
      auto start = place;
      while (start > 0 && !vouched_[start - 1]) --start;
      if (broken || start == place)
        found(AuditFault::altered, seq);
      else
        found(AuditFault::rewritten, seq_of(start));
    }
  }

  std::vector<AuditEntry> entries_;
  std::vector<crypto::Digest> hashes_;
  std::vector<bool> vouched_;
  std::map<std::uint64_t, Head> heads_;
  std::optional<Checkpoint> seen_before_;  // of an entry before the first one
  bool origins_withheld_ = false;
  AuditFault fault_ = AuditFault::none;
  std::uint64_t seq_ = 0;
};

}  // namespace

AuditVerdict verify_audit(std::span<const storage::AuditRow> entries,
                          std::span<const crypto::Bytes> checkpoints, const Directory& directory,
                          const std::optional<Checkpoint>& seen, std::uint64_t now,
                          Origins origins) {
  Chain chain{entries, directory, now, origins};
  std::optional<Checkpoint> newest;
  crypto::Bytes newest_bytes;
  for (const auto& bytes : checkpoints) {
    const auto checkpoint = verify_checkpoint(bytes, directory);
    if (!checkpoint) {
      // Its number is not signed, but it is where somebody should look.
      std::uint64_t seq = 1;
      if (bytes.size() == checkpoint_size) seq = Reader{crypto::View{bytes}.subspan(8)}.u64();
      chain.found(AuditFault::bad_checkpoint, std::max<std::uint64_t>(seq, 1));
      continue;
    }
    chain.add(*checkpoint, false);
    if (newest && newest->seq >= checkpoint->seq) continue;
    newest = *checkpoint;
    newest_bytes = bytes;
  }
  if (seen) chain.add(*seen, true);
  auto out = chain.verdict();
  if (out.good() && !newest && !chain.empty()) {
    out.fault = AuditFault::unsigned_chain;
    out.seq = out.first;
  }
  if (!out.good()) return out;
  if (newest && seen && seen->seq > newest->seq) {
    out.newest = seen;
  } else {
    out.newest = newest;
    out.newest_bytes = std::move(newest_bytes);
  }
  return out;
}

}  // namespace ishara::identity
