#pragma once
// A blocking connection with plain types: the one place that knows libpqxx, whose releases 6 and 7
// differ in binary values and parameters. Values travel as text, which both write alike; the hot
// path, where that would cost, has its own way (connection.hpp).
//
// Threads: one at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "storage/postgres/translate.hpp"
#include "storage/store.hpp"

namespace ishara::storage::postgres {

// One field as text.
struct Value {
  bool null = true;
  std::string text;

  std::int64_t integer() const;
  bool boolean() const { return text == "t"; }
  Id id() const;
  Bytes bytes() const;
};
using Row = std::vector<Value>;
using Rows = std::vector<Row>;

// Parameters as text.
std::string parameter(const Id& id);
std::string parameter(std::span<const std::uint8_t> bytes);
std::string parameter(std::span<const Id> ids);        // uuid[]
std::string parameter(std::span<const Bytes> values);  // bytea[]
std::string parameter(std::span<const std::int64_t> numbers);
inline std::string parameter(std::int64_t number) { return std::to_string(number); }

// Thrown inside a transaction to undo it: `Session::transact` returns the code.
struct Undo {
  errc code;
};

class Transaction {
 public:
  virtual ~Transaction() = default;
  // One statement with $1, $2, ... bound; never built from values.
  virtual Rows execute(std::string_view sql, const std::vector<std::string>& parameters) = 0;
  // Several statements without parameters or rows: for migrations.
  virtual void script(std::string_view sql) = 0;
};

class Session {
 public:
  explicit Session(std::string url, const Limits& limits = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  // Runs `body(transaction)` and commits; what it returns, after COMMIT. If the connection turns
  // out to be dead before COMMIT was sent, nothing has happened, so `body` runs once more on a new
  // one.
  template <class F>
  auto transact(F body) -> result<std::invoke_result_t<F&, Transaction&>> {
    using T = std::invoke_result_t<F&, Transaction&>;
    if constexpr (std::is_void_v<T>) {
      return run([&](Transaction& transaction) { body(transaction); });
    } else {
      T value{};
      const auto done = run([&](Transaction& transaction) { value = body(transaction); });
      if (!done) return {boost::system::in_place_error, done.error()};
      return value;
    }
  }

 private:
  result<void> run(const std::function<void(Transaction&)>& body);

  struct Link;
  std::unique_ptr<Link> link_;
};

}  // namespace ishara::storage::postgres
