#pragma once
// What several stores write in the same way. Threads: those of the transaction.

#include "storage/postgres/session.hpp"

namespace ishara::storage::postgres {

// The gateway may insert and not read: ON CONFLICT without a column needs no more.
inline void put_statement(Transaction& transaction, const Statement& statement) {
  transaction.execute(
      "INSERT INTO statement (hash, report_id, bytes) VALUES ($1::uuid, $2::uuid, $3::bytea)"
      " ON CONFLICT DO NOTHING",
      {parameter(statement.hash), parameter(statement.report_id), parameter(statement.bytes)});
  transaction.execute("SELECT pg_notify('owner', $1)", {parameter(statement.report_id)});
}

}  // namespace ishara::storage::postgres
