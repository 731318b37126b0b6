#pragma once
// A key on three sheets of paper, of which any two give it back and one gives nothing: replicated
// XOR shares (privacy.md section 5). key = s1 ⊕ s2 ⊕ s3, where two of the three are random; sheet A
// holds (s1, s2), B (s2, s3), C (s3, s1). To whoever has one sheet every key is equally likely.
//
// What people type back from a sheet are 11 lines of four groups of four characters:
//
//   line  1       version 1 ‖ kind 1 ‖ letter 1 ‖ first 5 bytes of the kid of the public key
//   lines 2, 3    the id that goes with the key: the deployment's, or the organisation's
//   lines 4 to 7  the first part of this sheet
//   lines 8 to 11 the second part
//
// A line is 8 bytes and 2 of BLAKE2b over "ishara/v1/sheet\0" ‖ number of the line ‖ bytes of line
// 1 (from line 2 on) ‖ bytes of the line: a mistyped line, one in another's place and one of
// another sheet are found, and which it is. The letters are Crockford's: no I, L, O or U is
// written, I and L are read as 1, O as 0; case, spaces and hyphens do not matter.
//
// Pure functions, thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/crypto/primitives.hpp"
#include "gateway/crypto/wipe.hpp"
#include "gateway/identity/key_kind.hpp"
#include "gateway/identity/sealed_key.hpp"

namespace ishara::identity {

enum class shares_errc {
  same_sheet = 1,  // both have the same letter
  different_keys,  // they belong to two keys
  different_sets,  // of one key, but made at two times
  wrong_key,       // what they give is not the key whose mark they bear
};
const boost::system::error_category& shares_category() noexcept;
inline boost::system::error_code make_error_code(shares_errc code) noexcept {
  return {static_cast<int>(code), shares_category()};
}

struct Sheet {
  KeyKind kind = KeyKind::root;
  char letter = 'A';
  crypto::Id id{};
  std::array<std::uint8_t, 5> mark{};  // of the public key
  crypto::Secret<32> first;
  crypto::Secret<32> second;
};

// A, B and C of a root, organisation or recovery key.
std::array<Sheet, 3> split(const HeldKey& key);
// The order of the two does not matter.
boost::system::result<HeldKey> combine(const Sheet& left, const Sheet& right);

inline constexpr std::size_t sheet_lines = 11;
// The line of this number, 1 to 11, without the number.
crypto::WipedBuffer sheet_line(const Sheet& sheet, std::size_t number);

// What stands on the paper beside the lines.
struct SheetHeading {
  std::string name;    // of the deployment or organisation
  std::string holder;  // empty: to be filled in by hand
  std::string day;     // on which it was made
  crypto::PublicKey public_key{};
};
// One page of 72 columns, with how to keep it.
crypto::WipedBuffer printed(const Sheet& sheet, const SheetHeading& heading);

struct SheetMistake {
  std::size_t line = 0;  // of the sheet, 1 to 11; 0: the sheet as a whole
  std::string what;      // for the person who types; quotes nothing of the line
};

// Takes the lines in their order, as somebody types them.
class SheetReader {
 public:
  // The number of the line that is expected now; sheet_lines + 1 when all are there.
  std::size_t next() const noexcept { return next_; }
  // What is wrong with it, in which case the same line is expected again.
  std::optional<std::string> take(std::string_view typed);
  // When all are there.
  Sheet sheet() const;

 private:
  std::size_t next_ = 1;
  crypto::WipedBytes bytes_;
};

// Either a sheet or all mistakes at once.
struct ReadSheet {
  std::optional<Sheet> sheet;
  std::vector<SheetMistake> mistakes;
};
// Of a file: the lines that begin with a number, in any order; all other lines are not looked at.
// The printed page is such a file, and so are the 11 lines alone.
ReadSheet read_sheet(std::string_view text);

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::shares_errc> : std::true_type {};
