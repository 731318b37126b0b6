#include "gateway/intake/intake.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "gateway/aggregators/rehearsal.hpp"
#include "gateway/conversation/answer.hpp"
#include "gateway/identity/wire.hpp"
#include "gateway/intake/steps.hpp"
#include "gateway/log/log.hpp"

namespace ishara::intake {
namespace {

using aggregators::Kind;
using conversation::Class;
using conversation::RefToLookUp;
using conversation::Store;

// What a reporter is answered; stored with the dedupe hash, so never renumbered.
enum AnswerClass : std::int16_t { no_answer = 0, acknowledged = 1 };

// So many phones are remembered at once; in a flood the oldest sittings end before their hour.
constexpr std::size_t most_sittings = 50'000;

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

// STOP, UNSAFE, DELETE, SHARE 1: heard whatever came before, since numbers can be forged, and a
// flood must not silence who takes something back.
bool takes_back(const conversation::Input& input) {
  return input.what == Class::stop || input.what == Class::unsafe || input.what == Class::erase ||
         (input.what == Class::share && input.digit == 1);
}

void say_what_was_chosen(identity::MessageContent& content, const conversation::MenuAnswers& menu,
                         bool partial, bool unverified) {
  auto& out = content.chosen.emplace();
  if (menu.who) out.who = conversation::who_names[static_cast<std::size_t>(*menu.who)];
  if (menu.danger) out.danger = conversation::danger_names[static_cast<std::size_t>(*menu.danger)];
  if (menu.place) out.place = identity::Text{crypto::view(*menu.place)};
  if (!partial) {
    content.answers.may_text = menu.may_text;
    if (menu.police) content.answers.consent_class = *menu.police ? 1 : 0;
    content.answers.unverified = unverified && (menu.may_text || menu.police);
    return;
  }
  // What was chosen of readers and texts counts only once it is sent.
  const std::array<std::pair<bool, const char*>, 5> answered{{{menu.who.has_value(), "who"},
                                                              {menu.region.has_value(), "where"},
                                                              {menu.danger.has_value(), "danger"},
                                                              {menu.words.has_value(), "words"},
                                                              {false, "send"}}};
  for (const auto& [known, name] : answered)
    if (!known) out.gaps.emplace_back(name);
}

}  // namespace

Intake::Intake(Surroundings surroundings, Keys keys, Clock clock)
    : around_{surroundings},
      keys_{std::move(keys)},
      clock_{std::move(clock)},
      sittings_{most_sittings},
      dialogues_{most_sittings, Dialogue::length},
      callers_{most_sittings, Dialogue::length},
      joining_{around_.patience},
      told_minute_{std::chrono::floor<std::chrono::minutes>(clock_())} {}

void Intake::end_second() {
  const auto now = clock_();
  sender_keys_.end_second(now);
  sittings_.forget_old(now);
  dialogues_.forget_old(now);
  callers_.forget_old(now);
  for (auto one = unfinished_.begin(); one != unfinished_.end();) {
    const bool waits = !one->second.is_over(now) || storing_.contains(one->second.session);
    one = waits ? std::next(one) : let_go(one);
  }
  tell_of_failures(now);
}

void Intake::tell_of_failures(std::chrono::sys_seconds now) {
  const auto minute = std::chrono::floor<std::chrono::minutes>(now);
  if (minute == told_minute_) return;
  told_minute_ = minute;
  const auto before = std::exchange(told_, counters_);
  const auto dialogues = told_.dialogues_failed - before.dialogues_failed;
  const auto late = told_.dialogues_late - before.dialogues_late;
  const auto all = told_.unavailable - before.unavailable + told_.not_stored - before.not_stored;
  if (all + late > 0) log::write<log::Event::texts_not_stored>(all - dialogues, dialogues, late);
}

void Intake::learn(std::shared_ptr<const Knowledge> knowledge) {
  knowledge_ = std::move(knowledge);
  signs_until_.reset();
  if (knowledge_) health_.know(*knowledge_->channels, clock_());
  if (knowledge_)
    signs_until_ = knowledge_->directory->last_hour("gateway", keys_.signing.public_key);
}

bool Intake::may_sign(std::chrono::sys_seconds now) const noexcept {
  const auto hour = std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count();
  return signs_until_ && static_cast<std::uint64_t>(hour) <= *signs_until_;
}

// POST /in/<provider>/<secret>[/dlr|/ussd[/...]]
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
  const auto kind = suffix == "" ? std::optional{Kind::sms} : aggregators::kind_named(suffix);
  if (!kind || (*kind == Kind::sms && suffix != "")) return std::nullopt;
  const auto* channel = knowledge.channels->find(provider, secret);
  if (!channel) return std::nullopt;
  auto aggregator = around_.registry.of(provider, channel->settings);
  if (!aggregator || (!rest.empty() && !aggregator->adds_to_path(*kind))) return std::nullopt;
  const auto kinds = aggregator->kinds();
  if (*kind == Kind::ussd && std::ranges::find(kinds, Kind::ussd) == kinds.end())
    return std::nullopt;
  return Call{std::move(aggregator), *kind, *channel};
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
  const bool gets = call->channel.allow_get ||
                    (call->kind == Kind::dlr && call->aggregator->profile().reports_by_get);
  const bool puts = head.method == http::Method::put && call->aggregator->adds_to_path(call->kind);
  if (head.method != http::Method::post && !puts && !(head.method == http::Method::get && gets)) {
    ++counters_.refused;
    health_.add(call->channel.number, Sum::refused);
    health_.answered(call->channel.number, true, {}, clock_());
    auto response = plain(405);
    response.fields.emplace_back("Allow", gets ? "GET, POST" : "POST");
    return response;
  }
  return std::nullopt;
}

asio::awaitable<http::Response> Intake::handle(http::Request request) {
  const auto knowledge = knowledge_;
  const auto call = knowledge ? find(request, *knowledge) : std::nullopt;
  if (!call) co_return knowledge ? not_found() : come_again();
  const auto began = around_.stopwatch();
  bool failed = false;
  auto response = co_await answer(std::move(request), *call, knowledge, failed);
  health_.answered(call->channel.number, failed, around_.stopwatch() - began, clock_());
  co_return response;
}

asio::awaitable<http::Response> Intake::answer(http::Request request, const Call& call,
                                               std::shared_ptr<const Knowledge> knowledge,
                                               bool& failed) {
  config::ChannelSettings const& settings = call.channel.settings;
  const auto channel = call.channel.number;
  const auto fail = [&](std::uint64_t& counter, Sum sum) {
    ++counter;
    health_.add(channel, sum);
    failed = true;
  };
  const auto now = clock_();
  auto authentic = call.aggregator->authentic(request, settings, now);
  if (!authentic && call.channel.former)
    authentic = call.aggregator->authentic(request, *call.channel.former, now);
  if (!authentic) {
    fail(counters_.forbidden, Sum::forbidden);
    co_return plain(aggregators::status_of(authentic.error().code));
  }
  auto events = call.aggregator->parse(request, call.kind, settings);
  if (!events) {
    fail(counters_.refused, Sum::refused);
    auto response = plain(aggregators::status_of(events.error().code));
    response.content_type = "text/plain";
    response.body = events.error().reason.view();
    co_return response;
  }

  if (call.kind == Kind::ussd && !events->empty()) {
    if (auto* step = std::get_if<aggregators::UssdStep>(&events->front())) {
      { const auto gone = std::move(request); }
      co_return co_await dialogue(std::move(*step), call, knowledge, failed);
    }
  }

  // The events hold copies; a stalled database must not keep clear texts in memory.
  { const auto gone = std::move(request); }

  Line line;
  bool refused = false;
  bool relay_hears = true;
  for (auto& event : *events) {
    if (std::holds_alternative<aggregators::Unreadable>(event))
      fail(counters_.entries_refused, Sum::unreadable);
    if (auto* delivery = std::get_if<aggregators::Delivery>(&event)) {
      if (delivery->status == aggregators::Status::failed) health_.add(channel, Sum::undelivered);
      const bool fits =
          !delivery->id.empty() && delivery->id.size() <= identity::longest_delivery_id;
      // A relay that is away is asked once, not for every report of a batch.
      if (fits && relay_hears) relay_hears = co_await tell_relay(std::move(*delivery));
      if (!fits || !relay_hears) {
        ++counters_.reports_lost;
        health_.add(channel, Sum::reports_lost);
      }
    }
    auto* message = std::get_if<aggregators::Message>(&event);
    if (!message) continue;
    Result<Line> reported = Line{};
    if (message->part)
      reported = co_await join(std::move(*message), call, knowledge);
    else
      reported = co_await report(std::move(*message), call, knowledge);
    if (!reported) {
      // One that the database will never take holds up no other of a batch.
      if (reported.error() == storage::errc::refused) {
        fail(counters_.not_stored, Sum::not_stored);
        refused = true;
        continue;
      }
      // What was stored before this one is recognised when the aggregator comes again.
      fail(counters_.unavailable, Sum::unavailable);
      co_return come_again();
    }
    health_.text(channel, now);
    line = std::move(*reported);
  }
  if (refused) co_return plain(500);
  if (events->size() > 1) line.reset();  // one HTTP answer cannot speak to several phones
  const auto reply = line ? std::optional<std::string_view>{*line} : std::nullopt;
  co_return call.aggregator->acknowledge(call.aggregator->answers_in_response() ? reply
                                                                                : std::nullopt);
}

// What became of a reply of the relay's. It is nothing that anybody waits for (design.md 9.8), so
// the provider hears of success whatever comes of it. False: the relay was not told.
asio::awaitable<bool> Intake::tell_relay(aggregators::Delivery delivery) {
  using identity::DeliveryState;
  constexpr std::array states{DeliveryState::queued, DeliveryState::sent, DeliveryState::delivered,
                              DeliveryState::failed};  // by aggregators::Status
  identity::RelayRequest request{identity::Delivery{
      states[static_cast<std::size_t>(delivery.status)], std::move(delivery.id)}};
  const auto answer = co_await ask(std::move(request));
  co_return answer.status == identity::RelayStatus::done;
}

Intake::Result<Sealed> Intake::sealed_for(const Target& target, const aggregators::Message& message,
                                          const conversation::Effects& effects,
                                          const Reading& reading, const Call& call,
                                          const Knowledge& knowledge,
                                          std::chrono::sys_seconds now) {
  identity::MessageContent content;
  content.kind = effects.answer ? "ans" : "msg";
  content.channel = call.kind == Kind::ussd ? "ussd" : "sms";
  content.at = std::chrono::floor<std::chrono::minutes>(now);
  content.via = target.via;
  content.category = routing::code(effects.unsure ? routing::Category::unsure : reading.category);
  content.region = reading.region.view();
  for (const auto& candidate : reading.candidates.view())
    content.candidates.emplace_back(candidate.region.view());
  message.text.reveal([&](std::string_view text) { content.text = identity::Text{text}; });

  const auto& matter = target.matter;
  if (reading.menu) say_what_was_chosen(content, *reading.menu, reading.partial, !matter.proven);
  const Marks marks{.report_id = matter.report_id,
                    .first = target.first,
                    .joined_by_number = !matter.proven,
                    .urgent = reading.urgent || effects.urgent,
                    .partial = reading.partial,
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
  const auto fill = [&](auto& row) {
    row.report_id = target.matter.report_id;
    row.queue_id = target.readers.owner->id;
    row.hour = sealed.hour;
    row.record = std::move(sealed.record);
    row.message = std::move(sealed.message);
    row.wraps = std::move(sealed.wraps);
    row.retaddr = std::move(sealed.retaddr);
    row.dedupe = dedupe;
    row.day = day;
    row.answer_class = answer_class;
  };
  storage::result<storage::Appended> stored = storage::errc::unavailable;
  if (target.first) {
    storage::Intake row;
    fill(row);
    row.urgent = urgent;
    row.consent_class = target.matter.consent_class;
    stored = co_await around_.sink.append(std::move(row));
  } else {
    storage::LaterText row;
    fill(row);
    row.message_id = sealed.message_id;
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
  if (reading.helpline) values.tel = reading.helpline->number;
  for (std::size_t i = 0; i < reply->region_count; ++i)
    values.regions[i] =
        knowledge.routing->gazetteer.name(reading.asked.all[reply->regions[i]].shown);
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
                                        const std::optional<Matter>& matter, const Reading& reading,
                                        const identity::Msisdn& number, const Call& call,
                                        const Knowledge& knowledge) const {
  identity::SendTemplate out{.number = copy_of(number)};
  out.channel = call.channel.number;
  out.language = reply.language != conversation::no_language
                     ? reply.language
                     : knowledge.language_number(call.channel.language);
  out.text = static_cast<std::uint8_t>(reply.id);
  if (reply.typed_ref)
    out.ref = reading.input.ref;
  else if (matter)
    out.ref = matter->ref;
  // Only places in tables that the relay has too.
  const auto& routing = *knowledge.routing;
  out.tables = knowledge.routing_version;
  if (reading.helpline)
    out.helpline =
        static_cast<std::uint16_t>(reading.helpline - routing.helplines.all().data() + 1);
  for (std::size_t i = 0; i < reply.region_count; ++i)
    if (const auto place = routing.gazetteer.place_of(reading.asked.all[reply.regions[i]].shown))
      out.regions[i] = *place + 1;
  if (reply.range) out.until = static_cast<std::uint8_t>(reply.range->end + 1);
  if (reply.chosen != conversation::no_language)
    out.chosen = static_cast<std::uint8_t>(reply.chosen + 1);
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

// A part of a text that is longer than one message.
asio::awaitable<Intake::Result<Intake::Line>> Intake::join(
    aggregators::Message part, const Call& call, std::shared_ptr<const Knowledge> knowledge) {
  const std::array<std::uint8_t, 4> text{call.channel.number, part.part->total,
                                         static_cast<std::uint8_t>(part.part->reference >> 8),
                                         static_cast<std::uint8_t>(part.part->reference & 0xFF)};
  const auto sender = std::visit(
      [&](const auto& from) {
        return from.reveal([&](std::string_view written) {
          return crypto::keyed_hash16(phone_key_, {text, crypto::bytes_of(written)});
        });
      },
      part.from);
  // Two parts may say the same.
  const std::array<std::uint8_t, 1> number{part.part->number};
  const auto again = crypto::keyed_hash16(
      phone_key_, {dedupe_hash(part, call.channel.number, clock_(), keys_.dedupe), text, number});
  Joining::Store store = [this, &call, knowledge](aggregators::Message whole) {
    return report(std::move(whole), call, knowledge);
  };
  co_return co_await joining_.join(sender, again, std::move(part), std::move(store));
}

// One text: understood, taken as a step of its sitting, sealed for its report and stored; returns
// the line for the phone, if there is one.
asio::awaitable<Intake::Result<Intake::Line>> Intake::report(
    aggregators::Message message, const Call& call, std::shared_ptr<const Knowledge> knowledge) {
  // The time at which the phone got it does as well: what comes again has the same.
  const bool has_id = !message.id.empty() || message.at.has_value();
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
      sitting.region = live->region;
      sitting.candidates = live->candidates;
      sitting.texts = live->texts;
    }
    // Without a number of the provider's, what is said twice in a sitting is told apart by its
    // place.
    const std::array<std::uint8_t, 1> place{static_cast<std::uint8_t>(sitting.texts)};
    if (!has_id) dedupe = crypto::keyed_hash16(keys_.dedupe.contents, {base, place});
  }

  // All that is signed below is signed in the hour of `now`.
  if (!may_sign(now)) co_return storage::errc::unavailable;

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
  if (effects.region) {  // the reporter has said which
    reading.region = sitting.candidates.all[*effects.region].region;
    reading.candidates = {};
  }
  const bool is_new = sitting.talk.place != conversation::Place::ambiguous;
  if (is_new && step.next.place == conversation::Place::ambiguous)
    sitting.candidates = reading.candidates;
  reading.asked = sitting.candidates;

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
  if (step.reply && step.reply->region_count > 0 && !line) {
    // The names of these regions do not fit one message: ask in which place, as of an unknown one.
    sitting.talk.place = conversation::Place::unknown;
    reading.facts.place = conversation::Place::unknown;
    step = conversation::step(sitting.talk, reading.input, reading.facts, now);
    line = render(step.reply, matter, message.text, reading, looked_up, call, *knowledge);
  }
  std::optional<Result<Sealed>> sealed;
  if (target) sealed = sealed_for(*target, message, effects, reading, call, *knowledge, now);
  std::vector<identity::RelayRequest> afterwards;
  if (number) {
    if (effects.window_minutes)
      afterwards.push_back(identity::OpenWindow{copy_of(*number), *effects.window_minutes});
    if (line && !call.aggregator->answers_in_response())
      afterwards.push_back(by_relay(*step.reply, matter, reading, *number, call, *knowledge));
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
      if (reading.region.depth() > 1) live->region = reading.region;
      live->candidates = sitting.candidates;
      if (effects.close) live->region = {};
      if (effects.close) live->candidates = {};
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
