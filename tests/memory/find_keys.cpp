// find_keys PID: takes the whole writable memory of a process, says "taken", then reads what the
// database holds from its standard input, and names every envelope that something in that memory
// opens. Only root may look into a process that is not dumpable; ends with 77 who may not.
//
//   box HEX     a KEYWRAP or RETADDR, the newest first
//   other HEX   anything else that is stored
//
// find_keys hold: seals as the gateway does, prints such lines, and keeps in its memory what opens
// them until its standard input ends: the control, which a search that has looked must find.
//
// Every 32 bytes at every byte offset count, because the product's own structures keep keys at odd
// ones. Each window is tried as a message key (its hash is the message id), as the secret half of
// an epk, as a shared key and as the point that a shared key is hashed from. Digits of a scalar, as
// libsodium leaves them on the stack when it makes a public key, are put together again. Left out
// are windows that no random key looks like: too few different bytes, zeros in a row, a pointer, or
// bytes that stand in the database anyway.

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/sender_keys.hpp"

namespace {

using namespace ishara;
using Window = std::array<std::uint8_t, 32>;

// 32 random bytes have fewer different values once in 10^7, and so many zeros in a row once in
// 10^8.
constexpr unsigned fewest_values = 22;
constexpr std::size_t zeros_in_a_row = 4;
// A one-time key that outlived its intake would be one of the last.
constexpr std::size_t newest = 16;

std::uint64_t eight_bytes(const std::uint8_t* at) {
  std::uint64_t out;
  std::memcpy(&out, at, sizeof out);
  return out;
}

struct NotAllowed {};

struct Memory {
  std::vector<crypto::Bytes> writable;            // one mapping each
  std::map<std::uint64_t, std::uint64_t> mapped;  // begin -> end, of everything

  bool is_pointer(std::uint64_t value) const {
    const auto after = mapped.upper_bound(value);
    return after != mapped.begin() && value < std::prev(after)->second;
  }
};

Memory memory_of(const std::string& process) {
  Memory out;
  const int file = ::open(("/proc/" + process + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && (errno == EACCES || errno == EPERM)) throw NotAllowed{};
  if (file < 0) throw std::runtime_error{"there is no such process"};
  std::ifstream maps{"/proc/" + process + "/maps"};
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    char mode[5];
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3) continue;
    out.mapped[begin] = end;
    if (mode[1] != 'w') continue;
    crypto::Bytes part(end - begin);
    for (std::size_t at = 0; at < part.size();) {
      const auto got =
          ::pread(file, part.data() + at, part.size() - at, static_cast<off_t>(begin + at));
      if (got <= 0) throw std::runtime_error{"a mapping cannot be read: " + line};
      at += static_cast<std::size_t>(got);
    }
    out.writable.push_back(std::move(part));
  }
  ::close(file);
  return out;
}

// What stands eight bytes in a row in the database.
class Known {
 public:
  void add(std::span<const std::uint8_t> bytes) {
    for (std::size_t at = 0; at + 8 <= bytes.size(); ++at) all_.push_back(eight_bytes(&bytes[at]));
  }
  void seal() {
    std::ranges::sort(all_);
    for (const auto value : all_) maybe_[place(value)] = true;
  }
  bool contains(std::uint64_t value) const {
    return maybe_[place(value)] && std::ranges::binary_search(all_, value);
  }

 private:
  static std::size_t place(std::uint64_t value) { return value * 0x9e3779b97f4a7c15 >> 40; }
  std::vector<std::uint64_t> all_;
  std::vector<bool> maybe_ = std::vector<bool>(std::size_t{1} << 24);  // spares most searches
};

struct Box {
  crypto::Id report_id{};
  crypto::Id message_id{};
  crypto::PublicKey epk{};
  crypto::Nonce nonce{};
  std::array<std::uint8_t, 80> sealed{};
};

Box box_of(std::span<const std::uint8_t, identity::box_envelope_size> envelope) {
  Box box;
  std::ranges::copy(envelope.subspan(8, 16), box.report_id.begin());
  std::ranges::copy(envelope.subspan(24, 16), box.message_id.begin());
  std::ranges::copy(envelope.subspan(56, 32), box.epk.begin());
  std::ranges::copy(envelope.subspan(88, 24), box.nonce.begin());
  std::ranges::copy(envelope.subspan(112, 80), box.sealed.begin());
  return box;
}

struct Stored {
  std::vector<Box> to_open;  // one for each shared epk, and the newest
  std::set<crypto::Id> message_ids;
  std::set<crypto::PublicKey> epks;
  Known bytes;
};

Stored read_stored(std::istream& in) {
  Stored out;
  std::map<crypto::PublicKey, std::set<crypto::Id>> reports_of;
  std::vector<Box> boxes;
  for (std::string kind, hex; in >> kind >> hex;) {
    const auto bytes = crypto::from_hex(hex);
    if (!bytes || (kind == "box" && bytes->size() != identity::box_envelope_size))
      throw std::runtime_error{"not a line as described"};
    out.bytes.add(*bytes);
    if (kind != "box") continue;
    boxes.push_back(box_of(std::span<const std::uint8_t, identity::box_envelope_size>{*bytes}));
    reports_of[boxes.back().epk].insert(boxes.back().report_id);
    out.message_ids.insert(boxes.back().message_id);
    out.epks.insert(boxes.back().epk);
  }
  out.bytes.seal();
  std::set<crypto::PublicKey> taken;
  std::size_t one_time = 0;
  for (const auto& box : boxes) {
    if (reports_of[box.epk].size() == 1 && ++one_time > newest) continue;
    if (taken.insert(box.epk).second || reports_of[box.epk].size() == 1) out.to_open.push_back(box);
  }
  return out;
}

// Every window that may be a key, once.
std::vector<Window> windows_of(const Memory& memory, const Stored& stored) {
  std::vector<Window> out;
  for (const auto& part : memory.writable) {
    std::array<unsigned, 256> count{};
    unsigned values = 0;
    std::size_t zeros = 0;
    std::size_t begin = 0;  // of the first window without anything that no key has
    for (std::size_t end = 1; end <= part.size(); ++end) {
      if (count[part[end - 1]]++ == 0) ++values;
      if (end > 32 && --count[part[end - 33]] == 0) --values;
      zeros = part[end - 1] == 0 ? zeros + 1 : 0;
      if (zeros >= zeros_in_a_row) begin = end - zeros_in_a_row + 1;
      if (end < 8) continue;
      const auto eight = eight_bytes(&part[end - 8]);
      if (memory.is_pointer(eight) || stored.bytes.contains(eight)) begin = end - 7;
      if (end < begin + 32 || values < fewest_values) continue;
      std::copy_n(&part[end - 32], 32, out.emplace_back().begin());
    }
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Scalars that stand in memory as 64 signed digits to the base of 16.
std::vector<Window> scalars_of(const Memory& memory) {
  std::vector<Window> out;
  for (const auto& part : memory.writable) {
    std::size_t run = 0;    // bytes between -8 and 8
    std::size_t zeros = 0;  // of the last 64
    const auto small = [](std::uint8_t byte) { return byte <= 8 || byte >= 0xf8; };
    for (std::size_t end = 0; end < part.size(); ++end) {
      run = small(part[end]) ? run + 1 : 0;
      zeros += part[end] == 0;
      if (end >= 64) zeros -= part[end - 64] == 0;
      if (run < 64 || zeros > 32) continue;
      std::array<int, 64> digits{};
      for (std::size_t i = 0; i < 64; ++i) digits[i] = static_cast<std::int8_t>(part[end - 63 + i]);
      for (std::size_t i = 0; i + 1 < 64; ++i) {
        if (digits[i] >= 0) continue;
        digits[i] += 16;
        --digits[i + 1];
      }
      if (digits[63] < 0) continue;
      auto& scalar = out.emplace_back();
      for (std::size_t i = 0; i < 32; ++i)
        scalar[i] = static_cast<std::uint8_t>(digits[2 * i] | digits[2 * i + 1] << 4);
    }
  }
  return out;
}

class Search {
 public:
  explicit Search(const Stored& stored) : stored_{stored} {}

  void try_as_secret_half(const Window& window) {
    crypto::PublicKey epk;
    crypto_scalarmult_base(epk.data(), window.data());
    if (stored_.epks.contains(epk)) found("sender", epk);
  }
  void try_as_any(const Window& window) {
    const auto message_id = identity::message_id_of(crypto::Secret<32>{window});
    if (stored_.message_ids.contains(message_id)) found("message", message_id);
    try_as_secret_half(window);
    static constexpr std::array<std::uint8_t, 16> zeros{};
    Window hashed;
    crypto_core_hsalsa20(hashed.data(), zeros.data(), window.data(), nullptr);
    for (const auto& box : stored_.to_open) {
      std::array<std::uint8_t, 64> plain;
      for (const auto& key : {window, hashed})
        if (crypto_box_open_easy_afternm(plain.data(), box.sealed.data(), box.sealed.size(),
                                         box.nonce.data(), key.data()) == 0)
          found("shared", box.epk);
    }
  }
  const std::set<std::string>& all() const { return found_; }

 private:
  void found(const char* what, std::span<const std::uint8_t> id) {
    const std::scoped_lock lock{mutex_};
    found_.insert(std::string{what} + " " + crypto::hex(id));
  }

  const Stored& stored_;
  std::mutex mutex_;
  std::set<std::string> found_;
};

int search(const std::string& process) {
  const auto memory = memory_of(process);
  std::cout << "taken" << std::endl;
  const auto stored = read_stored(std::cin);
  const auto windows = windows_of(memory, stored);
  Search search{stored};
  for (const auto& scalar : scalars_of(memory)) search.try_as_secret_half(scalar);
  const std::size_t workers = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::jthread> threads;
  for (std::size_t worker = 0; worker < workers; ++worker)
    threads.emplace_back([&, worker] {
      for (auto at = worker; at < windows.size(); at += workers) search.try_as_any(windows[at]);
    });
  threads.clear();
  for (const auto& line : search.all()) std::cout << line << '\n';
  std::cout << "windows " << windows.size() << '\n';
  return 0;
}

int hold() {
  const identity::SenderKeys::Seconds now{};
  const auto recipient = crypto::box_key().public_key;
  const auto report_id = crypto::random_bytes<16>();
  const auto text = identity::seal_text(1, report_id, crypto::bytes_of("{}"));
  const auto print = [&](const identity::SenderHalf& half) {
    const auto wrap = identity::wrap_key(text.key, crypto::random_bytes<16>(), text.message_id,
                                         {crypto::key_id(recipient), 1}, half);
    std::cout << "box " << crypto::hex(wrap) << '\n';
  };
  identity::SenderKeys keys;
  auto own = keys.intake(now);
  print(*own.to(recipient));
  for (int i = 0; i < 1000; ++i) (void)keys.intake(now).to(recipient);
  for (int i = 0; i < 2; ++i) {
    auto flooded = keys.intake(now);
    print(*flooded.to(recipient));
  }
  std::cout << "ready" << std::endl;
  std::cin.get();
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: find_keys PID | hold\n";
    return 2;
  }
  try {
    crypto::start();
    const std::string what = arguments[1];
    return what == "hold" ? hold() : search(what);
  } catch (const NotAllowed&) {
    return 77;
  } catch (const std::exception& error) {
    std::cerr << "find_keys: " << error.what() << '\n';
    return 1;
  }
}
