#pragma once
// The migrations as they lie in storage/migrations, put into the binary by the build.

#include <span>
#include <string_view>

namespace ishara::storage::postgres {

struct Migration {
  std::string_view name;  // of the file, without its ending
  std::string_view sql;
};

// In order; the first is version 1.
std::span<const Migration> migrations() noexcept;
// storage/roles.sql: run each time, changes nothing the second time.
std::string_view roles() noexcept;

}  // namespace ishara::storage::postgres
