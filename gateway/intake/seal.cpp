#include "gateway/intake/seal.hpp"

#include <stdexcept>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/intake_record.hpp"

namespace ishara::intake {
namespace {

// Helpers-only is cryptographic: this stands before every wrap, whatever routing answered.
void check_readers(const Readers& readers, std::uint8_t consent_class) {
  using identity::OrganisationClass;
  if (readers.owner.organisation_class == OrganisationClass::police ||
      (readers.fallback &&
       readers.fallback->organisation_class != readers.owner.organisation_class) ||
      (readers.police_copy && (consent_class != 1 || readers.police_copy->organisation_class !=
                                                         OrganisationClass::police)))
    throw std::logic_error{"a report would be wrapped for a queue that may not read it"};
}

}  // namespace

boost::system::result<storage::Intake> seal(const identity::MessageContent& content, bool urgent,
                                            std::uint8_t consent_class, const Readers& readers,
                                            identity::SenderKeys& sender_keys,
                                            identity::SenderKeys::Seconds now,
                                            const crypto::SigningKey& gateway_key) {
  check_readers(readers, consent_class);

  storage::Intake row;
  row.report_id = crypto::random_bytes<16>();
  row.queue_id = readers.owner.id;
  row.hour = static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count());
  row.urgent = urgent;
  row.consent_class = consent_class;

  const auto json = identity::encode(content);
  auto text = identity::seal_text(row.hour, row.report_id, json);

  auto sender = sender_keys.intake(now);
  for (const auto* reader : {&readers.owner, readers.fallback, readers.police_copy}) {
    if (!reader) continue;
    const auto half = sender.to(reader->box_key);
    if (!half) return half.error();
    const auto wrap = identity::wrap_key(text.key, row.report_id, text.message_id,
                                         {reader->kid, reader->generation}, *half);
    row.wraps.insert(row.wraps.end(), wrap.begin(), wrap.end());
  }

  identity::IntakeRecord record;
  record.consent_class = consent_class;
  record.urgent = urgent;
  record.first = true;
  record.hour = row.hour;
  record.report_id = row.report_id;
  record.queue_id = row.queue_id;
  if (readers.police_copy) record.copy_queue = readers.police_copy->id;
  record.message_digest = identity::envelope_digest(text.envelope);
  const auto signed_record = identity::sign_intake(record, gateway_key);

  row.record.assign(signed_record.begin(), signed_record.end());
  row.message = std::move(text.envelope);
  return row;
}

}  // namespace ishara::intake
