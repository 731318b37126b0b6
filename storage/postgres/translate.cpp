#include "storage/postgres/translate.hpp"

#include <algorithm>

namespace ishara::storage::postgres {

errc translate(std::string_view sqlstate) noexcept {
  const auto family = sqlstate.substr(0, 2);
  if (sqlstate == "23505") return errc::duplicate;
  // The row itself: bad value, failed check, or more than the server can hold.
  if (family == "22" || family == "23" || family == "54") return errc::refused;
  // Deadlock, serialisation, or a lock that did not come free in time.
  if (family == "40" || sqlstate == "55P03") return errc::conflict;
  // No such table or column, not permitted, no such database, not allowed to log in.
  if (family == "42" || family == "28" || family == "3D" || family == "3F") return errc::schema;
  // Shut down, out of room, cancelled by its timeout, read-only standby, and all the unforeseen.
  return errc::unavailable;
}

std::string connection_string(std::string_view url, const Limits& limits,
                              std::string_view settings) {
  std::string options = "-c client_min_messages=error -c statement_timeout=" +
                        std::to_string(limits.statement.count()) +
                        " -c lock_timeout=" + std::to_string(limits.lock.count());
  if (!settings.empty()) options.append(" ").append(settings);
  // libpq counts whole seconds and takes 1 for 2.
  const auto seconds = std::max<std::chrono::seconds>(
      std::chrono::ceil<std::chrono::seconds>(limits.connect), std::chrono::seconds{2});
  const std::string wait = std::to_string(seconds.count());

  std::string whole{url};
  if (url.find("://") == std::string_view::npos)
    return whole + " connect_timeout=" + wait + " options='" + options + "'";
  whole += url.find('?') == std::string_view::npos ? '?' : '&';
  whole += "connect_timeout=" + wait + "&options=";
  for (const char character : options) {
    if (character == ' ')
      whole += "%20";
    else if (character == '=')
      whole += "%3D";
    else
      whole += character;
  }
  return whole;
}

}  // namespace ishara::storage::postgres
