#include "gateway/identity/sender_keys.hpp"

namespace ishara::identity {

void SenderKeys::end_second(Seconds now) {
  if (now == second_) return;
  second_ = now;
  envelopes_ = 0;
  recipients_.clear();
}

boost::system::result<SenderHalf> SenderKeys::Intake::to(const crypto::PublicKey& key) {
  auto& recipient = keys_.recipients_[key];
  const auto of_all = ++keys_.envelopes_;
  const auto of_this = ++recipient.envelopes;
  const bool share = of_all > flood && of_this > recipient_flood;
  if (share) {
    if (!recipient.shared) {
      recipient.pair = crypto::box_key();
      recipient.shared = crypto::shared_key(key, recipient.pair->secret_key);
    }
    if (!recipient.shared) return envelope_errc::refused;
    return SenderHalf{.epk = recipient.pair->public_key, .shared = *recipient.shared};
  }
  if (!own_) own_ = crypto::box_key();
  shared_ = crypto::shared_key(key, own_->secret_key);
  if (!shared_) return envelope_errc::refused;
  return SenderHalf{.epk = own_->public_key, .shared = *shared_};
}

}  // namespace ishara::identity
