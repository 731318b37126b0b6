// The steps of a dialogue (conversation.md 2.2 to 2.5). What the menu has collected goes the way of
// every text: understood, found its report, sealed, stored; a session is never joined to a sitting,
// so that its first screens are the same for every caller.
//
// An aggregator gives up after three seconds, storing may take longer. So storing goes on by
// itself, and a phone that cannot be told in time is told just that, never that it is saved. If its
// request comes again meanwhile it waits for the same; afterwards it is shown what came of it. A
// report is stored once however often it comes in its session; sent again after a new dialling it
// is a text of its own, which joins the report of its number like any other.
// What becomes of a dialogue that breaks off stands in broken_off.cpp.

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "gateway/intake/steps.hpp"
#include "gateway/log/log.hpp"

namespace ishara::intake {
namespace {

using conversation::End;
using conversation::Kind;
using What = aggregators::UssdStep::What;

}  // namespace

// A text of a dialogue on its way.
struct Intake::Storing {
  Storing(const asio::any_io_executor& executor, std::chrono::milliseconds patience)
      : deadline{executor, patience}, over{executor, asio::steady_timer::time_point::max()} {}

  asio::steady_timer deadline;  // of all who wait for its screen; both are cancelled at the end
  asio::steady_timer over;
  conversation::MenuState menu;  // its language alone
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
  const auto end = [&](const crypto::Id& which) {
    const auto* live = dialogues_.find(which, clock_());
    if (live && !live->session.has_ended(*knowledge->menu)) ++counters_.dialogues_closed;
    dialogues_.end(which);
  };
  if (step.what == What::close) {
    const auto* live = dialogues_.find(tag, clock_());
    if (live && !storing_.contains(tag)) {
      const auto one = unfinished_.find(live->phone);
      if (one != unfinished_.end() && one->second.session == tag && one->second.presses())
        let_go(one);
    }
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
  const auto& flow = *knowledge->menu;
  const auto under_way = storing_.find(tag);
  auto storing = under_way == storing_.end() ? nullptr : under_way->second;
  if (!storing) {
    const auto now = clock_();
    // A phone without a number has nothing but its session.
    auto phone = tag;
    if (const auto* number = std::get_if<identity::Msisdn>(&*step.from)) {
      const auto digits = number->fixed();
      phone = crypto::keyed_hash16(phone_key_, {digits.reveal()});
      auto& current = callers_.open(phone, now);
      if (current != tag) end(current);
      current = tag;
    }
    const auto broken_off = unfinished_.find(phone);
    const bool is_its_own = broken_off != unfinished_.end() && broken_off->second.session == tag;
    const bool may_go_on = broken_off != unfinished_.end() && !is_its_own;
    Dialogue known;
    if (const auto* live = dialogues_.find(tag, now)) {
      known = *live;
    } else if (is_its_own) {  // slower than a network usually waits
      known.session = broken_off->second.state;
      known.let_go = broken_off->second.let_go;
    } else {
      ++counters_.dialogues;
    }

    const auto surroundings = around(known.session.menu, call, *knowledge);
    auto move = step.input.reveal([&](std::string_view input) {
      const conversation::Typed typed{input, step.what == What::begin, step.accumulated};
      return conversation::take(known.session, typed, surroundings,
                                may_go_on ? &broken_off->second.state.menu : nullptr, now,
                                phone_key_);
    });
    const auto kind = flow[move.next.menu.screen].kind;
    const bool is_last = move.next.has_ended(flow);
    if (move.again && !known.screen.empty())
      co_return call.aggregator->show({crypto::view(known.screen), is_last}, crypto::view(echo));
    Unfinished dialogue{.session = tag,
                        .dedupe = session,
                        .phone = phone,
                        .state = move.next,
                        .last = now,
                        .call = std::make_shared<const Call>(call),
                        .knowledge = knowledge,
                        .let_go = known.let_go};
    if (kind != Kind::sent) {
      const auto& menu = move.next.menu;
      auto last = End::goodbye;
      if (kind == Kind::cancelled) {
        // Only if that is true.
        if (forget(phone, tag) == known.let_go) last = End::cancelled;
      } else if (!is_last && menu.answers.category) {
        remember(std::move(dialogue));
      }
      const auto text = screen(is_last ? conversation::last_page(last, {}, menu, surroundings)
                                       : conversation::page(menu, around(menu, call, *knowledge)));
      if (text) {
        auto& live = dialogues_.open(tag, now);
        live.session = std::move(move.next);
        if (is_last) live.session.menu.answers = {};
        live.phone = phone;
        live.let_go = known.let_go;
        live.screen = crypto::wiped_copy(*text);
      }
      co_return show(text, is_last);
    }

    const auto& words = move.next.menu.answers.words;
    aggregators::Message message{std::move(*step.from),
                                 std::move(step.code),
                                 identity::Text{words ? crypto::view(*words) : std::string_view{}},
                                 {},
                                 std::nullopt,
                                 std::nullopt};
    { const auto gone = std::move(step); }
    const auto executor = co_await asio::this_coro::executor;
    storing = std::make_shared<Storing>(executor, around_.dialogue_patience);
    storing->menu.language = move.next.menu.language;
    storing_.emplace(tag, storing);
    asio::co_spawn(executor, store(std::move(message), std::move(dialogue), std::move(move.next)),
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
  co_return show(screen(conversation::last_page(End::unsure, {}, storing->menu,
                                                around(storing->menu, call, *knowledge))),
                 true);
}

// What stands around a dialogue of this channel: nothing of it depends on who is calling.
conversation::Around Intake::around(const conversation::MenuState& menu, const Call& call,
                                    const Knowledge& knowledge) const {
  const auto limit = call.aggregator->screen_limit();
  const auto& routing = *knowledge.routing;
  const auto& packs = knowledge.packs->all();
  const auto country = routing::RegionCode::parse(call.channel.settings.country);
  conversation::Around out{.flow = *knowledge.menu,
                           .packs = *knowledge.packs,
                           .gazetteer = routing.gazetteer,
                           .countries = routing.countries,
                           .country = country.value_or(routing::RegionCode{}),
                           .channel_language = call.channel.language,
                           .size = {limit.septets, limit.units}};
  const auto language = menu.language < packs.size() ? std::string_view{packs[menu.language].tag}
                                                     : std::string_view{call.channel.language};
  const auto where = menu.answers.region.value_or(out.country);
  if (const auto* line = knowledge.helpline(call.channel, where, language, false, clock_()))
    out.helpline = line->number;
  out.sharing = std::ranges::any_of(routing.table.queues(), [](const routing::Queue& queue) {
    return queue.queue_class == routing::QueueClass::police;
  });
  out.sms = !call.aggregator->profile().to_send.empty();
  return out;
}

asio::awaitable<void> Intake::settle() {
  while (!storing_.empty()) {
    const auto one = storing_.begin()->second;
    co_await wait(one->over);
  }
  asio::steady_timer over{co_await asio::this_coro::executor,
                          asio::steady_timer::time_point::max()};
  settles_ = &over;
  while (stores_unfinished_) co_await wait(over);
  settles_ = nullptr;
  while (!unfinished_.empty()) let_go(unfinished_.begin());
  co_await store_unfinished();
}

// Stores the report with which a session has ended, and keeps the screen that says so.
asio::awaitable<void> Intake::store(aggregators::Message message, Unfinished dialogue,
                                    conversation::UssdSession ended) {
  const auto& call = *dialogue.call;
  const auto& knowledge = dialogue.knowledge;
  const auto& tag = dialogue.session;
  const auto surroundings = around(ended.menu, call, *knowledge);
  const bool has_number = std::holds_alternative<identity::Msisdn>(message.from);
  const auto kept = co_await keep(std::move(message), dialogue.answers(), false,
                                  has_number ? &dialogue.phone : nullptr, dialogue.dedupe, call,
                                  knowledge, clock_());
  const auto storing = storing_.at(tag);
  const auto last = [&](End end, std::string_view ref = {}) {
    return screen(conversation::last_page(end, ref, ended.menu, surroundings));
  };
  if (!kept) {
    // What comes again may still be stored, so the session stands as it stood.
    ++counters_.dialogues_failed;
    const bool never = kept.error() == storage::errc::refused;
    ++(never ? counters_.not_stored : counters_.unavailable);
    health_.add(call.channel.number, never ? Sum::not_stored : Sum::unavailable);
    storing->screen = last(End::not_saved);
    co_return;
  }
  forget(dialogue.phone, tag);
  storing->is_stored = true;
  health_.text(call.channel.number, clock_());
  storing->screen = kept->ref ? last(End::saved, kept->ref->digits()) : last(End::saved_plain);
  if (!storing->screen) co_return;
  auto& live = dialogues_.open(tag, clock_());
  live.session = std::move(ended);
  live.session.menu.answers = {};
  live.phone = dialogue.phone;
  live.screen = crypto::wiped_copy(*storing->screen);
}

Intake::Line Intake::screen(boost::system::result<std::string> text) {
  if (text) return std::move(*text);
  if (counters_.answers_withheld++ == 0)
    log::write<log::Event::answer_withheld>(text.error().value());
  return std::nullopt;
}

// As the first text of a sitting that ends with it.
asio::awaitable<Intake::Result<Intake::Kept>> Intake::keep(
    aggregators::Message message, const conversation::MenuAnswers& answers, bool partial,
    const crypto::Id* phone, crypto::Id dedupe, const Call& call,
    std::shared_ptr<const Knowledge> knowledge, std::chrono::sys_seconds now) {
  if (!may_sign(now)) co_return storage::errc::unavailable;
  const Sitting none;
  const LookedUp nothing;
  auto reading = read(message, call, *knowledge, none, now, &answers);
  reading.partial = partial;
  reading.helpers_only = answers.police == false;
  const auto* number = std::get_if<identity::Msisdn>(&message.from);
  // What a phone may say in an hour, texts and dialogues together, is counted in its sitting.
  const auto* said = phone ? sittings_.find(*phone, now) : nullptr;
  const bool parked = said && said->texts >= Sitting::most_texts;
  if (parked) reading.urgent = false;
  conversation::Effects effects;
  effects.store = number ? conversation::Store::report : conversation::Store::stray;
  effects.may_text = number && answers.may_text.value_or(false);
  auto target = co_await this->target(effects, reading, none, nothing, number, call, *knowledge);
  // Police only by choice, in a report that begins with it: what is joined by number alone is never
  // signed for them (privacy.md 7.12), and what broke off is for helpers.
  if (answers.police.value_or(false) && !partial && target.first) {
    target.matter.consent_class = 1;
    if (reading.police && !reading.police->retired) target.readers.police_copy = reading.police;
  }
  auto sealed = sealed_for(target, message, effects, reading, call, *knowledge, now);
  // Number and text go before the database is waited for.
  { const auto gone = std::move(message); }
  if (!sealed) co_return sealed.error();
  const auto stored = co_await append(std::move(*sealed), target, dedupe, 1, reading.urgent, now);
  if (!stored) co_return stored.error();
  if (parked)
    ++counters_.parked;
  else if (phone)
    ++sittings_.open(*phone, clock_()).texts;
  Kept kept;
  if (target.adopted && !stored->duplicate) kept.ref = target.matter.ref;
  co_return kept;
}

}  // namespace ishara::intake
