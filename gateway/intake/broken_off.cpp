// What becomes of a dialogue that has a category and breaks off (ADR 20): it waits for its phone to
// dial again and to choose that category. If it does not, what was said becomes a report by itself:
// for helpers, and without a way back to the phone, whose number is not kept.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "gateway/intake/steps.hpp"
#include "gateway/log/log.hpp"

namespace ishara::intake {
namespace {

// How long a dialogue that broke off waits for its phone; less where somebody is in danger now.
constexpr std::chrono::minutes resume_for{15};
constexpr std::chrono::minutes resume_in_danger{1};
// So many wait at once; in a flood some become reports before their time, and beyond as many of
// those as wait to be stored there are no more.
constexpr std::size_t most_unfinished = 50'000;
constexpr std::size_t most_stored_at_once = 64;  // of them, so that the writer has rows to join

}  // namespace

// Once: what follows in the same session is not made a report of its own every minute.
bool Intake::Unfinished::presses() const noexcept {
  return let_go == 0 && answers().danger == conversation::Danger::now;
}

bool Intake::Unfinished::is_over(std::chrono::sys_seconds now) const noexcept {
  return now - last >= (presses() ? resume_in_danger : resume_for);
}

// Another dialogue of the same phone, about something else, is a report as it is.
void Intake::remember(Unfinished dialogue) {
  const auto same = unfinished_.find(dialogue.phone);
  const bool is_new = same == unfinished_.end();
  if (!is_new && same->second.session != dialogue.session &&
      same->second.answers().category != dialogue.answers().category) {
    let_go(same);
  } else if (is_new && unfinished_.size() >= most_unfinished) {
    if (over_.size() >= most_unfinished) {
      ++counters_.dialogues_failed;
      ++counters_.unavailable;
      return;
    }
    let_go(unfinished_.begin());
  }
  const auto phone = dialogue.phone;
  unfinished_.insert_or_assign(phone, std::move(dialogue));
}

std::size_t Intake::forget(const crypto::Id& phone, const crypto::Id& session) {
  const auto one = unfinished_.find(phone);
  if (one != unfinished_.end() && one->second.session == session) unfinished_.erase(one);
  return std::erase_if(over_, [&](const Unfinished& each) { return each.session == session; });
}

Intake::ByPhone<Intake::Unfinished>::iterator Intake::let_go(ByPhone<Unfinished>::iterator one) {
  auto& dialogue = one->second;
  if (auto* live = dialogues_.find(dialogue.session, clock_())) ++live->let_go;
  // Not what its session is stored under: whoever goes on and sends it sends more than this.
  dialogue.dedupe = crypto::random_bytes<16>();
  over_.push_back(std::move(dialogue));
  return unfinished_.erase(one);
}

asio::awaitable<void> Intake::store_unfinished() {
  if (stores_unfinished_) co_return;
  stores_unfinished_ = true;
  struct Done {
    Intake& intake;
    ~Done() {
      intake.stores_unfinished_ = false;
      if (intake.settles_) intake.settles_->cancel();
    }
  } const done{*this};
  const auto executor = co_await asio::this_coro::executor;
  for (bool is_away = false; !over_.empty() && !is_away;) {
    if (!knowledge_ || !may_sign(clock_())) co_return;
    std::size_t under_way = 0;
    asio::steady_timer all{executor, asio::steady_timer::time_point::max()};
    while (under_way < most_stored_at_once && !over_.empty()) {
      auto one = std::move(over_.front());
      over_.pop_front();
      ++under_way;
      asio::co_spawn(executor, store_partial(std::move(one)),
                     [&](const std::exception_ptr& bug, bool is_settled) {
                       if (bug) log::write<log::Event::uncaught_exception>();
                       if (!bug && !is_settled) is_away = true;
                       if (--under_way == 0) all.cancel();
                     });
    }
    while (under_way > 0) co_await wait(all);
  }
}

asio::awaitable<bool> Intake::store_partial(Unfinished one) {
  const auto knowledge = knowledge_;
  if (!knowledge) {
    over_.push_back(std::move(one));
    co_return false;
  }
  const auto channel = one.call->channel.number;
  const auto& words = one.answers().words;
  aggregators::Message message{identity::AlphanumericSender{""},
                               {},
                               identity::Text{words ? crypto::view(*words) : std::string_view{}},
                               {},
                               std::nullopt,
                               std::nullopt};
  const auto kept = co_await keep(std::move(message), one.answers(), true, &one.phone, one.dedupe,
                                  *one.call, knowledge, clock_());
  if (kept) {
    ++counters_.dialogues_broken_off;
    health_.text(channel, clock_());
    co_return true;
  }
  const bool never = kept.error() == storage::errc::refused;
  if (never || !one.failed) {
    ++counters_.dialogues_failed;
    ++(never ? counters_.not_stored : counters_.unavailable);
    health_.add(channel, never ? Sum::not_stored : Sum::unavailable);
  }
  if (never) co_return true;
  // Tried again in a second.
  one.failed = true;
  over_.push_back(std::move(one));
  co_return false;
}

}  // namespace ishara::intake
