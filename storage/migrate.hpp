#pragma once
// Brings a database to the schema of this program: plain SQL files, forward only, part of the
// binary. An applied file is never changed: its hash is stored and compared at each run.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/errc.hpp"

namespace ishara::storage {

struct Migrated {
  std::vector<std::string> applied;  // names of the files of this run, in order
  std::uint32_t version = 0;         // of the schema now
};

namespace blocking {

// `url` connects as ishara_owner, or as a superuser, who also makes the missing roles. The database
// belongs to ishara_owner. Each file is one transaction; two runs at once wait for each other.
// Errors: `changed`, `schema` (the role may not do this, or the schema is newer than the program),
// `unavailable`.
result<Migrated> migrate(const std::string& url);
// The same up to `version`, for rows of that schema. `schema` if there is no such version.
result<Migrated> migrate_to(const std::string& url, std::uint32_t version);

// The version of the schema; `schema` unless it is exactly the one of this program. Any role may
// ask: what a service checks when it starts.
result<std::uint32_t> check_schema(const std::string& url);

}  // namespace blocking
}  // namespace ishara::storage
