// A file that is said to be a backup: as it lies there, and, since the key is public, also with its
// parts sealed as they ought to be.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/identity/backup_file.hpp"

namespace {

using namespace ishara;

void read_all(crypto::View file, const crypto::BoxKey& key) {
  auto rest = file;
  auto reader = identity::BackupReader::open(
      [&rest](std::span<std::uint8_t> out) {
        const auto count = std::min(out.size(), rest.size());
        std::copy_n(rest.begin(), count, out.begin());
        rest = rest.subspan(count);
        return count;
      },
      key);
  if (!reader) return;
  for (;;) {
    const auto part = reader->next();
    if (!part) return;
    if (const auto* table = std::get_if<identity::BackupTable>(&*part);
        table != nullptr && (table->name.empty() || table->columns.empty()))
      std::abort();
    if (!std::holds_alternative<identity::BackupEnd>(*part)) continue;
    if (!rest.empty()) std::abort();
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key = [] {
    crypto::start();
    return crypto::box_key(crypto::Secret<32>{});
  }();
  const crypto::View input{data, size};
  read_all(input, key);

  // Behind a good head: one byte for the size of each part, and whether it is the last.
  auto sealer = identity::BackupSealer::to(key.public_key);
  if (!sealer) std::abort();
  crypto::Bytes file{sealer->head().begin(), sealer->head().end()};
  file.insert(file.end(), input.begin(), input.end());
  read_all(file, key);

  const auto stream_key = crypto::Secret<32>{};
  crypto::StreamSealer stream{stream_key};
  file.resize(8 + 16);
  const auto sealed_key = crypto::seal(stream_key.reveal(), key.public_key);
  if (!sealed_key) std::abort();
  file.insert(file.end(), sealed_key->begin(), sealed_key->end());
  file.insert(file.end(), stream.head().begin(), stream.head().end());
  const auto bound = identity::backup_binding(file);
  for (auto rest = input; rest.size() > 1;) {
    const auto plain = rest.subspan(1, std::min<std::size_t>(rest[0] & 0x7f, rest.size() - 1));
    crypto::Bytes part(plain.size() + crypto::stream_overhead);
    stream.seal(part, plain, bound, rest[0] >= 0x80);
    for (int shift = 24; shift >= 0; shift -= 8)
      file.push_back(static_cast<std::uint8_t>(part.size() >> shift));
    file.insert(file.end(), part.begin(), part.end());
    rest = rest.subspan(1 + plain.size());
  }
  read_all(file, key);
  return 0;
}
