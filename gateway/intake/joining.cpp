#include "gateway/intake/joining.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "gateway/crypto/wipe.hpp"
#include "i18n/decode.hpp"
#include "storage/errc.hpp"

namespace ishara::intake {

namespace asio = boost::asio;

struct Joining::Held {
  struct Slot {
    std::optional<aggregators::Message> message;
    crypto::Id again{};
  };

  Held(const asio::any_io_executor& executor, std::size_t total)
      : parts(total),
        missing{total},
        complete{executor, asio::steady_timer::time_point::max()},
        over{executor, asio::steady_timer::time_point::max()} {}

  std::vector<Slot> parts;  // in the order of their numbers
  std::size_t missing;
  asio::steady_timer complete;  // both are cancelled to wake who waits
  asio::steady_timer over;
  Outcome outcome = make_error_code(storage::errc::unavailable);
};

namespace {

asio::awaitable<void> wait(asio::steady_timer& timer) {
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

// What has come, in its order, as one message. Its first part stands for the others, and is told
// only if the beginning is missing.
template <class Slots>
aggregators::Message joined(Slots& parts) {
  crypto::WipedBuffer text;
  const auto add = [&text](std::string_view words) {
    text.insert(text.end(), words.begin(), words.end());
  };
  aggregators::Message* first = nullptr;
  bool gap = false;
  for (auto& part : parts) {
    if (!part.message) {
      gap = true;
      continue;
    }
    if (gap) add(first ? " […] " : "[…] ");
    gap = false;
    part.message->text.reveal(add);
    if (!first) first = &*part.message;
  }
  if (gap) add(" […]");
  // A character may have been cut in two.
  const auto repaired =
      i18n::decode(crypto::view(text), i18n::Charset::utf8, crypto::wiping_resource());
  auto out = std::move(*first);
  out.text = identity::Text{{repaired.data(), repaired.size()}};
  if (out.part->number == 1) out.part.reset();
  return out;
}

}  // namespace

asio::awaitable<Joining::Outcome> Joining::join(crypto::Id text, crypto::Id again,
                                                aggregators::Message part, Store store) {
  if (known_.contains(again)) co_return std::nullopt;
  const auto place = *part.part;
  const auto executor = co_await asio::this_coro::executor;
  const auto [entry, is_first] = held_.try_emplace(text);
  if (is_first) entry->second = std::make_shared<Held>(executor, place.total);
  const auto held = entry->second;
  if (auto& slot = held->parts.at(place.number - 1u); !slot.message) {
    slot = {std::move(part), again};
    ++parts_;
    if (--held->missing == 0) held->complete.cancel();
  }
  if (!is_first) {
    co_await wait(held->over);
    if (!held->outcome) co_return held->outcome.error();
    co_return std::nullopt;  // the line goes where the first one came from
  }

  if (held->missing > 0 && parts_ <= most_held) {
    held->complete.expires_after(patience_);
    co_await wait(held->complete);
  }
  held_.erase(text);
  parts_ -= held->parts.size() - held->missing;
  if (held->missing > 0) ++incomplete_;
  // The others go on even if this ends by an exception.
  const auto wake = [](Held* done) { done->over.cancel(); };
  const std::unique_ptr<Held, decltype(wake)> guard{held.get(), wake};
  auto whole = joined(held->parts);
  held->outcome = co_await store(std::move(whole));
  if (held->outcome)
    for (const auto& slot : held->parts)
      if (slot.message) remember(slot.again);
  co_return held->outcome;
}

void Joining::remember(const crypto::Id& again) {
  if (!known_.insert(again).second) return;
  known_in_order_.push_back(again);
  if (known_in_order_.size() <= most_known) return;
  known_.erase(known_in_order_.front());
  known_in_order_.pop_front();
}

}  // namespace ishara::intake
