#include "gateway/identity/statement.hpp"

#include <algorithm>
#include <stdexcept>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;

constexpr std::string_view domain = "ishara/v1/stmt";
constexpr std::uint8_t version = 1;
constexpr std::size_t signed_size = statement_size - 64;

// The one flag of each type.
std::uint16_t flags_of(const Statement& statement) {
  switch (statement.type) {
    case StatementType::transfer:
      return statement.keeps_wraps;
    case StatementType::consent:
      return statement.consent_class;
    case StatementType::withdraw:
      return statement.with_ref;
  }
  return 0;
}

// Whether every field is in the range of the type.
bool in_range(const Statement& statement) {
  const bool queues =
      statement.type == StatementType::transfer
          ? statement.from_queue != statement.to_queue && statement.from_queue != crypto::Id{} &&
                statement.to_queue != crypto::Id{}
          : statement.from_queue == crypto::Id{} && statement.to_queue == crypto::Id{};
  return queues && (statement.type == StatementType::transfer || !statement.keeps_wraps) &&
         (statement.type == StatementType::withdraw || !statement.with_ref) &&
         statement.consent_class <= (statement.type == StatementType::consent ? 1 : 0);
}

}  // namespace

StatementBytes sign_statement(const Statement& statement, const crypto::SigningKey& signer) {
  if (!in_range(statement)) throw std::logic_error{"a statement has fields of another type"};
  StatementBytes out;
  Writer write{out};
  write.u8(version);
  write.u8(static_cast<std::uint8_t>(statement.type));
  write.u16(flags_of(statement));
  write.u32(statement.hour);
  write.bytes(statement.report_id);
  write.bytes(statement.from_queue);
  write.bytes(statement.to_queue);
  write.bytes(statement.previous);
  write.bytes(crypto::sign(domain, {std::span{out}.first<signed_size>()}, signer));
  return out;
}

result<Statement> claimed_statement(crypto::View bytes) {
  if (bytes.size() != statement_size) return envelope_errc::refused;
  Reader read{bytes};
  if (read.u8() != version) return envelope_errc::refused;
  Statement out;
  const auto type = read.u8();
  const auto flags = read.u16();
  if (flags > 1) return envelope_errc::refused;
  switch (type) {
    case static_cast<std::uint8_t>(StatementType::transfer):
      out.keeps_wraps = flags == 1;
      break;
    case static_cast<std::uint8_t>(StatementType::consent):
      out.consent_class = static_cast<std::uint8_t>(flags);
      break;
    case static_cast<std::uint8_t>(StatementType::withdraw):
      out.with_ref = flags == 1;
      break;
    default:
      return envelope_errc::refused;
  }
  out.type = static_cast<StatementType>(type);
  out.hour = read.u32();
  out.report_id = read.array<16>();
  out.from_queue = read.array<16>();
  out.to_queue = read.array<16>();
  out.previous = read.array<16>();
  if (!in_range(out)) return envelope_errc::refused;
  return out;
}

result<Statement> verify_statement(crypto::View bytes, const crypto::PublicKey& signer) {
  const auto claimed = claimed_statement(bytes);
  if (!claimed) return claimed.error();
  crypto::Signature signature;
  std::ranges::copy(bytes.last(64), signature.begin());
  if (!crypto::verify(domain, {bytes.first(signed_size)}, signature, signer))
    return envelope_errc::refused;
  return claimed;
}

}  // namespace ishara::identity
