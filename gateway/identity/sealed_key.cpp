#include "gateway/identity/sealed_key.hpp"

#include <string>
#include <utility>

#include "gateway/identity/envelope.hpp"

namespace ishara::identity {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ishara.sealed_key"; }
  std::string message(int code) const override {
    switch (static_cast<sealed_key_errc>(code)) {
      case sealed_key_errc::not_a_key_file:
        return "it is not a sealed key file";
      case sealed_key_errc::wrong_passphrase:
        return "the passphrase does not open it, or it was altered";
    }
    return "unknown";
  }
};

}  // namespace

const boost::system::error_category& sealed_key_category() noexcept {
  static const Category category;
  return category;
}

boost::system::result<SealedKeyHead> read_sealed_key_head(crypto::View file) {
  const auto parts = split_user_file(file);
  if (!parts) return sealed_key_errc::not_a_key_file;
  const auto kind = claimed_key_kind(parts->user_key);
  if (!kind) return sealed_key_errc::not_a_key_file;
  return SealedKeyHead{*kind, parts->user_id};
}

UserFile blocking_seal_key(const HeldKey& key, std::string_view passphrase) {
  return join({key.id, blocking_seal_user_key(key.seed, key.id, passphrase, key.kind)});
}

boost::system::result<HeldKey> blocking_open_sealed_key(crypto::View file,
                                                        std::string_view passphrase) {
  const auto head = read_sealed_key_head(file);
  if (!head) return head.error();
  auto seed =
      blocking_open_user_key(file.subspan(head->id.size()), head->id, passphrase, head->kind);
  if (!seed) return sealed_key_errc::wrong_passphrase;
  return HeldKey{head->kind, head->id, std::move(*seed)};
}

}  // namespace ishara::identity
