#pragma once
// What the steps of `Intake::report` hand on to each other. For the sources of this folder alone.

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <string_view>

#include "gateway/intake/intake.hpp"

namespace ishara::intake {

// An answer to a text that was under way for longer may reach somebody else (S4).
inline constexpr std::chrono::minutes reply_window{15};

static_assert(routing::most_candidates == conversation::most_candidates);

// What a text says, as far as rules can tell, and who would get it as a new report.
struct Intake::Reading {
  conversation::Input input;
  conversation::Facts facts;
  routing::Category category{};
  routing::RegionCode region;
  routing::Candidates candidates;  // for the place of this text ...
  routing::Candidates asked;       // ... and those that the answer asks about
  bool urgent = false;
  bool helpers_only = false;  // chosen for this text: whatever report it joins, no police read it
  const routing::Helpline* helpline = nullptr;  // to name in the answer; lives with the knowledge
  const conversation::MenuAnswers* menu = nullptr;  // of a dialogue; lives with the caller
  bool partial = false;                             // it broke off
  Readers readers;                                  // of a new report: helpers only
  const Queue* police = nullptr;                    // would get a copy if the reporter consents
};

// What the relay said about a ref.
struct Intake::LookedUp {
  conversation::LookUp said;
  std::optional<identity::ThreadAnswer> thread;
  std::uint64_t as_of = 0;  // the change of owners before which the relay was asked
  identity::Text reply;
};

// Where a text goes.
struct Intake::Target {
  Matter matter;
  Readers readers;
  std::string_view via;
  bool first = false;    // of a new report
  bool adopted = false;  // the sitting's report from now on
  bool route = false;    // a RETADDR tells the relay of this sitting's number and ref

  // The text that takes a consent back goes to no copy for the police any more. If they hold the
  // report they are told all the same: who held it before is known once this has counted.
  void take_back_consent() {
    if (readers.owner->organisation_class == identity::OrganisationClass::police) return;
    readers.police_copy = nullptr;
    matter.consent_class = 0;
  }
};

inline identity::Msisdn copy_of(const identity::Msisdn& number) {
  const auto digits = number.fixed();
  return identity::Msisdn::from_fixed(digits.reveal()).value();
}

// What became of a dialogue's text.
struct Intake::Kept {
  std::optional<identity::Ref> ref;  // none if it was stored before, or if nobody can be answered
};

// Until it expires or is cancelled.
inline asio::awaitable<void> wait(asio::steady_timer& timer) {
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

}  // namespace ishara::intake
