#include "gateway/relay/sending.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/conversation/answer.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/http/client.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/log/log.hpp"
#include "gateway/relay/phones.hpp"
#include "gateway/relay/tokens.hpp"
#include "i18n/sms.hpp"
#include "routing/pack/bundle.hpp"
#include "routing/snapshot.hpp"
#include "storage/reply_store.hpp"
#include "storage/store_pool.hpp"

namespace ishara::relay {
namespace {

namespace asio = boost::asio;

using aggregators::SendAnswer;
using aggregators::Taken;
using crypto::Id;
using std::chrono::seconds;
using storage::OutboxReply;
using storage::ReplyState;
using storage::blocking::ReplyStore;
using Time = std::chrono::sys_seconds;
using Steady = std::chrono::steady_clock;

constexpr seconds poll_pause{2};
constexpr seconds again_pause{30};
constexpr seconds stopped_pause{300};  // of a channel whose provider refuses our credentials
constexpr seconds first_retry{5};
constexpr seconds longest_retry{300};
constexpr seconds longest_queue{5};  // in which a text waits for its channel's turn
constexpr std::uint32_t page = 200;
constexpr std::size_t most_at_once = 64;             // texts on their way to providers
constexpr std::size_t most_acknowledgements = 1000;  // on their way, or to be tried again
constexpr std::chrono::minutes tell_pause{1};
constexpr std::chrono::hours fetchable{24};
constexpr std::size_t most_remembered = 100'000;  // of what has left
constexpr std::uint32_t hours_of_a_hash = 48;
constexpr std::uint32_t hours_of_a_state = 40 * 24;  // no epoch's key lives as long
// Africa's Talking takes up to a minute to answer.
constexpr http::FetchLimits fetch_limits{std::chrono::seconds{60}, 16 * 1024, 256 * 1024};

// The routing tables, as far as the relay needs them: for the values of templates.
struct Tables {
  std::uint32_t version = 0;
  std::shared_ptr<const routing::Snapshot> snapshot;  // null if they cannot be read
};

Tables read_tables(ReplyStore& store) {
  const auto active = store.active_routing();
  if (!active) return {};
  const auto files = routing::unbundle(
      {reinterpret_cast<const char*>(active->content.data()), active->content.size()});
  if (!files) return {};
  return {active->version, routing::load(*files).snapshot};
}

std::uint32_t hour_of(Time at) {
  return static_cast<std::uint32_t>(at.time_since_epoch() / std::chrono::hours{1});
}

// What the database knows of a report and of who wrote it.
struct Evidence {
  storage::Bytes first_intake;
  std::vector<storage::Bytes> statements;
  std::optional<Id> pinned_origin;
  std::optional<identity::ReturnAddress> address;
  Consent consent;
};

// Only rows that the relay wrote itself count: a MAC of a live epoch says so.
Evidence evidence_of(storage::ReportView report, const std::vector<storage::Address>& addresses,
                     const LiveEpochs& epochs) {
  Evidence out;
  out.first_intake = std::move(report.record);
  out.statements = std::move(report.statements);
  for (const auto& thread : report.threads) {
    const auto* const epoch = epochs.find(thread.epoch);
    if (epoch == nullptr) continue;
    const auto mac =
        identity::thread_mac(static_cast<identity::ThreadKind>(thread.kind), thread.tag,
                             thread.report_id, thread.origin, epoch->keys.mac);
    if (crypto::equal(mac, thread.mac)) out.pinned_origin = thread.origin;
  }
  for (const auto& row : addresses) {
    const auto* const epoch = epochs.find(row.epoch);
    if (epoch == nullptr) continue;
    auto opened =
        identity::open_stored_return_address(row.address, row.report_id, row.epoch, epoch->keys);
    if (!opened || !opened->number) continue;
    out.consent.may_text = opened->may_text;
    out.consent.yes_unverified = opened->yes_unverified;
    out.consent.safe = opened->safe;
    out.consent.last_contact = std::chrono::sys_days{std::chrono::days{row.day}};
    out.address = std::move(*opened);
  }
  return out;
}

storage::result<Evidence> gather(ReplyStore& store, const Id& report_id, const LiveEpochs& epochs) {
  auto report = store.report(report_id);
  if (!report && report.error() != storage::errc::not_found) return report.error();
  const Id ids[] = {report_id};
  const auto addresses = store.addresses(ids);
  if (!addresses) return addresses.error();
  if (!report) return Evidence{};
  return evidence_of(std::move(*report), *addresses, epochs);
}

std::vector<crypto::View> views_of(const std::vector<storage::Bytes>& all) {
  return {all.begin(), all.end()};
}

bool fits_one_message(const identity::Text& text) {
  return text.reveal([](std::string_view utf8) { return i18n::measure(utf8).segments == 1; });
}

// The request never left, or nobody knows.
Taken taken_by(const boost::system::error_code& error) {
  if (error == http::errc::unreachable) return Taken::later;
  if (error == http::errc::untrusted) return Taken::our_fault;
  return Taken::unknown;
}

// An answer may repeat number and text.
void wipe(http::Response& answer) {
  crypto::wipe(answer.body.data(), answer.body.size());
  for (auto& [name, value] : answer.fields) crypto::wipe(value.data(), value.size());
}

storage::ReplyOutcome outcome_of(const OutboxReply& reply, ReplyState state, Verdict why) {
  return {reply.reply_id, state, static_cast<std::int16_t>(why), {}};
}

}  // namespace

// Lives as long as any coroutine of it.
class Sender::Work final : public std::enable_shared_from_this<Work> {
 public:
  Work(asio::any_io_executor executor, const std::string& url,
       const aggregators::Registry& registry, const i18n::Packs& packs, SenderSources sources)
      : executor_{executor},
        pool_{url, 1},
        registry_{registry},
        packs_{packs},
        sources_{std::move(sources)},
        tokens_{executor},
        pause_{executor},
        quiet_{executor} {
    quiet_.expires_at(Steady::time_point::max());
  }

  asio::awaitable<void> run() {
    for (auto last = Steady::time_point::min(); !stopping_;) {
      const bool again =
          woken_ || last == Steady::time_point::min() || Steady::now() - last >= again_pause;
      woken_ = false;
      if (again) last = Steady::now();
      (void)co_await look(again);
      if (stopping_) break;
      if (!woken_) {
        pause_.expires_after(poll_pause);
        boost::system::error_code ignored;
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
    }
    co_await until_quiet();
  }

  asio::awaitable<void> stop() {
    stopping_ = true;
    pause_.cancel();
    for (auto& timer : waits_) timer.cancel();
    co_await until_quiet();
  }

  asio::awaitable<bool> round(bool again) {
    const bool looked = co_await look(again);
    co_await until_quiet();
    co_return looked;
  }

  asio::awaitable<storage::result<identity::Text>> pull(Id report_id, identity::RefKind kind) {
    const auto epochs = sources_.epochs();
    const auto directory = sources_.directory();
    if (!epochs || !directory) co_return storage::errc::unavailable;
    auto read = [report_id, epochs](ReplyStore& store) -> storage::result<Waiting> {
      auto replies = store.replies_of(report_id);
      if (!replies) return replies.error();
      auto evidence = gather(store, report_id, *epochs);
      if (!evidence) return evidence.error();
      return Waiting{std::move(*replies), std::move(*evidence)};
    };
    auto waiting = co_await pool_.call(std::move(read));
    if (!waiting) co_return waiting.error();

    // Whoever asks by SMS is shown one message, and a longer text waits for screens: it comes only
    // if nothing else does. So: the oldest that fits and was not fetched yet; else, of those
    // fetched within the day, the last one; else the oldest long one.
    const auto now = sources_.now();
    const OutboxReply* chosen = nullptr;
    std::optional<identity::Reply> text;
    bool shown_whole = false;
    const auto views = views_of(waiting->evidence.statements);
    for (const auto& reply : waiting->replies) {
      const bool fetched = reply.state == ReplyState::fetched;
      const auto submitted =
          submission(reply, waiting->evidence, views, *epochs, !may_be_fetched(reply, now));
      auto judgement = judge(ReplyByPull{submitted, kind == identity::RefKind::verified},
                             Around{now, *directory, packs_});
      if (judgement.verdict != Verdict::allowed) continue;
      const bool fits = fits_one_message(judgement.reply->text);
      if (!fits && chosen != nullptr) continue;
      if (fetched && shown_whole && reply.fetched_hour < chosen->fetched_hour) continue;
      chosen = &reply;
      shown_whole = fits;
      text = std::move(judgement.reply);
      if (fits && !fetched) break;
    }
    if (chosen == nullptr) co_return identity::Text{};

    if (shown_whole) {
      auto mark = [reply = *chosen, hour = hour_of(now)](ReplyStore& store) {
        return store.fetched(reply, hour);
      };
      const auto marked = co_await pool_.call(std::move(mark));
      if (!marked) co_return marked.error();
    }
    co_return std::move(text->text);
  }

  void acknowledge(identity::SendTemplate message) {
    if (acknowledging_ >= most_acknowledgements) return withhold();
    ++acknowledging_;
    spawn(acknowledgement(std::move(message), sources_.now()));
  }

  void delivered(identity::Delivery delivery) {
    const auto epochs = sources_.epochs();
    if (!epochs) return;
    std::vector<Id> hashes;
    for (const auto& epoch : epochs->newest_first())
      hashes.push_back(
          identity::delivery_tag(crypto::bytes_of(crypto::view(delivery.id)), epoch.keys.tag));
    spawn(note_delivery(std::move(hashes), static_cast<std::int16_t>(delivery.state)));
  }

  void open_window(const identity::OpenWindow& window) {
    phones_.open_window(phones_.tag(window.number), std::chrono::minutes{window.minutes},
                        sources_.now());
    if (window.minutes == 0) return;
    woken_ = true;
    pause_.cancel();
  }

  void ended(const std::vector<Id>& reports) {
    for (auto& [reply_id, flight] : in_flight_)
      if (std::ranges::find(reports, flight.report_id) != reports.end()) flight.ended = true;
  }

  SenderCounters counters() const noexcept { return counters_; }

 private:
  struct Waiting {
    std::vector<OutboxReply> replies;
    Evidence evidence;
  };
  struct Flight {
    Id report_id{};
    bool ended = false;  // END came meanwhile
  };
  struct Retry {
    Time not_before{};
    seconds pause = first_retry;
  };
  struct Lane {  // of one channel
    Steady::time_point next{};
    Time stopped_until{};
    // Under which it was stopped: whoever changes a file has looked at it.
    std::weak_ptr<const config::SendingChannels> stopped_under;
  };

  void spawn(asio::awaitable<void> task) {
    ++running_;
    auto whole = carry(shared_from_this(), std::move(task));
    asio::co_spawn(executor_, std::move(whole), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }
  static asio::awaitable<void> carry(std::shared_ptr<Work> self, asio::awaitable<void> task) {
    co_await std::move(task);
    if (--self->running_ == 0) self->quiet_.cancel();
  }

  asio::awaitable<void> until_quiet() {
    while (running_ > 0) {
      boost::system::error_code ignored;
      co_await quiet_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

  // Shorter if this is to stop: a provider may ask to be offered a text again in an hour.
  asio::awaitable<void> wait(seconds length) {
    if (stopping_) co_return;
    const auto timer = waits_.emplace(waits_.end(), executor_, length);
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    waits_.erase(timer);
  }

  // --- Looking at the outbox

  asio::awaitable<bool> look(bool again) {
    tell_withheld(sources_.now());
    if (!gave_up_) {
      auto give_up = [](ReplyStore& store) { return store.give_up_on_sending(); };
      const auto lost = co_await pool_.call(std::move(give_up));
      if (!lost) co_return false;
      gave_up_ = true;
      counters_.unknown += *lost;
      if (*lost > 0) log::write<log::Event::replies_unknown>(*lost);
    }
    const auto now = sources_.now();
    if (now - forgot_ >= std::chrono::hours{1}) {
      auto forget = [hour = hour_of(now)](ReplyStore& store) {
        return store.forget_replies(hour - hours_of_a_hash, hour - hours_of_a_state);
      };
      const auto forgotten = co_await pool_.call(std::move(forget));
      if (!forgotten) co_return false;
      forgot_ = now;
      phones_.forget(now);
      std::erase_if(left_, [&](const auto& entry) { return entry.second < hour_of(now); });
      std::erase_if(retries_, [&](const auto& entry) {
        return now - entry.second.not_before > again_pause * 10;
      });
    }
    for (Id after{};;) {
      auto read = [again, after](ReplyStore& store) { return store.to_send(again, after, page); };
      const auto replies = co_await pool_.call(std::move(read));
      if (!replies) co_return false;
      for (const auto& reply : *replies) {
        if (stopping_ || in_flight_.size() >= most_at_once) co_return true;
        const bool good = co_await consider(reply);
        if (!good) co_return false;
      }
      if (replies->size() < page) co_return true;
      after = replies->back().reply_id;
    }
  }

  // One reply through the gate. False: the database is away.
  asio::awaitable<bool> consider(OutboxReply reply) {
    if (in_flight_.contains(reply.reply_id)) co_return true;
    const auto retry = retries_.find(reply.reply_id);
    if (retry != retries_.end() && sources_.now() < retry->second.not_before) co_return true;
    const auto epochs = sources_.epochs();
    auto directory = sources_.directory();
    const auto channels = sources_.channels();
    if (!epochs || !directory || !channels) co_return true;

    if (left_.contains(reply.reply_id)) {  // somebody removed the proof: it is put back
      const auto lost = outcome_of(reply, ReplyState::unknown, Verdict::not_known);
      auto restore = [reply, lost, hour = hour_of(sources_.now())](ReplyStore& store) {
        return store.settle(reply, lost, hour);
      };
      const auto restored = co_await pool_.call(std::move(restore));
      co_return restored.has_value();
    }

    in_flight_[reply.reply_id] = {reply.report_id};
    auto read = [report = reply.report_id, epochs](ReplyStore& store) {
      return gather(store, report, *epochs);
    };
    auto evidence = co_await pool_.call(std::move(read));
    if (!evidence) {
      in_flight_.erase(reply.reply_id);
      co_return false;
    }

    const auto now = sources_.now();
    auto& address = evidence->address;
    const auto* const channel = address ? channels->find(address->channel) : nullptr;
    Phone phone;
    Id tag{};
    if (address) {
      tag = phones_.tag(*address->number);
      phone = phones_.at(tag, now);
      phone.robot = is_ours(*address->number, *channels);
      phone.channel_ready = channel != nullptr && is_ready(channel->number, channels, now);
    }
    const auto views = views_of(evidence->statements);
    const auto submitted = submission(reply, *evidence, views, *epochs, false);
    const ReplyBySms asked{submitted, phone, address ? &evidence->consent : nullptr,
                           channel ? channel->utc_offset : std::nullopt};
    auto judgement = judge(asked, Around{now, *directory, packs_});
    if (!reply.state && then(judgement.verdict) == Then::never) {
      // For good only by the rosters of now: its author may have come a moment ago.
      co_await sources_.read_rosters();
      directory = sources_.directory();
      judgement = judge(asked, Around{now, *directory, packs_});
    }
    if (!reply.state && then(judgement.verdict) != Then::never && judgement.reply &&
        judgement.reply->confirms_unverified_yes && evidence->consent.yes_unverified)
      co_await sources_.confirm_yes(reply.report_id);
    if (judgement.verdict == Verdict::allowed) {
      const auto turn = turn_of(*channel);
      if (turn) {
        const bool by_window = phone.window_until - now == judgement.validity;
        phones_.sending(tag, now, true);
        spawn(deliver(Departure{std::move(reply), std::move(*address->number), tag,
                                std::move(judgement.reply->text), judgement.reply->not_after,
                                judgement.validity, by_window, now, *turn, channel->number,
                                channels}));
      } else {
        in_flight_.erase(reply.reply_id);  // the channel is busy: the next round
      }
      co_return true;
    }
    in_flight_.erase(reply.reply_id);
    const auto state = state_after(judgement.verdict);
    if (state == ReplyState::refused) ++counters_.refused;
    const auto outcome = outcome_of(reply, state, judgement.verdict);
    if (reply.state == state && reply.reason == outcome.reason) co_return true;
    auto write = [reply, outcome, hour = hour_of(sources_.now())](ReplyStore& store) {
      return store.settle(reply, outcome, hour);
    };
    const auto written = co_await pool_.call(std::move(write));
    co_return written.has_value();
  }

  static ReplyState state_after(Verdict verdict) {
    switch (then(verdict)) {
      case Then::send:
      case Then::wait:
        return ReplyState::waiting;
      case Then::fetch:
        return ReplyState::kept;
      case Then::never:
        return ReplyState::refused;
    }
    return ReplyState::refused;
  }

  static Submitted submission(const OutboxReply& reply, const Evidence& evidence,
                              std::span<const crypto::View> statements, const LiveEpochs& epochs,
                              bool used) {
    Submitted out;
    out.envelope = reply.envelope;
    out.report_id = reply.report_id;
    out.reply_id = reply.reply_id;
    out.first_intake = evidence.first_intake;
    out.pinned_origin = evidence.pinned_origin;
    out.statements = statements;
    if (const auto header = identity::claimed_reply(reply.envelope))
      if (const auto* const epoch = epochs.find(header->epoch)) out.epoch_key = &epoch->keys.box;
    out.used = used;
    return out;
  }

  static bool may_be_fetched(const OutboxReply& reply, Time now) {
    if (!reply.state) return true;
    switch (*reply.state) {
      case ReplyState::waiting:
      case ReplyState::unknown:
      case ReplyState::kept:
        return true;
      case ReplyState::fetched:
        return now < Time{std::chrono::hours{reply.fetched_hour}} + fetchable;
      case ReplyState::sending:
      case ReplyState::sent:
      case ReplyState::refused:
        return false;
    }
    return false;
  }

  static bool is_ours(const identity::Msisdn& number, const config::SendingChannels& channels) {
    return number.reveal([&](std::string_view digits) {
      return std::ranges::any_of(channels.all(), [&](const auto& channel) {
        const std::string_view from{channel.settings.from};
        return from == digits || (from.starts_with('+') && from.substr(1) == digits);
      });
    });
  }

  // --- On the way to a provider

  struct Departure {
    OutboxReply reply;
    identity::Msisdn number;
    Id phone{};
    identity::Text text;
    std::uint32_t not_after = 0;
    seconds validity{};
    bool by_window = false;  // of the phone, not by its safe time
    Time judged{};
    Steady::time_point turn{};
    std::uint8_t channel = 0;
    std::shared_ptr<const config::SendingChannels> channels;
  };

  // When the channel may take one more; nothing if its queue is long.
  std::optional<Steady::time_point> turn_of(const config::SendingChannel& channel) {
    const auto now = Steady::now();
    auto& lane = lanes_[channel.number];
    const auto turn = std::max(now, lane.next);
    if (turn - now > longest_queue) return std::nullopt;
    lane.next = turn + std::chrono::nanoseconds{std::chrono::seconds{1}} / channel.per_second;
    return turn;
  }

  bool is_ready(std::uint8_t channel,
                const std::shared_ptr<const config::SendingChannels>& now_known, Time now) {
    const auto& lane = lanes_[channel];
    return lane.stopped_until <= now || lane.stopped_under.lock() != now_known;
  }

  asio::awaitable<void> deliver(Departure departure) {
    const auto& reply = departure.reply;
    co_await wait_until(departure.turn);
    const auto* const channel = departure.channels->find(departure.channel);
    const auto signed_in = co_await sign_in(*channel);
    if (signed_in.state != SignedIn::State::yes) {
      const bool busy = signed_in.state == SignedIn::State::later;
      co_await stay(departure, ReplyState::waiting,
                    busy ? Verdict::provider_busy : Verdict::channel_stopped);
      co_return;
    }
    auto mark = [reply, hour = hour_of(sources_.now())](ReplyStore& store) {
      return store.begin(reply, hour);
    };
    const auto begun = co_await pool_.call(std::move(mark));
    if (!begun) {  // it does not leave; the mark may stand all the same, its answer lost
      co_await stay(departure, ReplyState::waiting, Verdict::provider_busy);
      co_return;
    }
    if (!*begun) {  // another has it
      phones_.not_sent(departure.phone, departure.judged, true);
      in_flight_.erase(reply.reply_id);
      co_return;
    }
    if (in_flight_[reply.reply_id].ended) {
      co_await stay(departure, ReplyState::kept, Verdict::no_number);
      co_return;
    }
    const auto left = left_of_window(departure);
    if (left < shortest_validity) {
      co_await stay(departure, ReplyState::waiting, Verdict::no_window);
      co_return;
    }

    const auto delivery_id = crypto::hex(crypto::random_bytes<8>());
    const auto answer =
        co_await offer(*channel, signed_in, departure.number, departure.text, left, delivery_id);
    const auto outcome = outcome_after(departure, *channel, answer, delivery_id);
    co_await settle(reply, outcome);
    in_flight_.erase(reply.reply_id);
  }

  // What has surely not left.
  asio::awaitable<void> stay(const Departure& departure, ReplyState state, Verdict why) {
    phones_.not_sent(departure.phone, departure.judged, true);
    const auto outcome = outcome_of(departure.reply, state, why);
    co_await settle(departure.reply, outcome);
    in_flight_.erase(departure.reply.reply_id);
  }

  // How long it may still take to arrive: it has waited for its turn and for the database, and
  // meanwhile the phone's window may have been closed, or opened anew. A safe time ends by itself.
  seconds left_of_window(const Departure& departure) const {
    const auto now = sources_.now();
    if (departure.by_window) return phones_.at(departure.phone, now).window_until - now;
    return departure.validity - (now - departure.judged);
  }

  asio::awaitable<void> wait_until(Steady::time_point turn) {
    if (turn <= Steady::now()) co_return;
    asio::steady_timer timer{executor_, turn};
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  // Sees to what the provider wants before any text, while none of it leaves.
  asio::awaitable<SignedIn> sign_in(const config::SendingChannel& channel) {
    const auto aggregator = registry_.of(channel.provider, channel.settings);
    auto signed_in = co_await tokens_.see_to(channel, *aggregator, sources_.now());
    if (signed_in.state == SignedIn::State::no) stop(channel);
    co_return signed_in;
  }

  // Until somebody has changed a file, or for a while.
  void stop(const config::SendingChannel& channel) {
    const auto now = sources_.now();
    const auto channels = sources_.channels();
    // What was offered under an older file says nothing of the present one.
    const bool is_current = channels && channels->find(channel.number) == &channel;
    if (is_ready(channel.number, channels, now))
      log::write<log::Event::channel_stopped>(channel.number);
    auto& lane = lanes_[channel.number];
    lane.stopped_until = now + stopped_pause;
    lane.stopped_under = is_current ? channels : nullptr;
  }

  // One request to the provider, and what it made of it.
  asio::awaitable<SendAnswer> offer(const config::SendingChannel& channel,
                                    const SignedIn& signed_in, const identity::Msisdn& number,
                                    const identity::Text& text, seconds validity,
                                    const std::string& delivery_id) {
    SendAnswer out;
    const auto aggregator = registry_.of(channel.provider, channel.settings);
    aggregators::Posting posting = text.reveal([&](std::string_view utf8) {
      return aggregator->send(
          {number, utf8, validity, delivery_id, crypto::view(signed_in.token), sources_.now()},
          channel.settings);
    });
    auto origin = http::parse_origin(posting.origin);
    if (!origin) {
      out.taken = Taken::our_fault;
    } else {
      auto answer =
          co_await http::fetch(std::move(*origin), std::move(posting.request), fetch_limits);
      if (answer) {
        out = aggregator->sent(*answer);
        if (answer->status != 401)
          tokens_.taken(channel);
        else if (!signed_in.token.empty() && tokens_.refused(channel, signed_in.number))
          out.taken = Taken::later;
        wipe(*answer);
      } else {
        out.taken = taken_by(answer.error());
      }
    }
    if (out.taken == Taken::our_fault) stop(channel);
    co_return out;
  }

  // So that a row that is removed from the database alone lets nothing leave twice.
  void remember_left(const Id& reply, std::uint32_t not_after) {
    left_[reply] = not_after;
    if (left_.size() > most_remembered)
      left_.erase(std::ranges::min_element(left_, {}, [](const auto& one) { return one.second; }));
  }

  storage::ReplyOutcome outcome_after(const Departure& departure,
                                      const config::SendingChannel& channel,
                                      const SendAnswer& answer, const std::string& delivery_id) {
    const auto& reply = departure.reply;
    const auto not_sent = [&](ReplyState state, Verdict why) {
      phones_.not_sent(departure.phone, departure.judged, true);
      return outcome_of(reply, state, why);
    };
    if (answer.taken != Taken::later) retries_.erase(reply.reply_id);
    if (answer.taken == Taken::accepted || answer.taken == Taken::unknown)
      remember_left(reply.reply_id, departure.not_after);
    switch (answer.taken) {
      case Taken::accepted: {
        ++counters_.sent;
        auto outcome = outcome_of(reply, ReplyState::sent, Verdict::allowed);
        const auto id = answer.id.empty() ? std::string_view{delivery_id} : crypto::view(answer.id);
        const auto epochs = sources_.epochs();
        if (!channel.settings.delivery_url.empty() && epochs && !epochs->newest_first().empty())
          outcome.delivery =
              identity::delivery_tag(crypto::bytes_of(id), epochs->newest_first().front().keys.tag);
        return outcome;
      }
      case Taken::later: {
        ++counters_.not_taken;
        auto& retry = retries_[reply.reply_id];
        retry.not_before = sources_.now() + answer.after.value_or(retry.pause);
        retry.pause = std::min(2 * retry.pause, longest_retry);
        return not_sent(ReplyState::waiting, Verdict::provider_busy);
      }
      case Taken::our_fault:
        ++counters_.not_taken;
        return not_sent(ReplyState::waiting, Verdict::channel_stopped);
      case Taken::never:
        return not_sent(ReplyState::kept, Verdict::number_refused);
      case Taken::unknown:
        break;
    }
    ++counters_.unknown;
    log::write<log::Event::replies_unknown>(1);
    return outcome_of(reply, ReplyState::unknown, Verdict::not_known);
  }

  // Until the database has it. A relay that stops before leaves the reply `sending`, which its
  // successor takes for unknown.
  asio::awaitable<void> settle(const OutboxReply& reply, storage::ReplyOutcome outcome) {
    while (true) {
      auto write = [reply, outcome, hour = hour_of(sources_.now())](ReplyStore& store) {
        return store.settle(reply, outcome, hour);
      };
      const auto written = co_await pool_.call(std::move(write));
      if (written || stopping_) co_return;
      co_await wait(seconds{1});
    }
  }

  // --- Acknowledgements

  // Many may be withheld at once, by the will of whoever writes: the log gets their sum.
  void withhold() {
    ++counters_.withheld;
    ++withheld_;
  }
  void tell_withheld(Time now) {
    if (withheld_ == 0 || now - told_ < tell_pause) return;
    log::write<log::Event::acknowledgements_withheld>(withheld_);
    withheld_ = 0;
    told_ = now;
  }

  asio::awaitable<void> acknowledgement(identity::SendTemplate message, Time asked) {
    co_await send_acknowledgement(std::move(message), asked);
    --acknowledging_;
  }
  asio::awaitable<void> send_acknowledgement(identity::SendTemplate message, Time asked) {
    for (auto pause = first_retry; !stopping_; pause = std::min(2 * pause, longest_retry)) {
      const auto channels = sources_.channels();
      const auto directory = sources_.directory();
      const auto* const channel = channels ? channels->find(message.channel) : nullptr;
      const auto tables = co_await tables_in_use(message);
      const auto text = rendered(message, tables.get());
      const bool known = message.language < packs_.all().size();
      if (!directory || !channel || !known || text.empty()) {
        withhold();
        co_return;
      }
      const auto now = sources_.now();
      const auto tag = phones_.tag(message.number);
      auto phone = phones_.at(tag, now);
      phone.robot = is_ours(message.number, *channels);
      phone.channel_ready = is_ready(channel->number, channels, now);
      const auto judgement = text.reveal([&](std::string_view utf8) {
        return judge(Acknowledgement{utf8, packs_.all()[message.language], phone, asked},
                     Around{now, *directory, packs_});
      });
      if (judgement.verdict != Verdict::allowed) {
        withhold();
        co_return;
      }
      const auto turn = turn_of(*channel);
      auto again = std::optional<seconds>{seconds{1}};
      if (turn) {
        phones_.sending(tag, now, false);
        co_await wait_until(*turn);
        SendAnswer answer;
        const auto signed_in = co_await sign_in(*channel);
        if (signed_in.state == SignedIn::State::yes)
          answer =
              co_await offer(*channel, signed_in, message.number, text, judgement.validity, {});
        else
          answer.taken =
              signed_in.state == SignedIn::State::later ? Taken::later : Taken::our_fault;
        again.reset();
        if (answer.taken == Taken::accepted) ++counters_.acknowledged;
        if (answer.taken == Taken::unknown) ++counters_.unknown;
        if (answer.taken == Taken::later) {
          ++counters_.not_taken;
          again = answer.after.value_or(pause);
        }
        if (answer.taken != Taken::accepted && answer.taken != Taken::unknown)
          phones_.not_sent(tag, now, false);
      }
      if (!again) co_return;
      co_await wait(*again);
    }
  }

  // The routing tables in which a packet of the gateway counts; nullptr if it needs none, or if
  // they are not those in use. Whoever comes while they are read waits for the same ones.
  asio::awaitable<std::shared_ptr<const routing::Snapshot>> tables_in_use(
      const identity::SendTemplate& message) {
    const auto version = message.tables;
    if (message.helpline == 0 && message.regions[0] == 0) co_return nullptr;
    if (tables_.version != version && reading_tables_) {
      boost::system::error_code read;
      co_await tables_read_.async_wait(asio::redirect_error(asio::use_awaitable, read));
    } else if (tables_.version != version && sources_.now() >= look_again_) {
      reading_tables_ = true;
      look_again_ = sources_.now() + seconds{1};
      auto tables = co_await pool_.call([](ReplyStore& store) { return read_tables(store); });
      if (tables.snapshot) tables_ = std::move(tables);
      reading_tables_ = false;
      tables_read_.cancel();
    }
    co_return tables_.version == version ? tables_.snapshot : nullptr;
  }

  // Empty if the catalogue has no such reply, or it needs what this packet does not carry.
  // `tables` may be null.
  identity::Text rendered(const identity::SendTemplate& message,
                          const routing::Snapshot* tables) const {
    conversation::Reply reply;
    reply.id = static_cast<conversation::ReplyId>(message.text);
    if (reply.id == conversation::ReplyId::hum_msg) return {};
    reply.language = message.language;
    if (message.chosen > 0) reply.chosen = static_cast<std::uint8_t>(message.chosen - 1);
    if (message.until > 0)
      reply.range = conversation::TimeRange{0, static_cast<std::uint8_t>(message.until - 1)};
    conversation::Values values;
    if (message.ref) values.ref = message.ref->digits();
    if (tables && message.helpline > 0 && message.helpline <= tables->helplines.all().size()) {
      const auto& line = tables->helplines.all()[message.helpline - 1u];
      // The gateway has chosen among them; that it may be named is seen here once more.
      if (routing::standing(line, {line.region, {}, true, sources_.now()}) ==
          routing::Standing::usable)
        values.tel = line.number;
    }
    for (std::size_t i = 0; tables && i < message.regions.size(); ++i)
      if (const auto place = message.regions[i]; place > 0 && place <= tables->gazetteer.size())
        values.regions[i] = tables->gazetteer.name(tables->gazetteer.place(place - 1).region);
    auto text = conversation::render(packs_, reply, values, {}, {});
    if (!text) return {};
    identity::Text out{*text};
    crypto::wipe(text->data(), text->size());
    return out;
  }

  asio::awaitable<void> note_delivery(std::vector<Id> hashes, std::int16_t state) {
    // What it reports may have been taken a moment ago, and not be written down yet.
    const bool is_early = !in_flight_.empty();
    auto write = [hashes, state](ReplyStore& store) { return store.delivered(hashes, state); };
    (void)co_await pool_.call(std::move(write));
    if (!is_early) co_return;
    co_await wait(poll_pause);
    auto again = [hashes, state](ReplyStore& store) { return store.delivered(hashes, state); };
    (void)co_await pool_.call(std::move(again));
  }

  asio::any_io_executor executor_;
  storage::BasicStorePool<ReplyStore> pool_;
  const aggregators::Registry& registry_;
  const i18n::Packs& packs_;
  SenderSources sources_;
  Tokens tokens_;
  asio::steady_timer pause_;
  asio::steady_timer quiet_;
  std::list<asio::steady_timer> waits_;
  Phones phones_;
  std::unordered_map<Id, Flight, crypto::IdHash> in_flight_;    // by reply
  std::unordered_map<Id, Retry, crypto::IdHash> retries_;       // by reply
  std::unordered_map<Id, std::uint32_t, crypto::IdHash> left_;  // by reply: its not_after
  std::map<std::uint8_t, Lane> lanes_;                          // by channel
  Tables tables_;
  Time look_again_{};  // for other ones
  bool reading_tables_ = false;
  asio::steady_timer tables_read_{executor_, Steady::time_point::max()};
  SenderCounters counters_;
  Time forgot_{};
  Time told_{};
  std::uint64_t withheld_ = 0;  // since `told_`
  std::size_t acknowledging_ = 0;
  std::size_t running_ = 0;
  bool gave_up_ = false;
  bool woken_ = false;
  bool stopping_ = false;
};

Sender::Sender(asio::any_io_executor executor, const std::string& database_url,
               const aggregators::Registry& registry, const i18n::Packs& packs,
               SenderSources sources)
    : work_{std::make_shared<Work>(executor, database_url, registry, packs, std::move(sources))} {}
Sender::~Sender() = default;

asio::awaitable<void> Sender::run() { return work_->run(); }
asio::awaitable<void> Sender::stop() { return work_->stop(); }
asio::awaitable<bool> Sender::round(bool again) { return work_->round(again); }
SenderCounters Sender::counters() const noexcept { return work_->counters(); }
asio::awaitable<storage::result<identity::Text>> Sender::pull(Id report_id,
                                                              identity::RefKind kind) {
  return work_->pull(report_id, kind);
}
void Sender::acknowledge(identity::SendTemplate message) { work_->acknowledge(std::move(message)); }
void Sender::delivered(identity::Delivery delivery) { work_->delivered(std::move(delivery)); }
void Sender::open_window(identity::OpenWindow window) { work_->open_window(window); }
void Sender::ended(std::vector<Id> reports) { work_->ended(reports); }

}  // namespace ishara::relay
