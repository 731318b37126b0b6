#pragma once
// How the Postgres server is set, for `ishara doctor` (privacy.md section 14).

#include <map>
#include <string>

#include "storage/errc.hpp"

namespace ishara::storage {

struct ServerSettings {
  std::map<std::string, std::string> values;  // of the settings that matter for privacy
  bool statement_statistics = false;          // pg_stat_statements is installed in this database
};

namespace blocking {

// Any role may ask. Errors: `unavailable`.
result<ServerSettings> server_settings(const std::string& url);

}  // namespace blocking
}  // namespace ishara::storage
