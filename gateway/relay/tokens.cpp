#include "gateway/relay/tokens.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "gateway/http/client.hpp"

namespace ishara::relay {
namespace {

namespace asio = boost::asio;

using State = SignedIn::State;
using std::chrono::seconds;

constexpr seconds spare{60};  // of a token's life, for the text that is on its way
constexpr seconds first_pause{5};
constexpr seconds longest_pause{300};
constexpr http::FetchLimits limits{std::chrono::seconds{15}, 16 * 1024, 64 * 1024};

// What an answer without a token means: nobody is there now, or nothing is given for these words.
State without_token(unsigned status) {
  return status >= 500 || status == 408 || status == 429 ? State::later : State::no;
}

}  // namespace

Tokens::Tokens(asio::any_io_executor executor) : answered_{executor} {
  answered_.expires_at(asio::steady_timer::time_point::max());
}

asio::awaitable<SignedIn> Tokens::see_to(const config::SendingChannel& channel,
                                         const aggregators::Aggregator& aggregator,
                                         std::chrono::sys_seconds now) {
  auto posting = aggregator.sign_in(channel.settings);
  SignedIn out;
  out.state = State::yes;
  if (!posting) co_return out;
  auto& held = channels_[channel.number];
  while (held.asking) {
    boost::system::error_code ignored;
    co_await answered_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  const auto asked = crypto::hash32({crypto::bytes_of(posting->origin), crypto::bytes_of("\n"),
                                     crypto::bytes_of(crypto::view(posting->request.target)),
                                     crypto::bytes_of("\n"),
                                     crypto::bytes_of(crypto::view(posting->request.body))});
  if (held.asked != asked) {
    const auto last_number = held.number;
    held = {};
    held.asked = asked;
    held.number = last_number;
  }
  if (held.token.empty() || now >= held.until) {
    if (now >= held.not_before) {
      held.asking = true;
      held.last = co_await ask(held, std::move(*posting), aggregator, now);
      held.asking = false;
      answered_.cancel();
    }
    out.state = held.last;
  }
  out.token = held.token;
  out.number = held.number;
  co_return out;
}

asio::awaitable<State> Tokens::ask(OfChannel& held, aggregators::Posting posting,
                                   const aggregators::Aggregator& aggregator,
                                   std::chrono::sys_seconds now) {
  crypto::WipedBuffer{}.swap(held.token);
  held.pause = std::clamp(2 * held.pause, first_pause, longest_pause);
  held.not_before = now + held.pause;
  auto origin = http::parse_origin(posting.origin);
  if (!origin) co_return State::no;
  auto answer = co_await http::fetch(std::move(*origin), std::move(posting.request), limits);
  if (!answer) co_return answer.error() == http::errc::untrusted ? State::no : State::later;
  auto token = answer->status / 100 == 2 ? aggregator.signed_in(*answer) : std::nullopt;
  crypto::wipe(answer->body.data(), answer->body.size());
  if (!token || token->value.empty()) co_return without_token(answer->status);
  held.token = std::move(token->value);
  held.until = now + std::max(token->lifetime - spare, token->lifetime / 2);
  held.pause = {};
  held.not_before = {};
  ++held.number;
  co_return State::yes;
}

void Tokens::taken(const config::SendingChannel& channel) {
  if (const auto found = channels_.find(channel.number); found != channels_.end())
    found->second.one_refused = false;
}

bool Tokens::refused(const config::SendingChannel& channel, std::uint64_t number) {
  auto& held = channels_[channel.number];
  if (held.number != number || held.token.empty()) return true;  // there is another by now
  crypto::WipedBuffer{}.swap(held.token);
  return !std::exchange(held.one_refused, !held.one_refused);
}

}  // namespace ishara::relay
