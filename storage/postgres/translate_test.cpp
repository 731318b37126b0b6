#include "storage/postgres/translate.hpp"

#include <doctest/doctest.h>

namespace ishara::storage::postgres {

TEST_CASE("each SQLSTATE becomes what the caller should do") {
  struct {
    const char* state;
    errc code;
  } const rows[] = {
      {"23505", errc::duplicate},    // unique_violation
      {"23514", errc::refused},      // check_violation
      {"23502", errc::refused},      // not_null_violation
      {"22P03", errc::refused},      // invalid_binary_representation
      {"54000", errc::refused},      // program_limit_exceeded
      {"40001", errc::conflict},     // serialization_failure
      {"40P01", errc::conflict},     // deadlock_detected
      {"55P03", errc::conflict},     // lock_not_available
      {"42501", errc::schema},       // insufficient_privilege
      {"42P01", errc::schema},       // undefined_table
      {"3D000", errc::schema},       // invalid_catalog_name
      {"28000", errc::schema},       // invalid_authorization_specification
      {"53100", errc::unavailable},  // disk_full
      {"57014", errc::unavailable},  // query_canceled, by its timeout
      {"57P01", errc::unavailable},  // admin_shutdown
      {"25006", errc::unavailable},  // read_only_sql_transaction: a standby
      {"XX000", errc::unavailable}, {"", errc::unavailable},  // the connection is gone
  };
  for (const auto& row : rows) {
    CAPTURE(row.state);
    CHECK(translate(row.state) == row.code);
  }
}

TEST_CASE("a connection string takes limits in both of its forms") {
  const Limits limits{std::chrono::milliseconds{2500}, std::chrono::milliseconds{700},
                      std::chrono::milliseconds{300}};
  CHECK(connection_string("postgresql:///ishara?host=/run/pg&user=ishara_desk", limits) ==
        "postgresql:///ishara?host=/run/pg&user=ishara_desk&connect_timeout=3"
        "&tcp_user_timeout=10000&keepalives_idle=10&keepalives_interval=5&keepalives_count=3"
        "&options="
        "-c%20client_min_messages%3Derror%20-c%20statement_timeout%3D700"
        "%20-c%20lock_timeout%3D300");
  CHECK(connection_string("postgresql://db/ishara", limits, "-c jit=off")
            .starts_with("postgresql://db/ishara?connect_timeout=3&"));
  CHECK(connection_string("dbname=ishara", limits, "-c jit=off") ==
        "dbname=ishara connect_timeout=3 tcp_user_timeout=10000 keepalives_idle=10"
        " keepalives_interval=5 keepalives_count=3 options='-c client_min_messages=error"
        " -c statement_timeout=700 -c lock_timeout=300 -c jit=off'");
}

}  // namespace ishara::storage::postgres
