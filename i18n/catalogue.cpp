#include "i18n/catalogue.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

constexpr std::size_t largest_file = 1024 * 1024;

// The file format is described in the gettext manual, section "The Format of GNU MO Files".
constexpr std::uint32_t magic = 0x950412DE;
constexpr std::size_t header_size = 28;
constexpr std::size_t descriptor_size = 8;
constexpr char context_end = '\x04';

// The caller has checked that four bytes are there.
std::uint32_t number_at(std::string_view bytes, std::size_t offset) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;)
    value = (value << 8) | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

// The string that the descriptor at `offset` describes: inside the file and NUL-terminated.
boost::system::result<std::string_view> string_at(std::string_view bytes, std::size_t offset) {
  const std::uint64_t length = number_at(bytes, offset);
  const std::uint64_t start = number_at(bytes, offset + 4);
  if (start + length >= bytes.size() || bytes[start + length] != '\0')
    return errc::broken_catalogue;
  return bytes.substr(start, length);
}

bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
  });
}

// A text is a sequence of plain stretches and placeholders; `placeholder` is empty at the end.
struct Piece {
  std::string_view plain;
  std::string_view placeholder;
};

// Takes the next piece off `text`; an error for a lone brace.
boost::system::result<Piece> take_piece(std::string_view& text) {
  const std::size_t brace = text.find_first_of("{}");
  Piece piece{text.substr(0, brace), {}};
  if (brace == text.npos) {
    text = {};
    return piece;
  }
  const std::size_t end = text.find('}', brace);
  if (text[brace] == '}' || end == text.npos) return errc::unknown_placeholder;
  piece.placeholder = text.substr(brace + 1, end - brace - 1);
  if (!is_name(piece.placeholder)) return errc::unknown_placeholder;
  text.remove_prefix(end + 1);
  return piece;
}

}  // namespace

boost::system::result<Catalogue> Catalogue::parse(std::string_view bytes) {
  if (bytes.size() < header_size || number_at(bytes, 0) != magic || number_at(bytes, 4) != 0)
    return errc::not_a_catalogue;
  const std::uint64_t count = number_at(bytes, 8);
  const std::uint64_t keys = number_at(bytes, 12);
  const std::uint64_t texts = number_at(bytes, 16);
  if (keys + count * descriptor_size > bytes.size() ||
      texts + count * descriptor_size > bytes.size())
    return errc::broken_catalogue;

  Catalogue catalogue;
  std::string_view previous;
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = string_at(bytes, keys + i * descriptor_size);
    if (!key) return key.error();
    const auto text = string_at(bytes, texts + i * descriptor_size);
    if (!text) return text.error();
    if (i > 0 && *key <= previous) return errc::unsorted_catalogue;
    previous = *key;
    if (!is_utf8(*key) || !is_utf8(*text)) return errc::not_utf8;

    if (i == 0) {  // the header has the empty key, which sorts first
      if (!key->empty() || text->find("charset=UTF-8") == text->npos) return errc::not_utf8;
      continue;
    }
    const std::size_t end = key->find(context_end);
    if (end == key->npos || !is_name(key->substr(0, end)) || key->find('\0') != key->npos ||
        text->find('\0') != text->npos)
      return errc::no_context;
    const std::string_view id = key->substr(0, end);
    // Names have no byte below the end of a context, so keys in order are ids in order.
    if (!catalogue.replies_.empty() && catalogue.replies_.back().id == id)
      return errc::duplicate_reply;
    catalogue.replies_.push_back(
        {std::string{id}, std::string{key->substr(end + 1)}, std::string{*text}});
  }
  return catalogue;
}

boost::system::result<Catalogue> Catalogue::load(const std::filesystem::path& file) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(file, failure);
  if (failure || size > largest_file) return errc::cannot_read;
  std::ifstream stream{file, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{stream}, {}};
  if (!stream || bytes.size() != size) return errc::cannot_read;
  return parse(bytes);
}

const Catalogue::Reply* Catalogue::find(std::string_view id) const noexcept {
  const auto place = std::lower_bound(
      replies_.begin(), replies_.end(), id,
      [](const Reply& reply, std::string_view wanted) { return reply.id < wanted; });
  return place != replies_.end() && place->id == id ? &*place : nullptr;
}

boost::system::result<std::string> fill(std::string_view text,
                                        std::span<const Placeholder> placeholders) {
  std::string filled;
  std::vector<std::string_view> used;
  while (!text.empty()) {
    const auto piece = take_piece(text);
    if (!piece) return piece.error();
    filled += piece->plain;
    if (piece->placeholder.empty()) continue;
    const auto value =
        std::find_if(placeholders.begin(), placeholders.end(),
                     [&](const Placeholder& p) { return p.name == piece->placeholder; });
    if (value == placeholders.end()) return errc::unknown_placeholder;
    filled += value->value;
    used.push_back(value->name);
  }
  for (const Placeholder& placeholder : placeholders)
    if (std::find(used.begin(), used.end(), placeholder.name) == used.end())
      return errc::missing_placeholder;
  return filled;
}

boost::system::result<std::vector<std::string_view>> placeholders_of(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const auto piece = take_piece(text);
    if (!piece) return piece.error();
    if (!piece->placeholder.empty()) found.push_back(piece->placeholder);
  }
  return found;
}

}  // namespace ishara::i18n
