#include "gateway/intake/seal.hpp"

#include <stdexcept>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/intake_record.hpp"

namespace ishara::intake {
namespace {

using identity::OrganisationClass;

// Helpers-only is cryptographic: this stands before every wrap, whatever routing or relay answered.
void check_readers(const Readers& readers, std::uint8_t consent_class) {
  const bool may_have_police = consent_class == 1;
  const auto police = [](const Queue* queue) {
    return queue && queue->organisation_class == OrganisationClass::police;
  };
  const auto retired = [](const Queue* queue) { return queue && queue->retired; };
  if ((police(readers.owner) && !may_have_police) || retired(readers.fallback) ||
      retired(readers.police_copy) ||
      (readers.fallback &&
       readers.fallback->organisation_class != readers.owner->organisation_class) ||
      (readers.police_copy && !(may_have_police && police(readers.police_copy))))
    throw std::logic_error{"a report would be wrapped for a queue that may not read it"};
}

}  // namespace

boost::system::result<Sealed> seal(const identity::MessageContent& content, const Marks& marks,
                                   const Readers& readers, const std::optional<Return>& back,
                                   identity::SenderKeys& sender_keys,
                                   identity::SenderKeys::Seconds now,
                                   const crypto::SigningKey& gateway_key) {
  check_readers(readers, marks.consent_class);

  Sealed out;
  out.hour = static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count());

  const auto json = identity::encode(content);
  auto text = identity::seal_text(out.hour, marks.report_id, json);
  out.message_id = text.message_id;

  auto sender = sender_keys.intake(now);
  for (const auto* reader : {readers.owner, readers.fallback, readers.police_copy}) {
    if (!reader) continue;
    const auto half = sender.to(reader->box_key);
    if (!half) return half.error();
    const auto wrap = identity::wrap_key(text.key, marks.report_id, text.message_id,
                                         {reader->kid, reader->generation}, *half);
    out.wraps.insert(out.wraps.end(), wrap.begin(), wrap.end());
  }

  identity::IntakeRecord record;
  if (back) {
    const auto half = sender.to(back->epoch.key);
    if (!half) return half.error();
    const auto envelope =
        identity::seal_return_address(back->address, marks.report_id, crypto::random_bytes<16>(),
                                      back->epoch.epoch, crypto::key_id(back->epoch.key), *half);
    out.retaddr.assign(envelope.begin(), envelope.end());
    record.return_address_digest = identity::envelope_digest(envelope);
  }
  record.consent_class = marks.consent_class;
  record.urgent = marks.urgent;
  record.first = marks.first;
  record.partial = marks.partial;
  record.joined_by_number = marks.joined_by_number;
  record.hour = out.hour;
  record.report_id = marks.report_id;
  record.queue_id = readers.owner->id;
  if (readers.police_copy) record.copy_queue = readers.police_copy->id;
  record.message_digest = identity::envelope_digest(text.envelope);
  const auto signed_record = identity::sign_intake(record, gateway_key);

  out.record.assign(signed_record.begin(), signed_record.end());
  out.message = std::move(text.envelope);
  return out;
}

}  // namespace ishara::intake
