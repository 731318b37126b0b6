#pragma once
// A backup as a file (privacy.md section 13): rows of tables, sealed to a key whose secret is not
// on the machine that makes them. All integers are big-endian.
//
//   head   version 1 ‖ type 0x0D ‖ zeros 6 ‖ recipient kid 16 ‖ sealed box(stream key 32) 80
//          ‖ head of the stream 24
//   part   size 4 ‖ one part of the stream, of that size; its associated data is
//          BLAKE2b-256("ishara/v1/backup\0" ‖ head)
//
// Opened, a part is a kind and what belongs to it, and the parts come in this order:
//
//   1 start      version of the schema 4 ‖ day 4 (unix time / 86400)
//   for each table
//     2 table    its name and the names of its columns, with LF between them
//     3 rows     bytes of COPY in its binary format, as many parts as it takes
//     4 table end   rows 8
//   5 end        tables 4; the last part of the stream
//
// So a file from which anything is missing, or in which anything was altered or moved, is told from
// a whole one. But who knows the public key can write a whole one: that rows come from a deployment
// is shown by the signatures in them.
//
// The kinds are values; sealer and reader belong to one thread.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "gateway/crypto/stream.hpp"

namespace ishara::identity {

enum class backup_errc {
  not_a_backup = 1,  // it does not begin as one
  other_version,     // it is of a later form
  other_key,         // it is sealed to another key
  head_damaged,      // it names this key, which does not open it
  damaged,           // a part is missing, altered, or in another place
  cut,               // it ends before its last part
  goes_on,           // something stands behind its last part
  not_ours,          // whole, but not what a sealer writes
};
const boost::system::error_category& backup_category() noexcept;
inline boost::system::error_code make_error_code(backup_errc code) noexcept {
  return {static_cast<int>(code), backup_category()};
}

struct BackupStart {
  std::uint32_t schema = 0;
  std::uint32_t day = 0;
};
struct BackupTable {
  std::string name;
  std::vector<std::string> columns;
};
struct BackupRows {
  crypto::View bytes;  // lives until the next part is read
};
struct BackupTableEnd {
  std::uint64_t rows = 0;
};
struct BackupEnd {
  std::uint32_t tables = 0;
};
using BackupPart = std::variant<BackupStart, BackupTable, BackupRows, BackupTableEnd, BackupEnd>;

inline constexpr std::size_t backup_head_size = 128;
inline constexpr std::size_t largest_backup_rows = 64 * 1024;  // bytes in one part

// The associated data of every part behind this head.
crypto::Digest backup_binding(crypto::View head);

class BackupSealer {
 public:
  // Nothing if the key is none (of low order).
  static std::optional<BackupSealer> to(const crypto::PublicKey& recipient);

  // The file is the head and then what each call of `seal` returns, which lives until the next. The
  // parts come in the order above; rows of more than largest_backup_rows are a bug of the caller.
  crypto::View head() const noexcept { return head_; }
  crypto::View seal(const BackupPart& part);

 private:
  BackupSealer(const crypto::Bytes& sealed_key, const crypto::Secret<32>& key,
               const crypto::PublicKey& recipient);

  crypto::StreamSealer stream_;
  std::array<std::uint8_t, backup_head_size> head_{};
  crypto::Digest bound_{};
  crypto::WipedBytes plain_;
  crypto::Bytes part_;
};

class BackupReader {
 public:
  // Fills the span from the file and returns how many bytes it got: fewer only at the end.
  using Source = std::function<std::size_t(std::span<std::uint8_t>)>;

  // Reads the head.
  static boost::system::result<BackupReader> open(Source source, const crypto::BoxKey& key);

  // The next part. After BackupEnd, behind which nothing stands, or an error there is none. The
  // names in a table are not empty and of small letters and '_' alone.
  boost::system::result<BackupPart> next();
  // Which part the last call of `next` was about, from 1.
  std::uint64_t number() const noexcept { return number_; }

 private:
  BackupReader(Source source, const crypto::StreamHead& head, const crypto::Secret<32>& key,
               const crypto::Digest& bound);
  boost::system::result<BackupPart> understood(bool last);

  Source source_;
  crypto::StreamOpener stream_;
  crypto::Digest bound_{};
  crypto::Bytes cipher_;
  crypto::WipedBytes plain_;
  std::uint64_t number_ = 0;
  std::uint32_t tables_ = 0;
  bool in_table_ = false;
};

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::backup_errc> : std::true_type {};
