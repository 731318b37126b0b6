#pragma once
// From what Postgres says to what our callers need to know. Pure; thread-safe.

#include <chrono>
#include <string>
#include <string_view>

#include "storage/errc.hpp"

namespace ishara::storage::postgres {

// The errc of a five-character SQLSTATE (Postgres manual, appendix A); empty means that the
// connection is gone. The text of the message is never looked at: it quotes values.
errc translate(std::string_view sqlstate) noexcept;

struct Limits {
  std::chrono::milliseconds connect{3000};
  std::chrono::milliseconds statement{5000};
  std::chrono::milliseconds lock{2000};
};

// `url` (URL or key=value form) with time limits and `settings` ("-c name=value ...") for the
// session, all of which the server applies before the first statement. With TCP probes too, so that
// a connection whose other end has vanished ends by itself within half a minute.
std::string connection_string(std::string_view url, const Limits& limits,
                              std::string_view settings = {});

}  // namespace ishara::storage::postgres
