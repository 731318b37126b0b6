#include "gateway/intake/intake.hpp"

#include <array>
#include <memory_resource>
#include <utility>
#include <variant>

#include "gateway/conversation/answer.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/identity/wire.hpp"
#include "gateway/log/log.hpp"
#include "i18n/sms.hpp"

namespace ishara::intake {
namespace {

using conversation::Class;
using conversation::RefToLookUp;
using conversation::Store;
using identity::RelayStatus;

// What a reporter is answered; stored with the dedupe hash, so never renumbered.
enum AnswerClass : std::int16_t { no_answer = 0, acknowledged = 1 };

// So many phones are remembered at once; in a flood the oldest sittings end before their hour.
constexpr std::size_t most_sittings = 50'000;

// So many first texts of a channel are told to the relay in a second, out of the 300 that it takes
// from all: a flood on one channel leaves it to the others.
constexpr std::uint32_t most_asked = 100;

// An answer to a text that was under way for longer may reach somebody else (S4).
constexpr std::chrono::minutes reply_window{15};

http::Response plain(unsigned status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response not_found() { return plain(404); }

http::Response come_again() {
  auto response = plain(503);
  response.fields.emplace_back("Retry-After", "5");
  return response;
}

std::uint32_t hour_of(std::chrono::sys_seconds now) {
  return static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count());
}

identity::Msisdn copy_of(const identity::Msisdn& number) {
  const auto digits = number.fixed();
  return identity::Msisdn::from_fixed(digits.reveal()).value();
}

// The queues that may read a text of this report; nothing if the rosters do not know its owner, or
// if no consent that we have seen lets the owner read it.
std::optional<Readers> readers_of(const Matter& matter, const identity::Directory& directory) {
  using identity::OrganisationClass;
  Readers out{.owner = directory.queue(matter.owner)};
  if (!out.owner) return std::nullopt;
  const bool police = out.owner->organisation_class == OrganisationClass::police;
  if (police && matter.consent_class == 0) return std::nullopt;
  if (out.owner->fallback) out.fallback = directory.queue(*out.owner->fallback);
  if (matter.consent_class == 1 && matter.police && *matter.police != matter.owner) {
    const auto* copy = directory.queue(*matter.police);
    if (copy && copy->organisation_class == OrganisationClass::police) out.police_copy = copy;
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

// STOP, UNSAFE, DELETE, SHARE 1: heard whatever came before, since numbers can be forged, and a
// flood must not silence who takes something back.
bool takes_back(const conversation::Input& input) {
  return input.what == Class::stop || input.what == Class::unsafe || input.what == Class::erase ||
         (input.what == Class::share && input.digit == 1);
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

// What a text says, as far as rules can tell, and who would get it as a new report.
struct Intake::Reading {
  conversation::Input input;
  conversation::Facts facts;
  routing::Category category{};
  routing::RegionCode region;
  bool urgent = false;
  Readers readers;                // of a new report: helpers only
  const Queue* police = nullptr;  // would get a copy if the reporter consents
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

Intake::Intake(Surroundings surroundings, Keys keys, Clock clock)
    : around_{surroundings},
      keys_{std::move(keys)},
      clock_{std::move(clock)},
      sittings_{most_sittings} {}

void Intake::end_second() {
  const auto now = clock_();
  sender_keys_.end_second(now);
  sittings_.forget_old(now);
}

// POST /in/<provider>/<secret>[/dlr]
std::optional<Intake::Call> Intake::find(const http::Request& request,
                                         const Knowledge& knowledge) const {
  auto rest = request.path();
  const auto segment = [&rest]() -> std::string_view {
    if (!rest.starts_with('/')) return {};
    rest.remove_prefix(1);
    const auto text = rest.substr(0, rest.find('/'));
    rest.remove_prefix(text.size());
    return text;
  };
  if (segment() != "in") return std::nullopt;
  const auto provider = segment();
  const auto secret = segment();
  const auto suffix = segment();
  if (!rest.empty() || (suffix != "" && suffix != "dlr")) return std::nullopt;
  const auto* aggregator = around_.registry.find(provider);
  const auto* channel = knowledge.channels->find(provider, secret);
  if (!aggregator || !channel) return std::nullopt;
  return Call{*aggregator, suffix == "dlr" ? aggregators::Kind::dlr : aggregators::Kind::sms,
              *channel};
}

std::optional<http::Response> Intake::admit(const http::Request& head) {
  if (!knowledge_) {
    ++counters_.unavailable;
    return come_again();
  }
  const auto call = find(head, *knowledge_);
  if (!call) {
    ++counters_.not_found;
    return not_found();
  }
  // A GET carries number and text in its URL, so a channel has to ask for it (privacy.md 9.1).
  if (head.method != http::Method::post &&
      !(head.method == http::Method::get && call->channel.allow_get)) {
    ++counters_.refused;
    auto response = plain(405);
    response.fields.emplace_back("Allow", call->channel.allow_get ? "GET, POST" : "POST");
    return response;
  }
  return std::nullopt;
}

asio::awaitable<http::Response> Intake::handle(http::Request request) {
  const auto knowledge = knowledge_;
  const auto call = knowledge ? find(request, *knowledge) : std::nullopt;
  if (!call) co_return knowledge ? not_found() : come_again();

  config::ChannelSettings const& settings = call->channel.settings;
  const auto authentic = call->aggregator.authentic(request, settings);
  if (!authentic) {
    ++counters_.forbidden;
    co_return plain(aggregators::status_of(authentic.error().code));
  }
  auto events = call->aggregator.parse(request, call->kind, settings);
  if (!events) {
    ++counters_.refused;
    auto response = plain(aggregators::status_of(events.error().code));
    response.content_type = "text/plain";
    response.body = events.error().reason.view();
    co_return response;
  }

  // The events hold copies; a stalled database must not keep clear texts in memory.
  { const auto gone = std::move(request); }

  Line answer;
  for (auto& event : *events) {
    // A delivery report concerns a reply of the relay's; nothing is stored of it here.
    auto* message = std::get_if<aggregators::Message>(&event);
    if (!message) continue;
    auto reported = co_await report(std::move(*message), *call, knowledge);
    if (!reported) {
      if (reported.error() == storage::errc::refused) {
        ++counters_.not_stored;
        co_return plain(500);
      }
      // What was stored before this one is recognised when the aggregator comes again.
      ++counters_.unavailable;
      co_return come_again();
    }
    answer = std::move(*reported);
  }
  if (events->size() > 1) answer.reset();  // one HTTP answer cannot speak to several phones
  const auto reply = answer ? std::optional<std::string_view>{*answer} : std::nullopt;
  co_return call->aggregator.acknowledge(call->aggregator.answers_in_response() ? reply
                                                                                : std::nullopt);
}

Intake::Reading Intake::read(const aggregators::Message& message, const Call& call,
                             const Knowledge& knowledge, const Sitting& sitting,
                             std::chrono::sys_seconds now) const {
  // Everything that is derived from the text lives here and is wiped at the end of this call.
  std::pmr::monotonic_buffer_resource arena{8192, &crypto::wiping_resource()};
  const auto& routing = *knowledge.routing;
  const auto& directory = *knowledge.directory;
  Reading out;
  message.text.reveal([&](std::string_view text) {
    const auto language =
        conversation::usual_language(sitting.talk, call.channel.language, *knowledge.packs);
    routing::Hints hints{.channel_language = language, .channel_country = {}};
    if (const auto country = routing::RegionCode::parse(call.channel.settings.country))
      hints.channel_country = *country;
    const auto decision = routing::understand(text, hints, routing, arena);
    out.input =
        conversation::classify(text,
                               {.sitting = sitting.talk,
                                .channel_language = call.channel.language,
                                .robot = !std::holds_alternative<identity::Msisdn>(message.from),
                                .noise = decision.outcome == routing::Outcome::noise},
                               *knowledge.packs, arena);

    const auto can_work = [&](const routing::Queue& queue) {
      const auto* known = directory.queue_named(queue.name.view());
      return known && known->has_members;
    };
    // Consent adds a copy for the police and changes nothing else.
    const auto route =
        routing::route(routing::question(decision, routing::ConsentClass::helpers_and_police),
                       routing.table, can_work);
    // Who may read it comes from the signed roster, never from the tables.
    out.readers.owner = directory.queue_named(route.owner.view());
    if (out.readers.owner->fallback)
      out.readers.fallback = directory.queue(*out.readers.owner->fallback);
    if (route.police) out.police = directory.queue_named(route.police->view());

    out.category = decision.category;
    out.region = routing::routable_region(decision);
    out.urgent = decision.urgent();
    out.facts.urgent = out.urgent;
    // What an answer is about does not stand in the answer.
    out.facts.share_offered =
        sitting.matter ? sitting.matter->police.has_value() : out.police != nullptr;
    out.facts.may_reply = !message.at || now - *message.at <= reply_window;
    if (out.region.depth() > 1) out.facts.place = conversation::Place::known;
  });
  return out;
}

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
  out.as_of = owners_as_of_;
  // The ref of this sitting is known here, even if the relay has not got round to it yet.
  if (own)
    out.said.found =
        sitting.matter->proven ? conversation::Found::verified : conversation::Found::unverified;
  if (own && input.what != Class::status) co_return out;

  // A reply that is asked for counts as fetched, so only who can be shown it asks.
  const bool shows_reply = input.what == Class::status && call.aggregator.answers_in_response();
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

  const auto as_of = owners_as_of_;  // what changes while the relay is asked counts the next time
  const bool names_own =
      effects.store == Store::by_ref && sitting.matter && reading.input.ref == sitting.matter->ref;
  if ((effects.store == Store::report || names_own) && sitting.matter) {
    auto known = *sitting.matter;
    if (known.as_of != as_of) {
      identity::RelayRequest request = identity::ResolveReport{known.report_id};
      const auto answer = co_await ask(std::move(request));
      const auto* thread = std::get_if<identity::ThreadAnswer>(&answer.body);
      if (thread && thread->found) take_over(known, *thread, as_of, directory);
    }
    if (goes_to(known)) {
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

Intake::Result<Sealed> Intake::sealed_for(const Target& target, const aggregators::Message& message,
                                          const conversation::Effects& effects,
                                          const Reading& reading, const Call& call,
                                          const Knowledge& knowledge,
                                          std::chrono::sys_seconds now) {
  identity::MessageContent content;
  content.kind = effects.answer ? "ans" : "msg";
  content.at = std::chrono::floor<std::chrono::minutes>(now);
  content.via = target.via;
  content.category = routing::code(effects.unsure ? routing::Category::unsure : reading.category);
  content.region = reading.region.view();
  message.text.reveal([&](std::string_view text) { content.text = identity::Text{text}; });

  const auto& matter = target.matter;
  const Marks marks{.report_id = matter.report_id,
                    .first = target.first,
                    .joined_by_number = !matter.proven,
                    .urgent = reading.urgent || effects.urgent,
                    .consent_class = matter.consent_class};
  const auto* number = std::get_if<identity::Msisdn>(&message.from);
  const auto* epoch = knowledge.epoch_at(now);
  if (!target.route || !number || !epoch)
    return seal(content, marks, target.readers, std::nullopt, sender_keys_, now, keys_.signing);
  identity::ReturnAddress address{.number = copy_of(*number), .ref = matter.ref};
  address.channel = call.channel.number;
  address.may_text = effects.may_text;
  address.ref_unverified = !matter.proven;
  address.yes_unverified = effects.may_text && !matter.proven;
  if (effects.range) address.safe = identity::SafeRange{effects.range->start, effects.range->end};
  return seal(content, marks, target.readers, Return{address, *epoch}, sender_keys_, now,
              keys_.signing);
}

asio::awaitable<Intake::Result<storage::Appended>> Intake::append(
    Sealed sealed, const Target& target, crypto::Id dedupe, std::int16_t answer_class, bool urgent,
    std::chrono::sys_seconds now) {
  const auto day = static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::days>(now).time_since_epoch().count());
  storage::result<storage::Appended> stored = storage::errc::unavailable;
  if (target.first) {
    storage::Intake row{.report_id = target.matter.report_id,
                        .queue_id = target.readers.owner->id,
                        .hour = sealed.hour,
                        .urgent = urgent,
                        .consent_class = target.matter.consent_class,
                        .record = std::move(sealed.record),
                        .message = std::move(sealed.message),
                        .wraps = std::move(sealed.wraps),
                        .retaddr = std::move(sealed.retaddr),
                        .dedupe = dedupe,
                        .day = day,
                        .answer_class = answer_class};
    stored = co_await around_.sink.append(std::move(row));
  } else {
    storage::LaterText row{.message_id = sealed.message_id,
                           .report_id = target.matter.report_id,
                           .queue_id = target.readers.owner->id,
                           .hour = sealed.hour,
                           .record = std::move(sealed.record),
                           .message = std::move(sealed.message),
                           .wraps = std::move(sealed.wraps),
                           .retaddr = std::move(sealed.retaddr),
                           .dedupe = dedupe,
                           .day = day,
                           .answer_class = answer_class};
    stored = co_await around_.sink.append(std::move(row));
  }
  if (!stored) co_return stored.error();
  ++(stored->duplicate ? counters_.duplicates
     : target.first    ? counters_.accepted
                       : counters_.added);
  co_return *stored;
}

Intake::Line Intake::render(const std::optional<conversation::Reply>& reply,
                            const std::optional<Matter>& matter, const identity::Text& inbound,
                            const Reading& reading, const LookedUp& looked_up, const Call& call,
                            const Knowledge& knowledge) {
  if (!reply) return std::nullopt;
  conversation::Values values;
  if (reply->typed_ref && reading.input.ref)
    values.ref = reading.input.ref->digits();
  else if (matter)
    values.ref = matter->ref.digits();
  // A command is no report: its words may stand in the answer.
  const bool is_report = reading.input.what == Class::text || reading.input.what == Class::add;
  auto line = inbound.reveal([&](std::string_view written) {
    const auto text = is_report ? written : std::string_view{};
    return looked_up.reply.reveal([&](std::string_view pulled) {
      values.text = pulled;
      return conversation::render(*knowledge.packs, *reply, values, call.channel.language, text);
    });
  });
  if (line) return std::move(*line);
  // The report is safe; silence is safer than a line that breaks its own rules.
  if (counters_.answers_withheld++ == 0)
    log::write<log::Event::answer_withheld>(line.error().value());
  return std::nullopt;
}

// The order to answer a phone that the webhook's response cannot reach.
identity::RelayRequest Intake::by_relay(const conversation::Reply& reply,
                                        const std::optional<Matter>& matter,
                                        const conversation::Input& input,
                                        const identity::Msisdn& number, const Call& call,
                                        const Knowledge& knowledge) const {
  identity::SendTemplate out{.number = copy_of(number)};
  out.channel = call.channel.number;
  out.language = reply.language != conversation::no_language
                     ? reply.language
                     : knowledge.language_number(call.channel.language);
  out.text = static_cast<std::uint8_t>(reply.id);
  if (reply.typed_ref)
    out.ref = input.ref;
  else if (matter)
    out.ref = matter->ref;
  return out;
}

// The answer to a redelivery within the sitting, if this is one. `has_id`: the provider numbers its
// messages; without numbers only the last text can come a second time, since people repeat
// themselves.
std::optional<Intake::Line> Intake::answered_before(const Sitting& sitting,
                                                    const crypto::Id& dedupe, bool has_id,
                                                    std::chrono::sys_seconds now) const {
  for (auto known = sitting.handled.rbegin(); known != sitting.handled.rend(); ++known) {
    if (known->dedupe == dedupe) {
      // A phone that has asked for silence since, or that may be in other hands by now, gets none.
      if (!known->line || sitting.is_silent() || now - known->at > reply_window) return Line{};
      return Line{std::string{crypto::view(*known->line)}};
    }
    if (!has_id) break;
  }
  return std::nullopt;
}

// One text: understood, taken as a step of its sitting, sealed for its report and stored; returns
// the line for the phone, if there is one.
asio::awaitable<Intake::Result<Intake::Line>> Intake::report(
    aggregators::Message message, const Call& call, std::shared_ptr<const Knowledge> knowledge) {
  const bool has_id = !message.id.empty();
  auto dedupe = dedupe_hash(message, call.channel.number, clock_(), keys_.dedupe);
  const auto base = dedupe;
  // Short codes and sender ids are robots: their texts are kept, and never answered. So are texts
  // of a phone of which too many wait already.
  const auto* number = std::get_if<identity::Msisdn>(&message.from);
  crypto::Id phone{};
  if (number) {
    const auto digits = number->fixed();
    phone = crypto::keyed_hash16(phone_key_, {digits.reveal()});
    if (turns_.waiting(phone) >= Sitting::most_texts) number = nullptr;
  }

  Turns::Turn turn;
  Sitting sitting;
  bool is_live = false;
  if (number) turn = co_await turns_.take(phone);
  const auto now = clock_();
  if (number) {
    if (const auto* live = sittings_.find(phone, now)) {
      if (auto known = answered_before(*live, base, has_id, now)) {
        ++counters_.duplicates;
        co_return std::move(*known);
      }
      is_live = true;
      sitting.talk = live->talk;
      sitting.matter = live->matter;
      sitting.texts = live->texts;
    }
    // Without a number of the provider's, what is said twice in a sitting is told apart by its
    // place.
    const std::array<std::uint8_t, 1> place{static_cast<std::uint8_t>(sitting.texts)};
    if (!has_id) dedupe = crypto::keyed_hash16(keys_.dedupe.contents, {base, place});
  }

  auto reading = read(message, call, *knowledge, sitting, now);
  conversation::Step step;
  LookedUp looked_up;
  const bool parked = number && sitting.texts >= Sitting::most_texts;
  if (parked) ++counters_.parked;
  if (number && (!parked || takes_back(reading.input))) {
    step = conversation::step(sitting.talk, reading.input, reading.facts, now);
    if (step.look_up != RefToLookUp::none) {
      looked_up = co_await look_up(step.look_up, reading.input, sitting, call);
      reading.facts.look_up = looked_up.said;
      step = conversation::step(sitting.talk, reading.input, reading.facts, now);
    }
  } else {
    step.next = sitting.talk;
    step.effects.store = sitting.matter ? Store::report : Store::stray;
  }
  if (parked) {
    step.reply.reset();
    reading.urgent = false;
  }
  const auto& effects = step.effects;

  std::optional<Target> target;
  if (effects.store != Store::nothing)
    target = co_await this->target(effects, reading, sitting, looked_up, number, call, *knowledge);
  std::optional<Matter> matter = sitting.matter;
  if (target && target->adopted) matter = target->matter;

  // A withdrawal that is not on the disk would be a broken promise, so it comes before everything.
  if (effects.end_route || effects.erase != conversation::Erase::nothing) {
    auto ended = co_await end(effects, reading.input, matter, *number);
    if (!ended) co_return ended.error();
  }
  if (target && effects.consent == conversation::Consent::helpers) target->take_back_consent();
  if (target && effects.end_route) target->route = false;

  auto line = render(step.reply, matter, message.text, reading, looked_up, call, *knowledge);
  const bool shows_reply = step.reply && step.reply->id == conversation::ReplyId::hum_msg;
  if (shows_reply && !line) {
    // The reply breaks a rule that its sending would break as well: tell the state alone.
    reading.facts.look_up->reply_fits = false;
    step.reply = conversation::step(sitting.talk, reading.input, reading.facts, now).reply;
    line = render(step.reply, matter, message.text, reading, looked_up, call, *knowledge);
  }
  std::optional<Result<Sealed>> sealed;
  if (target) sealed = sealed_for(*target, message, effects, reading, call, *knowledge, now);
  std::vector<identity::RelayRequest> afterwards;
  if (number) {
    if (effects.window_minutes)
      afterwards.push_back(identity::OpenWindow{copy_of(*number), *effects.window_minutes});
    if (line && !call.aggregator.answers_in_response())
      afterwards.push_back(by_relay(*step.reply, matter, reading.input, *number, call, *knowledge));
  }
  {
    // The text is sealed or unused from here on, the number too but for what the relay is still to
    // be told: they go before the database is waited for.
    const auto gone = std::move(message);
  }

  bool repeated = false;
  if (sealed) {
    if (!*sealed) co_return sealed->error();
    if (target->first && target->adopted) matter->origin = crypto::hash16({(*sealed)->record});
    if (effects.consent && matter) {
      const auto agreed = co_await consent(*effects.consent, *matter, now);
      if (!agreed) co_return agreed.error();
    }
    const auto stored =
        co_await append(std::move(**sealed), *target, dedupe, line ? acknowledged : no_answer,
                        reading.urgent || effects.urgent, now);
    if (!stored) co_return stored.error();
    repeated = stored->duplicate;
    if (repeated && (stored->answer_class != acknowledged || !line)) co_return Line{};
  }
  // A redelivery from before a restart, whose sitting is gone: what it was answered is not known,
  // and a ref of now would open nothing.
  if (repeated) {
    conversation::Reply arrived;
    arrived.id = conversation::ReplyId::ack_again;
    arrived.language = reading.input.language;
    co_return render(arrived, matter, {}, reading, looked_up, call, *knowledge);
  }

  if (number) {
    // A sitting that has ended meanwhile is not brought back.
    const auto done = clock_();
    auto* live = sittings_.find(phone, done);
    if (!live && !is_live) live = &sittings_.open(phone, done);
    if (live) {
      if (effects.close) matter.reset();
      live->talk = step.next;
      live->matter = matter;
      ++live->texts;
      // What was said before somebody takes everything back is not said again.
      if (effects.close || live->is_silent())
        for (auto& text : live->handled) text.line.reset();
      Handled handled{base, done, std::nullopt};
      // What a caseworker wrote is handed out once a question.
      if (line && !shows_reply) handled.line = crypto::wiped_copy(*line);
      live->remember(std::move(handled));
    }
  }
  // Neither is a promise: without a window nothing is sent, and an answer may always be missing.
  for (auto& request : afterwards) co_await ask(std::move(request));
  co_return line;
}

crypto::Id dedupe_hash(const aggregators::Message& message, std::uint8_t channel,
                       std::chrono::sys_seconds now, const DedupeKeys& keys) {
  using crypto::bytes_of;
  const std::array<std::uint8_t, 1> number{channel};
  if (!message.id.empty())
    return crypto::keyed_hash16(keys.ids,
                                {bytes_of("i"), number, bytes_of(crypto::view(message.id))});

  // Lengths keep the parts apart.
  constexpr std::chrono::seconds window{600};
  const auto time =
      message.at ? message.at->time_since_epoch().count() : now.time_since_epoch() / window;
  return std::visit(
      [&](const auto& from) {
        return from.reveal([&](std::string_view sender) {
          return message.text.reveal([&](std::string_view text) {
            std::array<std::uint8_t, 8 + 1 + 4 + 4> sizes;
            identity::Writer write{sizes};
            write.u64(static_cast<std::uint64_t>(time));
            write.u8(message.at ? 1 : 0);
            write.u32(static_cast<std::uint32_t>(sender.size()));
            write.u32(static_cast<std::uint32_t>(message.to.size()));
            return crypto::keyed_hash16(keys.contents,
                                        {bytes_of("c"), number, sizes, bytes_of(sender),
                                         bytes_of(crypto::view(message.to)), bytes_of(text)});
          });
        });
      },
      message.from);
}

}  // namespace ishara::intake
