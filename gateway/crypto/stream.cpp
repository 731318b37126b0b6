#include "gateway/crypto/stream.hpp"

#include <sodium.h>

namespace ishara::crypto {
namespace {

using State = crypto_secretstream_xchacha20poly1305_state;

static_assert(sizeof(State) == 52 && crypto_secretstream_xchacha20poly1305_KEYBYTES == 32);
static_assert(crypto_secretstream_xchacha20poly1305_HEADERBYTES == sizeof(StreamHead));
static_assert(crypto_secretstream_xchacha20poly1305_ABYTES == stream_overhead);

// libsodium's state for one call: lent from the bytes in which it is kept, put back and wiped.
class Lent {
 public:
  explicit Lent(Secret<52>& kept) noexcept : kept_{kept} {
    std::memcpy(&state_, kept_.reveal().data(), sizeof state_);
  }
  ~Lent() {
    std::memcpy(kept_.fill().data(), &state_, sizeof state_);
    wipe(&state_, sizeof state_);
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  State* get() noexcept { return &state_; }

 private:
  Secret<52>& kept_;
  State state_;
};

}  // namespace

StreamSealer::StreamSealer(const Secret<32>& key) noexcept {
  Lent state{state_};
  crypto_secretstream_xchacha20poly1305_init_push(state.get(), head_.data(), key.reveal().data());
}

void StreamSealer::seal(std::span<std::uint8_t> out, View plain, View associated,
                        bool last) noexcept {
  Lent state{state_};
  crypto_secretstream_xchacha20poly1305_push(
      state.get(), out.data(), nullptr, plain.data(), plain.size(), associated.data(),
      associated.size(), last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
}

StreamOpener::StreamOpener(const StreamHead& head, const Secret<32>& key) noexcept {
  Lent state{state_};
  crypto_secretstream_xchacha20poly1305_init_pull(state.get(), head.data(), key.reveal().data());
}

std::optional<bool> StreamOpener::open(std::span<std::uint8_t> out, View cipher,
                                       View associated) noexcept {
  Lent state{state_};
  unsigned char tag = 0;
  if (cipher.size() != out.size() + stream_overhead ||
      crypto_secretstream_xchacha20poly1305_pull(state.get(), out.data(), nullptr, &tag,
                                                 cipher.data(), cipher.size(), associated.data(),
                                                 associated.size()) != 0)
    return std::nullopt;
  return tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
}

}  // namespace ishara::crypto
