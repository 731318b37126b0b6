// Which report a text belongs to, and what the relay is told of it: looking up refs and numbers,
// ending routes, signing consent (privacy.md 7.2, 7.3, 7.7, 7.12).

#include <utility>
#include <vector>

#include "gateway/identity/ownership.hpp"
#include "gateway/intake/steps.hpp"
#include "i18n/sms.hpp"

namespace ishara::intake {
namespace {

using conversation::Class;
using conversation::RefToLookUp;
using conversation::Store;
using identity::RelayStatus;

// So many first texts of a channel are told to the relay in a second, out of the 300 that it takes
// from all: a flood on one channel leaves it to the others.
constexpr std::uint32_t most_asked = 100;

std::uint32_t hour_of(std::chrono::sys_seconds now) {
  return static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count());
}

// The queues that may read a text of this report; nothing if the rosters do not know its owner, if
// that is retired, so that nobody might look at a text there, or if no consent that we have seen
// lets the owner read it.
std::optional<Readers> readers_of(const Matter& matter, const identity::Directory& directory) {
  using identity::OrganisationClass;
  Readers out{.owner = directory.queue(matter.owner)};
  if (!out.owner || out.owner->retired) return std::nullopt;
  const bool police = out.owner->organisation_class == OrganisationClass::police;
  if (police && matter.consent_class == 0) return std::nullopt;
  if (out.owner->fallback) out.fallback = directory.queue(*out.owner->fallback);
  if (matter.consent_class == 1 && matter.police && *matter.police != matter.owner) {
    const auto* copy = directory.queue(*matter.police);
    if (copy && !copy->retired && copy->organisation_class == OrganisationClass::police)
      out.police_copy = copy;
  }
  return out;
}

// Takes over who holds the report from what the relay says, and the class from the proof alone.
void take_over(Matter& matter, const identity::ThreadAnswer& thread, std::uint64_t as_of,
               const identity::Directory& directory) {
  matter.owner = thread.owner_queue;
  matter.as_of = as_of;
  const bool shown = thread.consent_class == 1 &&
                     identity::shows_police_consent(thread.proof, matter.report_id, directory);
  matter.consent_class = shown ? 1 : 0;
  if (shown && thread.police_queue != crypto::Id{}) matter.police = thread.police_queue;
}

conversation::Stage stage_of(std::uint8_t stored) {
  switch (static_cast<storage::Stage>(stored)) {
    case storage::Stage::waiting:
      return conversation::Stage::waiting;
    case storage::Stage::opened:
      return conversation::Stage::read;
    case storage::Stage::closed:
      return conversation::Stage::done;
  }
  return conversation::Stage::waiting;
}

}  // namespace

asio::awaitable<identity::RelayAnswer> Intake::ask(identity::RelayRequest request) {
  auto answer = co_await around_.relay.ask(std::move(request));
  if (answer.status == RelayStatus::away || answer.status == RelayStatus::limited)
    ++counters_.relay_missed;
  co_return answer;
}

asio::awaitable<Intake::LookedUp> Intake::look_up(RefToLookUp which,
                                                  const conversation::Input& input,
                                                  const Sitting& sitting, const Call& call) {
  const auto ref = which == RefToLookUp::own ? sitting.matter->ref : *input.ref;
  const bool own = sitting.matter && sitting.matter->ref == ref;
  LookedUp out;
  out.as_of = owner_changes_.now();
  // The ref of this sitting is known here, even if the relay has not got round to it yet.
  if (own)
    out.said.found =
        sitting.matter->proven ? conversation::Found::verified : conversation::Found::unverified;
  if (own && input.what != Class::status) co_return out;

  // A reply that is asked for counts as fetched, so only who can be shown it asks.
  const bool shows_reply = input.what == Class::status && call.aggregator->answers_in_response();
  identity::RelayRequest request = identity::ResolveRef{ref};
  if (shows_reply) request = identity::PullReply{ref};
  auto answer = co_await ask(std::move(request));
  if (answer.status != RelayStatus::done) {
    if (!own) out.said.found = conversation::Found::unavailable;
    co_return out;
  }
  if (auto* pulled = std::get_if<identity::PullAnswer>(&answer.body)) {
    // It does not say what the ref proves; what it does not prove it does not show.
    if (pulled->found) out.said.found = conversation::Found::verified;
    out.said.stage = stage_of(pulled->stage);
    out.said.reply_fits = !pulled->text.empty() && pulled->text.reveal([](std::string_view text) {
      return i18n::measure(text).segments == 1;
    });
    out.reply = std::move(pulled->text);
    co_return out;
  }
  auto& thread = std::get<identity::ThreadAnswer>(answer.body);
  if (!thread.found) co_return out;
  const bool verified = thread.kind == identity::RefKind::verified;
  out.said.found = verified ? conversation::Found::verified : conversation::Found::unverified;
  if (verified) out.said.stage = stage_of(thread.stage);
  out.thread = std::move(thread);
  co_return out;
}

bool Intake::may_ask_relay(std::uint8_t channel) {
  const auto now = clock_();
  if (now != asked_in_) {
    asked_in_ = now;
    asked_ = {};
  }
  return ++asked_[channel] <= most_asked;
}

// The report that a text belongs to, and who reads it there.
asio::awaitable<Intake::Target> Intake::target(const conversation::Effects& effects,
                                               const Reading& reading, const Sitting& sitting,
                                               const LookedUp& looked_up,
                                               const identity::Msisdn* number, const Call& call,
                                               const Knowledge& knowledge) {
  const auto& directory = *knowledge.directory;
  Target out;
  const auto goes_to = [&](const Matter& matter) {
    const auto readers = readers_of(matter, directory);
    if (!readers) return false;
    out.matter = matter;
    out.readers = *readers;
    return true;
  };

  if (effects.store == Store::by_ref && looked_up.thread) {
    Matter named;
    named.report_id = looked_up.thread->report_id;
    named.origin = looked_up.thread->origin;
    named.proven = looked_up.thread->kind == identity::RefKind::verified;
    named.ref = *reading.input.ref;
    if (reading.police) named.police = reading.police->id;
    take_over(named, *looked_up.thread, looked_up.as_of, directory);
    if (goes_to(named)) {
      out.via = named.proven ? "ref" : "number";
      out.adopted = !sitting.matter;
      co_return out;
    }
  }

  const auto as_of =
      owner_changes_.now();  // what changes while the relay is asked counts the next time
  const bool names_own =
      effects.store == Store::by_ref && sitting.matter && reading.input.ref == sitting.matter->ref;
  if ((effects.store == Store::report || names_own) && sitting.matter) {
    auto known = *sitting.matter;
    bool gone = false;
    if (owner_changes_.has_changed(known.report_id, known.as_of)) {
      identity::RelayRequest request = identity::ResolveReport{known.report_id};
      const auto answer = co_await ask(std::move(request));
      const auto* thread = std::get_if<identity::ThreadAnswer>(&answer.body);
      if (thread && thread->found) take_over(known, *thread, as_of, directory);
      gone = answer.status == RelayStatus::gone;
    }
    if (!gone && goes_to(known)) {
      out.via = "sitting";
      out.adopted = true;
      out.route = effects.may_text;
      co_return out;
    }
  }

  // A report of its own: for the sitting, or beside it.
  const bool for_sitting =
      number && (effects.store == Store::report || effects.store == Store::fresh ||
                 (effects.store == Store::by_ref && !sitting.matter));
  bool asks_for_ref = for_sitting && may_ask_relay(call.channel.number);
  std::optional<identity::Ref> drawn;
  if (asks_for_ref && effects.store == Store::report) {
    identity::RelayRequest request = identity::ResolveNumber{copy_of(*number)};
    const auto answer = co_await ask(std::move(request));
    // Only a relay that links no numbers draws the ref in a second step.
    asks_for_ref = answer.status == RelayStatus::strict;
    if (const auto* thread = std::get_if<identity::ThreadAnswer>(&answer.body)) {
      drawn = thread->unused_ref;
      Matter older;
      older.report_id = thread->report_id;
      older.origin = thread->origin;
      if (reading.police) older.police = reading.police->id;
      if (thread->found) take_over(older, *thread, as_of, directory);
      if (reading.helpers_only) older.consent_class = 0;
      if (thread->found && goes_to(older)) out.via = "number";
    }
  }
  if (out.via.empty()) {
    out.first = true;
    out.via = "new";
    out.matter = {};
    out.matter.report_id = crypto::random_bytes<16>();
    out.matter.owner = reading.readers.owner->id;
    out.matter.as_of = as_of;
    out.matter.proven = true;
    if (reading.police) out.matter.police = reading.police->id;
    out.readers = reading.readers;
  }
  if (!for_sitting) co_return out;
  if (asks_for_ref) {
    identity::RelayRequest request = identity::FreshRef{};
    const auto answer = co_await ask(std::move(request));
    if (const auto* fresh = std::get_if<identity::FreshAnswer>(&answer.body)) drawn = fresh->ref;
  }
  if (!drawn) ++counters_.refs_of_our_own;
  out.matter.ref = drawn ? *drawn : identity::Ref::from(crypto::random_bytes<16>());
  out.adopted = true;
  out.route = true;
  co_return out;
}

// Ends what the relay keeps of the number or of the report; an error if that is not known to have
// happened.
asio::awaitable<Intake::Result<void>> Intake::end(const conversation::Effects& effects,
                                                  const conversation::Input& input,
                                                  const std::optional<Matter>& matter,
                                                  const identity::Msisdn& number) {
  using conversation::Erase;
  using identity::EndKind;
  // The number first: what is asked by ref may be more than the relay takes just now.
  std::vector<identity::RelayRequest> requests;
  const bool proven = matter && matter->proven;
  if (effects.erase == Erase::sitting && !proven)
    // One request: after a stop the relay would no longer know which reports the number has.
    requests.push_back(identity::EndByNumber{EndKind::erase, copy_of(number)});
  else if (effects.end_route)
    requests.push_back(identity::EndByNumber{EndKind::stop, copy_of(number)});
  if (effects.erase == Erase::by_ref && input.ref)
    requests.push_back(identity::EndByRef{EndKind::erase, *input.ref});
  if (effects.erase == Erase::sitting && proven)
    requests.push_back(identity::EndByRef{EndKind::erase, matter->ref});
  for (auto& request : requests) {
    const auto answer = co_await ask(std::move(request));
    if (answer.status != RelayStatus::done) co_return storage::errc::unavailable;
  }
  co_return boost::system::in_place_value;
}

// A consent to the police needs the report's own sitting or its verified ref; a withdrawal of it
// counts from anybody (privacy.md 7.12).
asio::awaitable<Intake::Result<void>> Intake::consent(conversation::Consent wanted, Matter& matter,
                                                      std::chrono::sys_seconds now) {
  const auto wanted_class = static_cast<std::uint8_t>(wanted);
  // A withdrawal is signed even where we know of no consent: one may have been stored of which this
  // sitting never heard.
  if (wanted_class == 1 && (matter.consent_class == 1 || !matter.proven))
    co_return boost::system::in_place_value;
  identity::Statement statement;
  statement.type = identity::StatementType::consent;
  statement.consent_class = wanted_class;
  statement.hour = hour_of(now);
  statement.report_id = matter.report_id;
  statement.previous = matter.origin;
  const auto bytes = identity::sign_statement(statement, keys_.signing);
  auto put = co_await around_.statements.put(bytes, matter.report_id);
  if (!put) co_return put.error();
  matter.consent_class = wanted_class;
  co_return boost::system::in_place_value;
}

}  // namespace ishara::intake
