#include "storage/postgres/translate.hpp"

#include <algorithm>
#include <utility>

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
  // The time limits of the session are the server's own: if its machine loses power or its network,
  // nobody tells us. The kernel would go on sending for a quarter of an hour, and one who only
  // listens would never notice. 10 s without an acknowledgement, or 10 s of silence and then three
  // probes 5 s apart without an answer, end the connection. Over a Unix socket libpq ignores them.
  const std::pair<std::string_view, std::string> parameters[] = {
      {"connect_timeout", std::to_string(seconds.count())},
      {"tcp_user_timeout", "10000"},
      {"keepalives_idle", "10"},
      {"keepalives_interval", "5"},
      {"keepalives_count", "3"},
  };

  std::string whole{url};
  const bool pairs = url.find("://") == std::string_view::npos;
  std::string_view before = pairs ? " " : url.find('?') == std::string_view::npos ? "?" : "&";
  for (const auto& [name, value] : parameters) {
    whole.append(before).append(name).append("=").append(value);
    if (!pairs) before = "&";
  }
  if (pairs) return whole + " options='" + options + "'";
  whole += "&options=";
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
