#include "storage/postgres/session.hpp"

#include <charconv>
#include <optional>
#include <pqxx/pqxx>
#include <stdexcept>

namespace ishara::storage::postgres {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

void append_hex(std::string& text, std::span<const std::uint8_t> bytes) {
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
}

std::uint8_t nibble(char digit) {
  const auto place = digits.find(digit);
  if (place == std::string_view::npos) throw std::logic_error{"not a hex value"};
  return static_cast<std::uint8_t>(place);
}

pqxx::result bound(pqxx::transaction_base& transaction, const std::string& sql,
                   const std::vector<std::string>& values) {
#if PQXX_VERSION_MAJOR < 7
  return transaction.exec_params(sql, pqxx::prepare::make_dynamic_params(values));
#else
  pqxx::params parameters;
  parameters.reserve(values.size());
  for (const auto& value : values) parameters.append(value);
  return transaction.exec(sql, parameters);
#endif
}

class Work final : public Transaction {
 public:
  explicit Work(pqxx::transaction_base& transaction) : transaction_{transaction} {}

  Rows execute(std::string_view sql, const std::vector<std::string>& parameters) override {
    Rows rows;
    for (const auto& from : bound(transaction_, std::string{sql}, parameters)) {
      auto& row = rows.emplace_back();
      for (const auto& field : from) {
        auto& value = row.emplace_back();
        value.null = field.is_null();
        if (!value.null) value.text.assign(field.c_str(), field.size());
      }
    }
    return rows;
  }
  void script(std::string_view sql) override { transaction_.exec(std::string{sql}); }

 private:
  pqxx::transaction_base& transaction_;
};

}  // namespace

std::int64_t Value::integer() const {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size())
    throw std::logic_error{"not an integer column"};
  return number;
}

Id Value::id() const {
  Id id{};
  std::size_t place = 0;
  for (const char digit : text) {
    if (digit == '-') continue;
    if (place == 2 * id.size()) throw std::logic_error{"not a uuid column"};
    auto& byte = id[place / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | nibble(digit));
    ++place;
  }
  if (place != 2 * id.size()) throw std::logic_error{"not a uuid column"};
  return id;
}

Bytes Value::bytes() const {
  if (!text.starts_with("\\x") || text.size() % 2 != 0)
    throw std::logic_error{"not a bytea column"};
  Bytes bytes;
  bytes.reserve(text.size() / 2 - 1);
  for (std::size_t i = 2; i < text.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(nibble(text[i]) << 4 | nibble(text[i + 1])));
  return bytes;
}

std::string parameter(const Id& id) {
  std::string text;
  append_hex(text, id);  // Postgres reads a uuid without hyphens too
  return text;
}

std::string parameter(std::span<const std::uint8_t> bytes) {
  std::string text = "\\x";
  append_hex(text, bytes);
  return text;
}

std::string parameter(std::span<const Id> ids) {
  std::string text = "{";
  for (const auto& id : ids) {
    if (text.size() > 1) text += ',';
    append_hex(text, id);
  }
  return text += '}';
}

std::string parameter(std::span<const Bytes> values) {
  std::string text = "{";
  for (const auto& value : values) {
    if (text.size() > 1) text += ',';
    text += "\"\\\\x";
    append_hex(text, value);
    text += '"';
  }
  return text += '}';
}

std::string parameter(std::span<const std::int64_t> numbers) {
  std::string text = "{";
  for (const auto number : numbers) {
    if (text.size() > 1) text += ',';
    text += std::to_string(number);
  }
  return text += '}';
}

struct Session::Link {
  std::string url;
  std::unique_ptr<pqxx::connection> connection;
};

namespace {

// Every look-up of ours has its index. The planner, which after a flood does not know how a table
// has grown, would read the whole of it for a handful of keys. Compiling a statement costs more
// than running any of ours.
constexpr std::string_view planner = "-c enable_seqscan=off -c jit=off";

}  // namespace

Session::Session(std::string url, const Limits& limits)
    : link_{std::make_unique<Link>(Link{connection_string(url, limits, planner), nullptr})} {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

result<void> Session::run(const std::function<void(Transaction&)>& body) {
  for (bool again = link_->connection != nullptr;; again = false) {
    bool committing = false;
    bool dead = false;
    errc code{};
    try {
      if (!link_->connection) link_->connection = std::make_unique<pqxx::connection>(link_->url);
      pqxx::work transaction{*link_->connection};
      Work work{transaction};
      body(work);
      committing = true;
      transaction.commit();
      return {};
    } catch (const Undo& undo) {
      return undo.code;
    } catch (const pqxx::insufficient_privilege&) {
      code = errc::schema;  // libpqxx 6 gives this one no SQLSTATE
    } catch (const pqxx::sql_error& error) {
      code = translate(error.sqlstate());
      dead = error.sqlstate().starts_with("57P");  // the server shuts down or was killed
    } catch (const pqxx::failure&) {               // connection lost, or COMMIT without an answer
      code = errc::unavailable;
      dead = true;
    }
    if (code == errc::unavailable) link_->connection.reset();
    if (!again || committing || !dead) return code;
  }
}

}  // namespace ishara::storage::postgres
