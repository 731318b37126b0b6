// A form from any bytes: decoding what was encoded gives the same pairs back.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/http/form.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto type = http::parse_media_type(bytes);
  if (type.name.size() + type.charset.size() > size) std::abort();

  const auto form = http::Form::parse(bytes.substr(0, size / 2), bytes.substr(size / 2));
  if (!form) return 0;
  std::string encoded;
  for (const auto& [name, value] : form->pairs()) {
    encoded += crypto::view(http::percent_encode(name));
    encoded += '=';
    encoded += crypto::view(http::percent_encode(value));
    encoded += '&';
  }
  const auto again = http::Form::parse(encoded);
  if (!again || again->pairs().size() != form->pairs().size()) std::abort();
  for (std::size_t i = 0; i < form->pairs().size(); ++i) {
    if (again->pairs()[i].name != form->pairs()[i].name) std::abort();
    if (again->pairs()[i].value != form->pairs()[i].value) std::abort();
  }
  return 0;
}
