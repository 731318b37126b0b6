#pragma once
// A text with gaps, "to={{to}}&text={{text}}", as the files of a channel hold them. It is read
// once, when the file is; who fills it does so in one pass (aggregators/filled.hpp), so that
// nothing that is put into a gap is ever read as a gap. Values like any other; immutable once read.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ishara::config {

// In what way a value must be written so that it cannot end what it stands in.
enum class Escaping : std::uint8_t {
  none,     // plain text: as it is
  percent,  // a query or a form
  json,
  xml,
  header,  // a line of a head: as it is, or not at all
};

// That of a body of this media type ("application/json; charset=utf-8").
Escaping escaping_of(std::string_view media_type) noexcept;

class Template {
 public:
  struct Piece {
    std::string text;  // what stands there, or the name of the gap
    bool is_gap = false;
    bool is_quoted = false;  // a gap of JSON that has its quotes around it already
  };

  // Takes `text`. `gaps` are the names that may stand in it; one that ends in ':' takes any further
  // words, "{{request:session}}". Returns what is wrong with the text, or nothing.
  std::optional<std::string> read(std::string_view text, Escaping escaping,
                                  std::span<const std::string_view> gaps);

  std::span<const Piece> pieces() const noexcept { return pieces_; }
  Escaping escaping() const noexcept { return escaping_; }
  bool empty() const noexcept { return pieces_.empty(); }
  bool has(std::string_view gap) const noexcept;

 private:
  std::vector<Piece> pieces_;
  Escaping escaping_ = Escaping::none;
};

}  // namespace ishara::config
