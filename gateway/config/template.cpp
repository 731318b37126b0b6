#include "gateway/config/template.hpp"

#include <algorithm>
#include <utility>

namespace ishara::config {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool is_known(std::string_view name, std::span<const std::string_view> gaps) noexcept {
  return std::ranges::any_of(gaps, [name](std::string_view gap) {
    return gap.ends_with(':') ? name.size() > gap.size() && name.starts_with(gap) : name == gap;
  });
}

std::string list_of(std::span<const std::string_view> gaps) {
  if (gaps.empty()) return "no gap may stand here";
  std::string out;
  for (const auto gap : gaps)
    out += (out.empty() ? "choose from {{" : ", {{") + std::string{gap} +
           (gap.ends_with(':') ? "PLACE}}" : "}}");
  return out;
}

// Whether a JSON text goes on inside of quotes behind `text`.
bool ends_quoted(std::string_view text, bool quoted) noexcept {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (text[at] == '\\' && quoted) ++at;
  }
  return quoted;
}

}  // namespace

Escaping escaping_of(std::string_view media_type) noexcept {
  const auto name = media_type.substr(0, media_type.find(';'));
  if (name.find("json") != name.npos) return Escaping::json;
  if (name.find("xml") != name.npos || name.find("html") != name.npos) return Escaping::xml;
  if (name.find("x-www-form-urlencoded") != name.npos) return Escaping::percent;
  return Escaping::none;
}

std::optional<std::string> Template::read(std::string_view text, Escaping escaping,
                                          std::span<const std::string_view> gaps) {
  escaping_ = escaping;
  pieces_.clear();
  bool quoted = false;
  while (!text.empty()) {
    const auto open = text.find("{{");
    const auto before = text.substr(0, open);
    if (!before.empty()) pieces_.push_back({std::string{before}, false, false});
    quoted = ends_quoted(before, quoted);
    if (open == text.npos) break;
    const auto close = text.find("}}", open);
    if (close == text.npos) return "has a gap {{ that no }} ends";
    const auto name = trimmed(text.substr(open + 2, close - open - 2));
    if (!is_known(name, gaps))
      return "has a gap {{...}} of a name that means nothing there; " + list_of(gaps);
    pieces_.push_back({std::string{name}, true, quoted && escaping == Escaping::json});
    text.remove_prefix(close + 2);
  }
  if (escaping == Escaping::json && quoted) return "is JSON with a quote that nothing closes";
  return std::nullopt;
}

bool Template::has(std::string_view gap) const noexcept {
  return std::ranges::any_of(
      pieces_, [gap](const Piece& piece) { return piece.is_gap && piece.text == gap; });
}

}  // namespace ishara::config
