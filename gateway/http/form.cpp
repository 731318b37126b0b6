#include "gateway/http/form.hpp"

#include <algorithm>

namespace ishara::http {
namespace {

constexpr std::string_view blanks = " \t";

constexpr int hexadecimal(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

void append_decoded(crypto::WipedBuffer& out, std::string_view encoded) {
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%' && i + 2 < encoded.size()) {
      const int high = hexadecimal(encoded[i + 1]);
      const int low = hexadecimal(encoded[i + 2]);
      if (high >= 0 && low >= 0) {
        c = static_cast<char>(high * 16 + low);
        i += 2;
      }
    }
    out.push_back(c);
  }
}

// Calls `use` with each non-empty part between '&' signs, until it returns false.
template <class F>
bool each_part(std::string_view encoded, F use) {
  while (!encoded.empty()) {
    const auto end = std::min(encoded.find('&'), encoded.size());
    if (end > 0 && !use(encoded.substr(0, end))) return false;
    encoded.remove_prefix(std::min(end + 1, encoded.size()));
  }
  return true;
}

// The value of a media type parameter: a token, or a quoted string with backslash escapes.
std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string{value};
  value = value.substr(1, value.size() - 2);
  std::string result;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    result.push_back(value[i]);
  }
  return result;
}

// Where the parameter that starts at the front of `text` ends: the next ';' outside quotes.
std::size_t parameter_end(std::string_view text) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && quoted) {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ';' && !quoted) {
      return i;
    }
  }
  return text.size();
}

}  // namespace

crypto::WipedBuffer form_decode(std::string_view encoded) {
  crypto::WipedBuffer result;
  result.reserve(encoded.size());
  append_decoded(result, encoded);
  return result;
}

crypto::WipedBuffer percent_encode(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  crypto::WipedBuffer result;
  result.reserve(bytes.size() * 3);
  for (const char c : bytes) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      result.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result.push_back('%');
    result.push_back(digits[byte >> 4]);
    result.push_back(digits[byte & 15]);
  }
  return result;
}

boost::system::result<Form> Form::parse(std::string_view first, std::string_view second) {
  Form form;
  // Decoding never lengthens, so the buffer never moves and the views into it stay good.
  form.bytes_.reserve(first.size() + second.size());
  const auto decoded = [&form](std::string_view encoded) {
    const auto begin = form.bytes_.size();
    append_decoded(form.bytes_, encoded);
    return crypto::view(form.bytes_).substr(begin);
  };
  const auto add = [&](std::string_view part) {
    if (form.pairs_.size() == max_fields) return false;
    const auto equals = std::min(part.find('='), part.size());
    const auto name = decoded(part.substr(0, equals));
    const auto value = decoded(part.substr(std::min(equals + 1, part.size())));
    form.pairs_.push_back({name, value});
    return true;
  };
  if (!each_part(first, add) || !each_part(second, add)) return errc::too_many_fields;
  return form;
}

std::optional<std::string_view> Form::value(std::string_view name) const noexcept {
  for (const auto& pair : pairs_)
    if (pair.name == name) return pair.value;
  return std::nullopt;
}

boost::system::result<Form> read_form(const Request& request) {
  return Form::parse(request.query(),
                     is_form(request) ? crypto::view(request.body) : std::string_view{});
}

MediaType parse_media_type(std::string_view content_type) {
  MediaType result;
  auto end = parameter_end(content_type);
  result.name = lowered(trimmed(content_type.substr(0, end)));
  while (end < content_type.size()) {
    content_type.remove_prefix(end + 1);
    end = parameter_end(content_type);
    const auto parameter = content_type.substr(0, end);
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos || !result.charset.empty()) continue;
    if (lowered(trimmed(parameter.substr(0, equals))) == "charset")
      result.charset = lowered(unquoted(trimmed(parameter.substr(equals + 1))));
  }
  return result;
}

MediaType media_type(const Request& request) {
  return parse_media_type(request.field("content-type").value_or(std::string_view{}));
}

bool is_form(const Request& request) {
  return media_type(request).name == "application/x-www-form-urlencoded";
}

bool is_multipart(const Request& request) {
  return media_type(request).name == "multipart/form-data";
}

bool is_json(const Request& request) {
  const auto name = media_type(request).name;
  return name == "application/json" || name.ends_with("+json");
}

}  // namespace ishara::http
