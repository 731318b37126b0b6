#pragma once
// From an understood and routed text to what is stored of it: MESSAGE under a fresh key, one
// KEYWRAP for each queue that may read it, RETADDR for the relay, one signed INTAKE
// (privacy.md 7.1).

#include <boost/system/result.hpp>
#include <optional>
#include <vector>

#include "gateway/identity/epoch.hpp"
#include "gateway/identity/message_content.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/identity/sender_keys.hpp"
#include "storage/store.hpp"

namespace ishara::intake {

using Queue = identity::Directory::Queue;

// Who may read a text. Keys come from the signed rosters alone.
struct Readers {
  const Queue* owner = nullptr;
  const Queue* fallback = nullptr;     // of the owner's class, or none
  const Queue* police_copy = nullptr;  // in consent class 1 only
};

// What INTAKE says of a text beside who reads it.
struct Marks {
  crypto::Id report_id{};
  bool first = false;
  bool joined_by_number = false;
  bool urgent = false;
  bool partial = false;            // of a dialogue that broke off
  std::uint8_t consent_class = 0;  // 1: the caller has seen a signed proof of it
};

// Where the reporter can be reached, and the key that the relay has announced.
struct Return {
  const identity::ReturnAddress& address;
  const identity::EpochAnnouncement& epoch;
};

struct Sealed {
  crypto::Id message_id{};
  std::uint32_t hour = 0;
  storage::Bytes record;
  storage::Bytes message;
  storage::Bytes wraps;
  storage::Bytes retaddr;  // empty without a Return
};

// A reader of class police in consent class 0, and a fallback or police copy that is retired, is a
// bug and throws std::logic_error before anything is wrapped. identity::envelope_errc::refused if a
// key is a low-order one.
boost::system::result<Sealed> seal(const identity::MessageContent& content, const Marks& marks,
                                   const Readers& readers, const std::optional<Return>& back,
                                   identity::SenderKeys& sender_keys,
                                   identity::SenderKeys::Seconds now,
                                   const crypto::SigningKey& gateway_key);

}  // namespace ishara::intake
