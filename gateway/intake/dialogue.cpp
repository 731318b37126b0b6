// The steps of a dialogue (conversation.md 2.2). Its text goes the way of every text: understood,
// found its report, sealed, stored; a session is never joined to a sitting, so that its screens
// are the same for every caller.
//
// An aggregator gives up after three seconds, storing may take longer. So storing goes on by
// itself, and a phone that cannot be told in time is told just that, never that it is saved. If its
// request comes again meanwhile it waits for the same; afterwards it is shown what came of it. The
// text is stored once however often it comes in its session; typed again after a new dialling it is
// a text of its own, which joins the report of its number like any other.

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "gateway/intake/steps.hpp"
#include "gateway/log/log.hpp"

namespace ishara::intake {
namespace {

using conversation::ScreenId;
using What = aggregators::UssdStep::What;

asio::awaitable<void> wait(asio::steady_timer& timer) {
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

}  // namespace

// What became of a dialogue's text.
struct Intake::Kept {
  std::optional<identity::Ref> ref;  // none if it was stored before, or if nobody can be answered
};

// A text of a dialogue on its way.
struct Intake::Storing {
  Storing(const asio::any_io_executor& executor, std::chrono::milliseconds patience)
      : deadline{executor, patience}, over{executor, asio::steady_timer::time_point::max()} {}

  asio::steady_timer deadline;  // of all who wait for its screen; both are cancelled at the end
  asio::steady_timer over;
  bool ended = false;
  bool is_stored = false;
  Line screen;  // then; nothing if it breaks a rule of its pack
};

asio::awaitable<http::Response> Intake::dialogue(aggregators::UssdStep step, Call call,
                                                 std::shared_ptr<const Knowledge> knowledge,
                                                 bool& failed) {
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
    co_return call.aggregator->acknowledge(std::nullopt);
  }

  const auto echo = std::move(step.echo);
  const auto show = [&](const Line& text, bool is_last) {
    if (text) return call.aggregator->show({*text, is_last}, crypto::view(echo));
    failed = true;
    http::Response nothing;
    nothing.status = 500;
    return nothing;
  };
  const auto under_way = storing_.find(tag);
  auto storing = under_way == storing_.end() ? nullptr : under_way->second;
  if (!storing) {
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
    if (move.again && !known.screen.empty())
      co_return call.aggregator->show({crypto::view(known.screen), known.session.ended},
                                      crypto::view(echo));
    if (move.report.empty()) {
      const auto text = screen(move.next.screen, {}, call, *knowledge);
      if (text) {
        auto& live = dialogues_.open(tag, now);
        live.session = move.next;
        live.screen = crypto::wiped_copy(*text);
      }
      co_return show(text, move.next.ended);
    }

    aggregators::Message message{
        std::move(*step.from), std::move(step.code), identity::Text{move.report}, {},
        std::nullopt,          std::nullopt};
    { const auto gone = std::move(step); }
    const auto executor = co_await asio::this_coro::executor;
    storing = std::make_shared<Storing>(executor, around_.dialogue_patience);
    storing_.emplace(tag, storing);
    asio::co_spawn(executor, store(std::move(message), session, tag, move.next, call, knowledge),
                   [this, storing, tag](const std::exception_ptr& bug) {
                     if (bug) {
                       log::write<log::Event::uncaught_exception>();
                       ++counters_.dialogues_failed;
                       ++counters_.unavailable;
                     }
                     storing->ended = true;
                     storing_.erase(tag);
                     storing->deadline.cancel();
                     storing->over.cancel();
                   });
  }
  if (!storing->ended) co_await wait(storing->deadline);
  failed = !storing->is_stored;
  if (storing->ended) co_return show(storing->screen, true);
  ++counters_.dialogues_late;
  co_return show(screen(ScreenId::unsure, {}, call, *knowledge), true);
}

asio::awaitable<void> Intake::settle() {
  while (!storing_.empty()) {
    const auto one = storing_.begin()->second;
    co_await wait(one->over);
  }
}

// Stores the text with which a session has ended, and keeps the screen that says so.
asio::awaitable<void> Intake::store(aggregators::Message message, crypto::Id session,
                                    crypto::Id tag, conversation::UssdSession ended, Call call,
                                    std::shared_ptr<const Knowledge> knowledge) {
  const auto kept = co_await keep(std::move(message), session, call, knowledge, clock_());
  const auto storing = storing_.at(tag);
  if (!kept) {
    // What comes again may still be stored, so the session stands as it stood.
    ++counters_.dialogues_failed;
    const bool never = kept.error() == storage::errc::refused;
    ++(never ? counters_.not_stored : counters_.unavailable);
    health_.add(call.channel.number, never ? Sum::not_stored : Sum::unavailable);
    storing->screen = screen(ScreenId::not_saved, {}, call, *knowledge);
    co_return;
  }
  storing->is_stored = true;
  health_.text(call.channel.number, clock_());
  storing->screen = kept->ref ? screen(ScreenId::saved, kept->ref->digits(), call, *knowledge)
                              : screen(ScreenId::saved_plain, {}, call, *knowledge);
  if (!storing->screen) co_return;
  auto& live = dialogues_.open(tag, clock_());
  live.session = ended;
  live.screen = crypto::wiped_copy(*storing->screen);
}

Intake::Line Intake::screen(conversation::ScreenId which, std::string_view ref, const Call& call,
                            const Knowledge& knowledge) {
  const auto limit = call.aggregator->screen_limit();
  auto text = conversation::render(*knowledge.packs, which, ref, {limit.septets, limit.units},
                                   call.channel.language);
  if (text) return std::move(*text);
  if (counters_.answers_withheld++ == 0)
    log::write<log::Event::answer_withheld>(text.error().value());
  return std::nullopt;
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
