#pragma once
// From an understood and routed text to the row that is stored: MESSAGE under a fresh key, one
// KEYWRAP for each queue that may read it, one signed INTAKE (privacy.md 7.1).

#include <boost/system/result.hpp>
#include <vector>

#include "gateway/identity/message_content.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/identity/sender_keys.hpp"
#include "storage/store.hpp"

namespace ishara::intake {

using Queue = identity::Directory::Queue;

// Who may read a report. Keys come from the signed rosters alone.
struct Readers {
  const Queue& owner;
  const Queue* fallback = nullptr;     // of the owner's class, or none
  const Queue* police_copy = nullptr;  // in consent class 1 only
};

// Everything but `dedupe`, `day` and `answer_class`, which the caller knows. A reader of class
// police in consent class 0 is a bug and throws std::logic_error before anything is wrapped.
// identity::envelope_errc::refused if a queue's key is a low-order one.
boost::system::result<storage::Intake> seal(const identity::MessageContent& content, bool urgent,
                                            std::uint8_t consent_class, const Readers& readers,
                                            identity::SenderKeys& sender_keys,
                                            identity::SenderKeys::Seconds now,
                                            const crypto::SigningKey& gateway_key);

}  // namespace ishara::intake
