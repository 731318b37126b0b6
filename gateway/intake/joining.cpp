#include "gateway/intake/joining.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <map>
#include <utility>

#include "gateway/crypto/wipe.hpp"
#include "i18n/decode.hpp"
#include "storage/errc.hpp"

namespace ishara::intake {

namespace asio = boost::asio;

struct Joining::Held {
  Held(const asio::any_io_executor& executor, std::size_t of_all)
      : total{of_all},
        complete{executor, asio::steady_timer::time_point::max()},
        over{executor, asio::steady_timer::time_point::max()} {}

  std::size_t total;
  std::map<std::uint8_t, aggregators::Message> parts;  // by their numbers, until they are joined
  std::map<std::uint8_t, crypto::Id> came;             // the same, for as long as this is known
  bool closed = false;                                 // what comes now comes too late
  asio::steady_timer complete;                         // both are cancelled to wake who waits
  asio::steady_timer over;
  Outcome outcome = make_error_code(storage::errc::unavailable);
};

namespace {

asio::awaitable<void> wait(asio::steady_timer& timer) {
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

// What has come, in its order, as one message; no other copy stays. Its first part stands for the
// others, and is told only if the beginning is missing.
aggregators::Message joined(std::map<std::uint8_t, aggregators::Message> parts, std::size_t total) {
  crypto::WipedBuffer text;
  const auto add = [&text](std::string_view words) {
    text.insert(text.end(), words.begin(), words.end());
  };
  std::size_t expected = 1;
  for (const auto& [number, part] : parts) {
    if (number != expected) add(expected == 1 ? "[…] " : " […] ");
    expected = number + 1u;
    part.text.reveal(add);
  }
  if (expected <= total) add(" […]");
  // A letter and its accent may have been parted.
  const auto repaired =
      i18n::decode(crypto::view(text), i18n::Charset::utf8, crypto::wiping_resource());
  auto out = std::move(parts.begin()->second);
  out.text = identity::Text{{repaired.data(), repaired.size()}};
  if (parts.begin()->first == 1) out.part.reset();
  return out;
}

aggregators::Message fragment(aggregators::Message part) {
  const auto place = *part.part;
  std::map<std::uint8_t, aggregators::Message> alone;
  alone.emplace(place.number, std::move(part));
  return joined(std::move(alone), place.total);
}

}  // namespace

asio::awaitable<Joining::Outcome> Joining::join(crypto::Id text, crypto::Id again,
                                                aggregators::Message part, Store store) {
  if (known_.contains(again)) co_return std::nullopt;
  const auto place = *part.part;
  if (part.text.size() > most_bytes) {
    part.part.reset();  // whatever it says, no phone sent this as one message
    co_return co_await store(std::move(part));
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto [entry, is_first] = held_.try_emplace(text);
  if (is_first) entry->second = std::make_shared<Held>(executor, place.total);
  const auto held = entry->second;
  const auto came = held->came.find(place.number);
  if (came != held->came.end() ? came->second != again : held->closed) {
    // Too late, or another text of somebody who has used the reference again.
    if (came == held->came.end()) ++incomplete_;
    auto outcome = co_await store(fragment(std::move(part)));
    if (outcome) remember(again);
    co_return outcome;
  }
  if (came == held->came.end()) {
    held->came.emplace(place.number, again);
    held->parts.emplace(place.number, std::move(part));
    ++parts_;
    if (held->parts.size() == held->total) held->complete.cancel();
  }
  if (!is_first) {
    co_await wait(held->over);
    if (!held->outcome) co_return held->outcome.error();
    co_return std::nullopt;  // the line goes where the first one came from
  }

  if (held->parts.size() < held->total && parts_ <= most_held) {
    held->complete.expires_after(patience_);
    co_await wait(held->complete);
  }
  held->closed = true;
  parts_ -= held->parts.size();
  if (held->parts.size() < held->total) ++incomplete_;
  // The others go on even if this ends by an exception.
  const auto end = [this, &text](Held* done) {
    held_.erase(text);
    done->over.cancel();
  };
  const std::unique_ptr<Held, decltype(end)> guard{held.get(), end};
  auto whole = joined(std::move(held->parts), held->total);
  held->outcome = co_await store(std::move(whole));
  if (held->outcome)
    for (const auto& [number, one] : held->came) remember(one);
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
