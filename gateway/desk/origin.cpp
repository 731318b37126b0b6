#include "gateway/desk/origin.hpp"

#include <algorithm>
#include <string_view>

namespace ishara::desk {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::optional<config::IpAddress> origin_of(const http::Request& request,
                                           std::span<const config::IpAddress> proxies) {
  const auto is_proxy = [&](const config::IpAddress& address) {
    return std::ranges::find(proxies, address) != proxies.end();
  };
  if (!request.peer || !is_proxy(*request.peer)) return request.peer;
  // A field that is there twice is one list.
  for (auto field = request.fields.rbegin(); field != request.fields.rend(); ++field) {
    if (field->name != "x-forwarded-for") continue;
    auto left = crypto::view(field->value);
    for (bool more = true; more;) {
      const auto comma = left.rfind(',');
      more = comma != left.npos;
      const auto word = more ? left.substr(comma + 1) : left;
      const auto address = config::ip_address_of(trimmed(word));
      if (!address) return request.peer;
      if (!is_proxy(*address)) return address;
      if (more) left = left.substr(0, comma);
    }
  }
  return request.peer;
}

}  // namespace ishara::desk
