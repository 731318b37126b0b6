#include "gateway/identity/keys.hpp"

namespace ishara::identity {
namespace {

constexpr std::string_view epoch_context = "IshEpoch";
constexpr std::string_view queue_context = "IshQueue";
constexpr std::string_view user_context = "IshaUser";
constexpr std::string_view login_context = "IshLogin";

}  // namespace

crypto::BoxKey queue_box_key(const crypto::Secret<32>& queue_seed) {
  return crypto::box_key(crypto::derive(queue_seed, 1, queue_context));
}

crypto::BoxKey user_box_key(const crypto::Secret<32>& user_seed) {
  return crypto::box_key(crypto::derive(user_seed, 1, user_context));
}

crypto::SigningKey user_signing_key(const crypto::Secret<32>& user_seed) {
  return crypto::signing_key(crypto::derive(user_seed, 2, user_context));
}

LoginKeys login_keys(const crypto::Secret<32>& master) {
  return {.auth = crypto::derive(master, 1, login_context),
          .key_encryption = crypto::derive(master, 2, login_context)};
}

EpochKeys epoch_keys(const crypto::Secret<32>& epoch_seed) {
  return {.box = crypto::box_key(crypto::derive(epoch_seed, 1, epoch_context)),
          .tag = crypto::derive(epoch_seed, 2, epoch_context),
          .mac = crypto::derive(epoch_seed, 3, epoch_context)};
}

crypto::Id number_tag(std::span<const std::uint8_t, 16> number, const crypto::Secret<32>& tag_key) {
  return crypto::keyed_hash16(tag_key, {crypto::bytes_of("n"), number});
}

crypto::Id ref_tag(std::span<const std::uint8_t, 12> ref, const crypto::Secret<32>& tag_key) {
  return crypto::keyed_hash16(tag_key, {crypto::bytes_of("c"), ref});
}

crypto::Id delivery_tag(crypto::View id, const crypto::Secret<32>& tag_key) {
  return crypto::keyed_hash16(tag_key, {crypto::bytes_of("d"), id});
}

crypto::Digest thread_mac(ThreadKind kind, const crypto::Id& tag, const crypto::Id& report_id,
                          const crypto::Id& origin, const crypto::Secret<32>& mac_key) {
  const auto letter = static_cast<char>(kind);
  return crypto::keyed_hash32(mac_key, {crypto::bytes_of({&letter, 1}), tag, report_id, origin});
}

}  // namespace ishara::identity
