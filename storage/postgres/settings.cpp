#include "storage/settings.hpp"

#include "storage/postgres/session.hpp"

namespace ishara::storage::blocking {

result<ServerSettings> server_settings(const std::string& url) {
  postgres::Session session{url};
  return session.transact([](postgres::Transaction& transaction) {
    ServerSettings out;
    for (const auto& row : transaction.execute(
             "SELECT name, setting FROM pg_settings WHERE name IN ('log_error_verbosity',"
             " 'log_min_error_statement', 'log_parameter_max_length',"
             " 'log_parameter_max_length_on_error', 'log_statement', 'log_min_duration_statement',"
             " 'track_commit_timestamp', 'wal_level', 'wal_keep_size', 'archive_mode', 'fsync',"
             " 'synchronous_commit')",
             {}))
      out.values.emplace(row.at(0).text, row.at(1).text);
    out.statement_statistics =
        !transaction.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'", {})
             .empty();
    return out;
  });
}

}  // namespace ishara::storage::blocking
