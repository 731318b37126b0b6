#include "gateway/aggregators/filled.hpp"

#include <algorithm>

#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/xml.hpp"

namespace ishara::aggregators {
namespace {

using config::Escaping;

crypto::WipedBuffer escaped(const crypto::WipedBuffer& value, Escaping escaping, bool is_quoted) {
  const auto text = crypto::view(value);
  switch (escaping) {
    case Escaping::none:
      break;
    case Escaping::percent:
      return http::percent_encode(text);
    case Escaping::xml: {
      // A template may have its attributes in single quotes.
      crypto::WipedBuffer out;
      for (const char c : xml_escaped(text)) {
        const auto words = c == '\'' ? std::string_view{"&#39;"} : std::string_view{&c, 1};
        out.insert(out.end(), words.begin(), words.end());
      }
      return out;
    }
    case Escaping::json: {
      JsonWriter json;
      auto out = std::move(json.text(text)).take();
      if (!is_quoted) return out;
      return {out.begin() + 1, out.end() - 1};
    }
    case Escaping::header:
      if (std::ranges::any_of(text, [](char c) { return c >= 0 && c < 0x20; }) ||
          text.find('\x7F') != text.npos)
        return {};
      break;
  }
  return value;
}

// What an escaped value says; nothing if it is none.
std::optional<std::string> unescaped(std::string_view value, Escaping escaping, bool is_quoted) {
  switch (escaping) {
    case Escaping::percent:
      return std::string{crypto::view(http::form_decode(value))};
    case Escaping::xml: {
      const auto text = Xml{crypto::view(joined({"<a>", value, "</a>"}))}.text("a");
      if (!text) return std::nullopt;
      return std::string{crypto::view(*text)};
    }
    case Escaping::json: {
      const std::string_view quote = is_quoted ? "\"" : "";
      const auto text =
          Json{crypto::view(joined({"{\"a\":", quote, value, quote, "}"}))}.text({"a"});
      if (!text) return std::nullopt;
      return std::string{crypto::view(*text)};
    }
    case Escaping::none:
    case Escaping::header:
      break;
  }
  return std::string{value};
}

}  // namespace

crypto::WipedBuffer filled(const config::Template& text,
                           const std::function<crypto::WipedBuffer(std::string_view)>& value) {
  crypto::WipedBuffer out;
  const auto add = [&out](std::string_view part) {
    out.insert(out.end(), part.begin(), part.end());
  };
  for (const auto& piece : text.pieces()) {
    // Digits that JSON has as a number, where no quotes stand around them.
    const bool is_number = piece.text.starts_with("valid_") && !piece.is_quoted;
    const auto escaping = is_number ? Escaping::none : text.escaping();
    if (piece.is_gap)
      add(crypto::view(escaped(value(piece.text), escaping, piece.is_quoted)));
    else
      add(piece.text);
  }
  return out;
}

std::optional<std::string> unfilled(const config::Template& text, std::string_view whole) {
  std::optional<std::string> out;
  const auto pieces = text.pieces();
  for (std::size_t at = 0; at < pieces.size(); ++at) {
    const auto& piece = pieces[at];
    if (!piece.is_gap) {
      if (!whole.starts_with(piece.text)) return std::nullopt;
      whole.remove_prefix(piece.text.size());
      continue;
    }
    // The last of two words in a row ends what stands before it.
    const bool is_last = at + 1 == pieces.size();
    const auto end = is_last                   ? whole.size()
                     : at + 2 == pieces.size() ? whole.rfind(pieces[at + 1].text)
                                               : whole.find(pieces[at + 1].text);
    if (end == whole.npos) return std::nullopt;
    if (piece.text == "text")
      out = unescaped(whole.substr(0, end), text.escaping(), piece.is_quoted);
    whole.remove_prefix(end);
  }
  if (!whole.empty()) return std::nullopt;
  return out;
}

}  // namespace ishara::aggregators
