#pragma once
// What can go wrong in a working store. A value says what the caller should do, never what the
// database said: its messages quote values, so their text is dropped (storage/postgres/translate).

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace ishara::storage {

enum class errc {
  busy = 1,       // the bounded queue is full: answer 503 at once, the aggregator comes again
  unavailable,    // no database, or it did not finish in time: nothing is known to be stored
  refused,        // the database will never take this row; its neighbours were stored
  duplicate,      // a row of this key exists already
  conflict,       // lost against somebody else several times in a row: try again
  not_found,      // no such row
  lease_lost,     // the report is not held by this user, or no longer
  stale_version,  // a roster of this or a higher version is stored already
  schema,         // tables or grants are not those of this program: run `ishara migrate`
  changed,        // a migration that was applied is not the one in this program
  full,           // the spool has no room, by its quota or by the disk
  not_empty,      // the database that a backup is to go into holds something
};

const boost::system::error_category& store_category() noexcept;
inline boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), store_category()};
}

template <class T>
using result = boost::system::result<T>;

}  // namespace ishara::storage

template <>
struct boost::system::is_error_code_enum<ishara::storage::errc> : std::true_type {};
