#include "gateway/identity/backup_file.hpp"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

#include "gateway/identity/layout.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;

constexpr std::uint8_t type = 0x0D;
constexpr std::size_t sealed_key_size = 32 + crypto::seal_overhead;
constexpr std::size_t largest_part = 1 + largest_backup_rows + crypto::stream_overhead;
static_assert(8 + 16 + sealed_key_size + sizeof(crypto::StreamHead) == backup_head_size);

enum class Kind : std::uint8_t { start = 1, table, rows, table_end, end };

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ishara.backup"; }
  std::string message(int value) const override {
    switch (static_cast<backup_errc>(value)) {
      case backup_errc::not_a_backup:
        return "the file is no backup";
      case backup_errc::other_version:
        return "the backup was made by a later release";
      case backup_errc::other_key:
        return "the backup is sealed to another key";
      case backup_errc::head_damaged:
        return "the first 128 bytes of the backup were altered";
      case backup_errc::damaged:
        return "a part of the backup is missing, altered, or in another place";
      case backup_errc::cut:
        return "the backup ends before its last part";
      case backup_errc::goes_on:
        return "something stands behind the end of the backup";
      case backup_errc::not_ours:
        return "the backup is whole, but ishara did not write it";
    }
    return "unknown error of a backup";
  }
};

bool is_name(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

// A part before it is sealed, written into the same buffer each time.
class Plain {
 public:
  Plain(crypto::WipedBytes& out, Kind kind) : out_{out} {
    out_.clear();
    out_.push_back(static_cast<std::uint8_t>(kind));
  }
  template <class Integer>
  void integer(Integer value) {
    for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8)
      out_.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  void bytes(crypto::View value) { out_.insert(out_.end(), value.begin(), value.end()); }

 private:
  crypto::WipedBytes& out_;
};

struct Encode {
  crypto::WipedBytes& out;

  void operator()(const BackupStart& start) const {
    Plain plain{out, Kind::start};
    plain.integer(start.schema);
    plain.integer(start.day);
  }
  void operator()(const BackupTable& table) const {
    Plain plain{out, Kind::table};
    plain.bytes(crypto::bytes_of(table.name));
    for (const auto& column : table.columns) {
      plain.bytes(crypto::bytes_of("\n"));
      plain.bytes(crypto::bytes_of(column));
    }
  }
  void operator()(const BackupRows& rows) const {
    assert(rows.bytes.size() <= largest_backup_rows);
    Plain{out, Kind::rows}.bytes(rows.bytes);
  }
  void operator()(const BackupTableEnd& end) const {
    Plain{out, Kind::table_end}.integer(end.rows);
  }
  void operator()(const BackupEnd& end) const { Plain{out, Kind::end}.integer(end.tables); }
};

result<BackupPart> table_of(std::string_view text) {
  BackupTable table;
  for (std::size_t end = 0; end != text.npos;) {
    end = text.find('\n');
    const auto word = text.substr(0, end);
    if (!is_name(word)) return backup_errc::not_ours;
    if (table.name.empty())
      table.name = word;
    else
      table.columns.emplace_back(word);
    if (end != text.npos) text.remove_prefix(end + 1);
  }
  if (table.columns.empty()) return backup_errc::not_ours;
  return table;
}

}  // namespace

const boost::system::error_category& backup_category() noexcept {
  static const Category category;
  return category;
}

crypto::Digest backup_binding(crypto::View head) {
  return crypto::hash32({layout::tag("ishara/v1/backup"), head});
}

// --- Sealing

std::optional<BackupSealer> BackupSealer::to(const crypto::PublicKey& recipient) {
  const auto key = crypto::random_secret<32>();
  const auto sealed = crypto::seal(key.reveal(), recipient);
  if (!sealed) return std::nullopt;
  return BackupSealer{*sealed, key, recipient};
}

BackupSealer::BackupSealer(const crypto::Bytes& sealed_key, const crypto::Secret<32>& key,
                           const crypto::PublicKey& recipient)
    : stream_{key} {
  Writer head{head_};
  head.u8(layout::version);
  head.u8(type);
  head.u16(0);
  head.u32(0);
  head.bytes(crypto::key_id(recipient));
  head.bytes(sealed_key);
  head.bytes(stream_.head());
  bound_ = backup_binding(head_);
}

crypto::View BackupSealer::seal(const BackupPart& part) {
  std::visit(Encode{plain_}, part);
  part_.resize(4 + plain_.size() + crypto::stream_overhead);
  Writer{part_}.u32(static_cast<std::uint32_t>(part_.size() - 4));
  stream_.seal(std::span{part_}.subspan(4), plain_, bound_,
               std::holds_alternative<BackupEnd>(part));
  return part_;
}

// --- Reading

result<BackupReader> BackupReader::open(Source source, const crypto::BoxKey& key) {
  std::array<std::uint8_t, backup_head_size> head;
  if (source(head) != head.size()) return backup_errc::not_a_backup;
  Reader reader{head};
  const auto version = reader.u8();
  if (reader.u8() != type || reader.u16() != 0 || reader.u32() != 0 || version == 0)
    return backup_errc::not_a_backup;
  if (version != layout::version) return backup_errc::other_version;
  if (reader.array<16>() != crypto::key_id(key.public_key)) return backup_errc::other_key;
  const auto opened = crypto::open_seal(reader.array<sealed_key_size>(), key);
  if (!opened) return backup_errc::head_damaged;
  const crypto::Secret<32> stream_key{std::span<const std::uint8_t, 32>{*opened}};
  return BackupReader{std::move(source), reader.array<24>(), stream_key, backup_binding(head)};
}

BackupReader::BackupReader(Source source, const crypto::StreamHead& head,
                           const crypto::Secret<32>& key, const crypto::Digest& bound)
    : source_{std::move(source)}, stream_{head, key}, bound_{bound} {}

result<BackupPart> BackupReader::next() {
  ++number_;
  std::array<std::uint8_t, 4> size_bytes;
  if (source_(size_bytes) != size_bytes.size()) return backup_errc::cut;
  const std::size_t size = Reader{size_bytes}.u32();
  if (size <= crypto::stream_overhead || size > largest_part) return backup_errc::damaged;
  cipher_.resize(size);
  plain_.resize(size - crypto::stream_overhead);
  if (source_(cipher_) != size) return backup_errc::cut;
  const auto last = stream_.open(plain_, cipher_, bound_);
  if (!last) return backup_errc::damaged;
  auto part = understood(*last);
  std::uint8_t more;
  if (part && *last && source_({&more, 1}) != 0) return backup_errc::goes_on;
  return part;
}

// The key is public, so also a part that opens may have been written by anybody.
result<BackupPart> BackupReader::understood(bool last) {
  const auto kind = static_cast<Kind>(plain_[0]);
  const auto body = crypto::View{plain_}.subspan(1);
  Reader reader{body};
  if ((kind == Kind::start) != (number_ == 1) || (kind == Kind::end) != last)
    return backup_errc::not_ours;
  if ((kind == Kind::rows || kind == Kind::table_end) != in_table_ && kind != Kind::start)
    return backup_errc::not_ours;
  switch (kind) {
    case Kind::start: {
      if (body.size() != 8) break;
      const auto schema = reader.u32();
      return BackupStart{schema, reader.u32()};
    }
    case Kind::table:
      in_table_ = true;
      ++tables_;
      return table_of({reinterpret_cast<const char*>(body.data()), body.size()});
    case Kind::rows:
      return BackupRows{body};
    case Kind::table_end:
      if (body.size() != 8) break;
      in_table_ = false;
      return BackupTableEnd{reader.u64()};
    case Kind::end:
      if (body.size() != 4 || reader.u32() != tables_) break;
      return BackupEnd{tables_};
  }
  return backup_errc::not_ours;
}

}  // namespace ishara::identity
