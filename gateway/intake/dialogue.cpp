// The steps of a dialogue (conversation.md 2.2). Its text goes the way of every text: understood,
// found its report, sealed, stored; a session is never joined to a sitting, so that its screens
// are the same for every caller.

#include <array>
#include <utility>

#include "gateway/intake/steps.hpp"
#include "gateway/log/log.hpp"

namespace ishara::intake {
namespace {

using conversation::ScreenId;
using What = aggregators::UssdStep::What;

}  // namespace

// What became of a dialogue's text.
struct Intake::Kept {
  std::optional<identity::Ref> ref;  // none if it was stored before, or if nobody can be answered
};

asio::awaitable<http::Response> Intake::dialogue(aggregators::UssdStep step, Call call,
                                                 std::shared_ptr<const Knowledge> knowledge) {
  // A session is known by a lasting key, as texts are by their ids: it is stored once, also if this
  // process ends in between.
  const std::array<std::uint8_t, 1> channel{call.channel.number};
  const auto session = crypto::keyed_hash16(
      keys_.dedupe.ids,
      {crypto::bytes_of("u"), channel, crypto::bytes_of(crypto::view(step.session))});
  const auto tag = crypto::keyed_hash16(phone_key_, {session});
  const auto end = [this](const crypto::Id& which) {
    const auto* live = dialogues_.find(which, clock_());
    if (live && !live->session.ended) ++counters_.dialogues_closed;
    dialogues_.end(which);
  };
  if (step.what == What::close) {
    end(tag);
    co_return call.aggregator.acknowledge(std::nullopt);
  }

  const auto turn = co_await turns_.take(tag);
  const auto now = clock_();
  Dialogue known;
  if (const auto* live = dialogues_.find(tag, now))
    known = *live;
  else
    ++counters_.dialogues;
  if (const auto* number = std::get_if<identity::Msisdn>(&*step.from)) {
    const auto digits = number->fixed();
    const auto phone = crypto::keyed_hash16(phone_key_, {digits.reveal()});
    auto& current = callers_.open(phone, now);
    if (current != tag) end(current);
    current = tag;
  }

  auto move = step.input.reveal([&](std::string_view input) {
    const conversation::Typed typed{input, step.what == What::begin, step.accumulated};
    return conversation::take(known.session, typed, now, phone_key_);
  });
  const auto echo = std::move(step.echo);
  if (move.again && !known.screen.empty())
    co_return call.aggregator.show({crypto::view(known.screen), known.session.ended},
                                   crypto::view(echo));

  auto screen = move.next.screen;
  bool in_force = true;
  std::optional<identity::Ref> ref;
  if (!move.report.empty()) {
    aggregators::Message message{
        std::move(*step.from), std::move(step.code), identity::Text{move.report}, {},
        std::nullopt,          std::nullopt};
    { const auto gone = std::move(step); }
    const auto kept = co_await keep(std::move(message), session, call, knowledge, now);
    if (kept) {
      ref = kept->ref;
      if (!ref) screen = ScreenId::saved_plain;
    } else {
      // What comes again may still be stored, so the session stands as it stood.
      in_force = false;
      screen = ScreenId::not_saved;
      ++counters_.dialogues_failed;
      ++(kept.error() == storage::errc::refused ? counters_.not_stored : counters_.unavailable);
    }
  }

  const auto limit = call.aggregator.screen_limit();
  auto text = conversation::render(*knowledge->packs, screen, ref ? ref->digits() : "",
                                   {limit.septets, limit.units}, call.channel.language);
  if (!text) {
    if (counters_.answers_withheld++ == 0)
      log::write<log::Event::answer_withheld>(text.error().value());
    http::Response nothing;
    nothing.status = 500;
    co_return nothing;
  }
  const bool ends = move.next.ended;
  if (in_force) {
    auto& live = dialogues_.open(tag, now);
    live.session = move.next;
    live.screen = crypto::wiped_copy(*text);
  }
  co_return call.aggregator.show({*text, ends}, crypto::view(echo));
}

// The text of a dialogue, as the first text of a sitting that ends with it.
asio::awaitable<Intake::Result<Intake::Kept>> Intake::keep(
    aggregators::Message message, crypto::Id session, const Call& call,
    std::shared_ptr<const Knowledge> knowledge, std::chrono::sys_seconds now) {
  if (!may_sign(now)) co_return storage::errc::unavailable;
  const Sitting none;
  const LookedUp nothing;
  auto reading = read(message, call, *knowledge, none, now);
  const auto* number = std::get_if<identity::Msisdn>(&message.from);
  bool parked = false;
  if (number) {
    // What a phone may say in an hour, texts and dialogues together, is counted in its sitting.
    const auto digits = number->fixed();
    auto& sitting = sittings_.open(crypto::keyed_hash16(phone_key_, {digits.reveal()}), now);
    parked = sitting.texts >= Sitting::most_texts;
    if (!parked) ++sitting.texts;
  }
  if (parked) {
    ++counters_.parked;
    reading.urgent = false;
  }
  conversation::Effects effects;
  effects.store = number ? conversation::Store::report : conversation::Store::stray;
  const auto target =
      co_await this->target(effects, reading, none, nothing, number, call, *knowledge);
  auto sealed = sealed_for(target, message, effects, reading, call, *knowledge, now);
  // Number and text go before the database is waited for.
  { const auto gone = std::move(message); }
  if (!sealed) co_return sealed.error();
  const auto stored = co_await append(std::move(*sealed), target, session, 1, reading.urgent, now);
  if (!stored) co_return stored.error();
  Kept kept;
  if (target.adopted && !stored->duplicate) kept.ref = target.matter.ref;
  co_return kept;
}

}  // namespace ishara::intake
