// What the values of a message of the provider `external` say.

#include <algorithm>
#include <utility>

#include "gateway/aggregators/external.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::aggregators {
namespace {

using config::External;

std::string_view word(const std::optional<crypto::WipedBuffer>& text) noexcept {
  return view_of(text).value_or("");
}

}  // namespace

std::optional<std::chrono::sys_seconds> time_in(std::string_view text,
                                                const External& description) {
  using Format = External::TimeFormat;
  switch (description.time_format) {
    case Format::iso8601:
      return read_iso8601(text);
    case Format::unix_seconds:
      return read_unix(text);
    case Format::unix_milliseconds:
      return read_unix_milliseconds(text);
    case Format::pattern:
      return config::read_time(description.time_pattern, description.time_offset,
                               std::string{text.substr(0, 100)});
    case Format::ignore:
      break;
  }
  return std::nullopt;
}

identity::Text text_in(const Described& entry, std::string_view text, i18n::Charset declared,
                       const External& description, const ChannelSettings& settings) {
  if (const auto named = i18n::charset_from_name(word(entry.at(description.charset))))
    if (*named != i18n::Charset::unspecified) declared = *named;
  using Encoding = External::TextEncoding;
  const auto read = [&](const auto& bytes) {
    const std::string_view all{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    return read_text(all, declared, settings);
  };
  // What is not so encoded after all is read as it stands: somebody wrote it.
  if (description.text_encoding == Encoding::percent) return read(http::form_decode(text));
  if (description.text_encoding == Encoding::hex)
    if (const auto bytes = crypto::from_hex_wiped(text)) return read(*bytes);
  if (description.text_encoding == Encoding::base64)
    if (const auto bytes = crypto::from_base64_wiped(text)) return read(*bytes);
  return read(text);
}

std::optional<Part> part_in(const Described& entry, const External& description) {
  const auto reference = entry.at(description.part_reference);
  const auto total = read_whole(word(entry.at(description.part_total)));
  const auto number = read_whole(word(entry.at(description.part_number)));
  if (word(reference).empty() || !total || !number || *total < 2 || *total > 255 || *number < 1 ||
      *number > *total)
    return std::nullopt;
  std::uint16_t mixed = 0;
  for (const char c : *reference)
    mixed = static_cast<std::uint16_t>(mixed * 31 + static_cast<std::uint8_t>(c));
  return Part{mixed, static_cast<std::uint8_t>(*total), static_cast<std::uint8_t>(*number)};
}

// Of several lists that hold a word, the one that holds it whole.
std::optional<Status> status_in(std::string_view said, const External& description) {
  const std::pair<const config::Words*, Status> lists[] = {
      {&description.delivered, Status::delivered},
      {&description.failed, Status::failed},
      {&description.sent, Status::sent},
      {&description.queued, Status::queued}};
  for (const bool whole : {true, false})
    for (const auto& [words, status] : lists)
      for (const auto& one : *words)
        if (whole != one.ends_with('*') && is_one_of({one}, said)) return status;
  return std::nullopt;
}

// Two octets of size before each value, in the order of the description's gaps.
crypto::WipedBuffer echo_of(const Described& entry, const External& description) {
  crypto::WipedBuffer out;
  for (const auto& gap : description.echoed()) {
    const auto place = config::read_place(std::string_view{gap}.substr(8));
    const auto value = place ? entry.at(*place) : std::nullopt;
    // An answer is UTF-8, whatever the request is.
    auto text = i18n::decode(word(value), i18n::Charset::unspecified, crypto::wiping_resource());
    if (text.size() > 0xFFFF) text.clear();
    out.push_back(static_cast<char>(text.size() >> 8));
    out.push_back(static_cast<char>(text.size() & 0xFF));
    out.insert(out.end(), text.begin(), text.end());
  }
  return out;
}

crypto::WipedBuffer echoed(std::string_view gap, std::string_view echo,
                           const External& description) {
  for (const auto& name : description.echoed()) {
    if (echo.size() < 2) break;
    const auto size = static_cast<std::size_t>(static_cast<std::uint8_t>(echo[0])) << 8 |
                      static_cast<std::uint8_t>(echo[1]);
    if (name == gap) return crypto::wiped_copy(echo.substr(2, size));
    echo.remove_prefix(std::min(echo.size(), 2 + size));
  }
  return {};
}

}  // namespace ishara::aggregators
