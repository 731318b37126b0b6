#pragma once
// Who sent a text. `Msisdn` is a telephone number in E.164 form; `Sender` is that or one of the two
// kinds that nobody may ever answer automatically: a short code and an alphanumeric id.
// All are move-only, in fixed storage, wiped on move and destruction, and unprintable; every use of
// the digits is found with `grep 'reveal('`. Sources: ITU-T E.164; channels.md 1.4.

#include <array>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "gateway/crypto/secret.hpp"
#include "gateway/crypto/wipe.hpp"

namespace ishara::identity {

enum class sender_errc {
  empty = 1,     // nothing but spaces and punctuation
  not_a_number,  // characters that belong to no kind of sender
  too_long,      // more than 15 digits, or an alphanumeric id of more than 20 characters
  too_short,     // fewer than 3 digits
};
const boost::system::error_category& sender_category() noexcept;
inline boost::system::error_code make_error_code(sender_errc code) noexcept {
  return {static_cast<int>(code), sender_category()};
}

// Up to N characters that are wiped when they leave.
template <std::size_t N>
class Digits {
 public:
  // `text` has at most N characters: checked by the parser of the type that owns this.
  explicit Digits(std::string_view text) noexcept : size_{text.size()} {
    text.copy(characters_.data(), N);
  }
  // `first` and then `second`, together at most N characters.
  Digits(std::string_view first, std::string_view second) noexcept
      : size_{first.size() + second.size()} {
    first.copy(characters_.data(), N);
    second.copy(characters_.data() + first.size(), N - first.size());
  }
  Digits(Digits&& from) noexcept : characters_{from.characters_}, size_{from.size_} { from.wipe(); }
  Digits& operator=(Digits&& from) noexcept {
    if (this != &from) {
      characters_ = from.characters_;
      size_ = from.size_;
      from.wipe();
    }
    return *this;
  }
  Digits(const Digits&) = delete;
  Digits& operator=(const Digits&) = delete;
  ~Digits() { wipe(); }

  std::string_view view() const noexcept { return {characters_.data(), size_}; }

 private:
  void wipe() noexcept {
    crypto::wipe(characters_.data(), N);
    size_ = 0;
  }
  std::array<char, N> characters_{};
  std::size_t size_{};
};

class Msisdn {
 public:
  // Digits of E.164 without the plus, 7 to 15 of them. `country` (ISO 3166-1, upper case, or empty)
  // turns national into international form and never refuses an international number.
  static boost::system::result<Msisdn> parse(std::string_view text, std::string_view country);
  // The very digits that `reveal` lent before, out of one of our own layouts.
  static boost::system::result<Msisdn> of_digits(std::string_view digits) noexcept;
  // The fixed form of RETADDR: length 1 ‖ digits 15, unused ones zero. What `fixed` could not have
  // written is an error.
  static boost::system::result<Msisdn> from_fixed(std::span<const std::uint8_t, 16> bytes) noexcept;
  crypto::Secret<16> fixed() const noexcept;

  // Lends the digits (no plus) to `use` for the length of the call: to seal, to tag, to answer.
  template <class F>
  decltype(auto) reveal(F&& use) const {
    return std::forward<F>(use)(digits_.view());
  }
  friend std::ostream& operator<<(std::ostream&, const Msisdn&) = delete;

 private:
  explicit Msisdn(Digits<15>&& digits) noexcept : digits_{std::move(digits)} {}
  Digits<15> digits_;
};

// 3 to 8 digits of a service; never answered automatically (loops with operators' services).
class ShortCode {
 public:
  explicit ShortCode(std::string_view digits) noexcept : digits_{digits} {}
  template <class F>
  decltype(auto) reveal(F&& use) const {
    return std::forward<F>(use)(digits_.view());
  }
  friend std::ostream& operator<<(std::ostream&, const ShortCode&) = delete;

 private:
  Digits<8> digits_;
};

// A sender id with letters ("MPESA"); cannot be answered.
class AlphanumericSender {
 public:
  explicit AlphanumericSender(std::string_view name) noexcept : name_{name} {}
  template <class F>
  decltype(auto) reveal(F&& use) const {
    return std::forward<F>(use)(name_.view());
  }
  friend std::ostream& operator<<(std::ostream&, const AlphanumericSender&) = delete;

 private:
  Digits<20> name_;
};

using Sender = std::variant<Msisdn, ShortCode, AlphanumericSender>;

// Reads any of the three as aggregators write them: spaces and punctuation, `00`, a lost plus,
// national form with the channel's country (channels.md 1.4). Without a plus, 3 to 8 digits are a
// short code. A national number of an unknown country stays as sent, an AlphanumericSender.
boost::system::result<Sender> parse_sender(std::string_view text, std::string_view country);

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::sender_errc> : std::true_type {};
