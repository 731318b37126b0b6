#pragma once
// THE MAIN PATH, from webhook to queued report. `Intake::handle` and `Intake::report` read as the
// design says it:
//
//   authentic -> parse -> (join) -> understand -> converse -> find the report -> seal -> append
//   (resumes after COMMIT) -> acknowledge
//
// A number exists from `parse` to the end of `report`, in its own type; it goes to the relay, which
// keeps none that its reporter did not allow, and nowhere else. A text exists until it is sealed.
// Nothing is answered with success that is not durable.
//
// What a phone is answered depends on this sitting alone: the same steps are taken, and the same
// line is sent, whether or not its number was ever seen before (privacy.md property 18).
//
// Thread rule: one thread, the one of the server.

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/aggregators/registry.hpp"
#include "gateway/conversation/sittings.hpp"
#include "gateway/conversation/ussd.hpp"
#include "gateway/http/message.hpp"
#include "gateway/identity/sender_keys.hpp"
#include "gateway/identity/statement.hpp"
#include "gateway/intake/health.hpp"
#include "gateway/intake/joining.hpp"
#include "gateway/intake/knowledge.hpp"
#include "gateway/intake/owner_changes.hpp"
#include "gateway/intake/relay.hpp"
#include "gateway/intake/seal.hpp"
#include "gateway/intake/sitting.hpp"
#include "gateway/intake/turns.hpp"
#include "storage/store.hpp"

namespace ishara::intake {

namespace asio = boost::asio;

// The keys by which a redelivered webhook is recognised. A provider's id is hashed under the
// lasting K_dedupe. What a text says and who sent it is hashed under a key that lives in memory
// alone: with a lasting key, whoever took database and files could try numbers for a guessable
// text.
struct DedupeKeys {
  crypto::Secret<32> ids;
  crypto::Secret<32> contents = crypto::random_secret<32>();
};

// Secrets of the gateway's own: neither opens anything that is stored.
struct Keys {
  crypto::SigningKey signing;  // signs INTAKE; its public key stands in the root roster
  DedupeKeys dedupe;
};

// Where a signed change of a report goes that is no text. Tests give a fake.
class Statements {
 public:
  virtual ~Statements() = default;
  // Resumes when it is durable. The same statement twice is one.
  virtual asio::awaitable<storage::result<void>> put(identity::StatementBytes statement,
                                                     crypto::Id report_id) = 0;
};

// A phone in a dialogue is answered in this time, whatever storing takes: its aggregator gives up
// after three seconds.
inline constexpr std::chrono::milliseconds screen_patience{2'500};

// What stands around the main path. All of it outlives the Intake.
struct Surroundings {
  const aggregators::Registry& registry;
  storage::IntakeSink& sink;
  Relay& relay;
  Statements& statements;
  std::chrono::milliseconds patience = Joining::usual_patience;  // with parts of a long text
  std::chrono::milliseconds dialogue_patience = screen_patience;
  // Of which answers are found to be late.
  std::function<std::chrono::steady_clock::time_point()> stopwatch = std::chrono::steady_clock::now;
};

// Sums since start, for /metrics.
struct Counters {
  std::uint64_t accepted = 0;              // new reports, durable
  std::uint64_t added = 0;                 // later texts of a report, durable
  std::uint64_t duplicates = 0;            // redeliveries, answered as the first
  std::uint64_t not_found = 0;             // unknown path, provider or secret
  std::uint64_t forbidden = 0;             // wrong signature
  std::uint64_t refused = 0;               // a request that is not one of the provider's
  std::uint64_t entries_refused = 0;       // of a batch whose others were taken
  std::uint64_t unavailable = 0;           // 503: no knowledge, no database, or too much at once
  std::uint64_t not_stored = 0;            // a row that the database will never take
  std::uint64_t answers_withheld = 0;      // an answer that its own pack's rules forbid
  std::uint64_t parked = 0;                // texts beyond what one phone may say in an hour
  std::uint64_t relay_missed = 0;          // questions that the relay could or would not answer
  std::uint64_t dialogues = 0;             // sessions that began, or were taken up unknown
  std::uint64_t dialogues_broken_off = 0;  // stored as what they had come to
  std::uint64_t dialogues_closed = 0;      // by the phone, the network or another of the same phone
  std::uint64_t dialogues_failed = 0;      // whose text was not stored
  std::uint64_t dialogues_late = 0;        // told that it may not be saved
  std::uint64_t refs_of_our_own = 0;       // drawn here, for want of the relay's
  std::uint64_t reports_lost = 0;          // of deliveries, that the relay could not be told of
};

class Intake {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;

  Intake(Surroundings surroundings, Keys keys, Clock clock);

  // From now on requests use this; null: answer 503.
  void learn(std::shared_ptr<const Knowledge> knowledge);
  const std::shared_ptr<const Knowledge>& knowledge() const noexcept { return knowledge_; }
  // The last hour in which the rosters let this gateway sign; nothing if they do not name its key.
  // After it no text is taken: nobody would believe that it came.
  std::optional<std::uint64_t> signs_until() const noexcept { return signs_until_; }
  bool may_sign(std::chrono::sys_seconds now) const noexcept;
  // What is heard of reports that changed hands goes in here.
  OwnerChanges& owner_changes() noexcept { return owner_changes_; }

  // For http::Server: refuses what has no channel before its body is read.
  std::optional<http::Response> admit(const http::Request& head);
  // Answers one webhook.
  asio::awaitable<http::Response> handle(http::Request request);

  // Wipes sender keys of an earlier second, and sittings whose hour is over; tells once a minute of
  // what could not be stored, so that no line says when somebody wrote. Call every second.
  void end_second();
  // Stores the dialogues that broke off long enough ago, as the reports that they are. Call it
  // every second, after `end_second`; what cannot be stored is tried again the next time.
  asio::awaitable<void> store_unfinished();
  // Resumes when no text of a dialogue is under way any more, and all that broke off is stored or
  // could not be; call it before the sink is stopped.
  asio::awaitable<void> settle();
  const Counters& counters() const noexcept { return counters_; }
  // Of each channel. Take its figures once a minute at most.
  Health& health() noexcept { return health_; }
  std::uint64_t incomplete_texts() const noexcept { return joining_.incomplete(); }

 private:
  // A request that has found its channel.
  struct Call {
    std::shared_ptr<const aggregators::Aggregator> aggregator;
    aggregators::Kind kind;
    const config::Channel& channel;
  };
  struct Reading;
  struct LookedUp;
  struct Target;
  using Line = std::optional<std::string>;  // for the phone
  template <class T>
  using Result = boost::system::result<T>;

  std::optional<Call> find(const http::Request& request, const Knowledge& knowledge) const;
  // `failed` is set for what is not what the provider came for. All outlives the coroutine.
  asio::awaitable<http::Response> answer(http::Request request, const Call& call,
                                         std::shared_ptr<const Knowledge> knowledge, bool& failed);
  // The id has the length that the wire takes.
  asio::awaitable<bool> tell_relay(aggregators::Delivery delivery);
  asio::awaitable<Result<Line>> join(aggregators::Message part, const Call& call,
                                     std::shared_ptr<const Knowledge> knowledge);
  asio::awaitable<Result<Line>> report(aggregators::Message message, const Call& call,
                                       std::shared_ptr<const Knowledge> knowledge);

  // One step of a dialogue: the same path for the text that it may hold, in a session of its own.
  asio::awaitable<http::Response> dialogue(aggregators::UssdStep step, Call call,
                                           std::shared_ptr<const Knowledge> knowledge,
                                           bool& failed);
  struct Kept;
  struct Storing;
  // A dialogue that has a category and no end yet.
  struct Unfinished {
    crypto::Id session{};  // the tag of its last session ...
    crypto::Id dedupe{};   // ... and what that is stored under
    crypto::Id phone{};
    conversation::UssdSession state;
    std::chrono::sys_seconds last{};  // answer
    std::shared_ptr<const Call> call;
    std::shared_ptr<const Knowledge> knowledge;  // of the call
    std::uint32_t let_go = 0;                    // as of its session (sitting.hpp)
    bool failed = false;                         // counted as not stored

    const conversation::MenuAnswers& answers() const noexcept { return state.menu.answers; }

    bool presses() const noexcept;  // somebody is in danger now
    bool is_over(std::chrono::sys_seconds now) const noexcept;
  };
  // The report that the answers of a dialogue make; `from` no number if nobody can be answered.
  asio::awaitable<Result<Kept>> keep(aggregators::Message message,
                                     const conversation::MenuAnswers& answers, bool partial,
                                     const crypto::Id* phone, crypto::Id dedupe, const Call& call,
                                     std::shared_ptr<const Knowledge> knowledge,
                                     std::chrono::sys_seconds now);
  asio::awaitable<void> store(aggregators::Message message, Unfinished dialogue,
                              conversation::UssdSession ended);
  conversation::Around around(const conversation::MenuState& menu, const Call& call,
                              const Knowledge& knowledge) const;
  Line screen(boost::system::result<std::string> text);
  void remember(Unfinished dialogue);
  // What `session` has left behind and is not stored yet; how many of them were let go.
  std::size_t forget(const crypto::Id& phone, const crypto::Id& session);
  template <class Value>
  using ByPhone = std::unordered_map<crypto::Id, Value, crypto::IdHash, std::equal_to<>,
                                     crypto::WipingAllocator<std::pair<const crypto::Id, Value>>>;
  // From now on it is a report of its own, whatever its session still says. Gives the next one.
  ByPhone<Unfinished>::iterator let_go(ByPhone<Unfinished>::iterator one);
  // False: it is to be tried again.
  asio::awaitable<bool> store_partial(Unfinished one);

  // The steps of `report`, in their order.
  std::optional<Line> answered_before(const Sitting& sitting, const crypto::Id& dedupe, bool has_id,
                                      std::chrono::sys_seconds now) const;
  Reading read(const aggregators::Message& message, const Call& call, const Knowledge& knowledge,
               const Sitting& sitting, std::chrono::sys_seconds now,
               const conversation::MenuAnswers* menu = nullptr) const;
  asio::awaitable<LookedUp> look_up(conversation::RefToLookUp which,
                                    const conversation::Input& input, const Sitting& sitting,
                                    const Call& call);
  asio::awaitable<Target> target(const conversation::Effects& effects, const Reading& reading,
                                 const Sitting& sitting, const LookedUp& looked_up,
                                 const identity::Msisdn* number, const Call& call,
                                 const Knowledge& knowledge);
  bool may_ask_relay(std::uint8_t channel);
  void tell_of_failures(std::chrono::sys_seconds now);
  asio::awaitable<Result<void>> end(const conversation::Effects& effects,
                                    const conversation::Input& input,
                                    const std::optional<Matter>& matter,
                                    const identity::Msisdn& number);
  asio::awaitable<Result<void>> consent(conversation::Consent wanted, Matter& matter,
                                        std::chrono::sys_seconds now);
  Line render(const std::optional<conversation::Reply>& reply, const std::optional<Matter>& matter,
              const identity::Text& inbound, const Reading& reading, const LookedUp& looked_up,
              const Call& call, const Knowledge& knowledge);
  Result<Sealed> sealed_for(const Target& target, const aggregators::Message& message,
                            const conversation::Effects& effects, const Reading& reading,
                            const Call& call, const Knowledge& knowledge,
                            std::chrono::sys_seconds now);
  identity::RelayRequest by_relay(const conversation::Reply& reply,
                                  const std::optional<Matter>& matter, const Reading& reading,
                                  const identity::Msisdn& number, const Call& call,
                                  const Knowledge& knowledge) const;
  asio::awaitable<Result<storage::Appended>> append(Sealed sealed, const Target& target,
                                                    crypto::Id dedupe, std::int16_t answer_class,
                                                    bool urgent, std::chrono::sys_seconds now);
  asio::awaitable<identity::RelayAnswer> ask(identity::RelayRequest request);

  Surroundings around_;
  Keys keys_;
  Clock clock_;
  crypto::Secret<32> phone_key_ = crypto::random_secret<32>();  // of memory, for tags of sittings
  identity::SenderKeys sender_keys_;
  conversation::Sittings<Sitting> sittings_;
  conversation::Sittings<Dialogue> dialogues_;  // by session
  conversation::Sittings<crypto::Id> callers_;  // the session of each phone
  std::unordered_map<crypto::Id, std::shared_ptr<Storing>, crypto::IdHash> storing_;  // by session
  ByPhone<Unfinished> unfinished_;
  std::deque<Unfinished, crypto::WipingAllocator<Unfinished>> over_;  // to be stored, first to last
  bool stores_unfinished_ = false;
  asio::steady_timer* settles_ = nullptr;  // waits until that is false
  Turns turns_;
  Joining joining_;
  OwnerChanges owner_changes_;
  std::chrono::sys_seconds asked_in_{};     // in this second ...
  std::array<std::uint32_t, 256> asked_{};  // ... so many were asked for, by channel
  std::shared_ptr<const Knowledge> knowledge_;
  std::optional<std::uint64_t> signs_until_;
  Counters counters_;
  Counters told_;                         // what the log was told of ...
  std::chrono::sys_seconds told_minute_;  // ... before this minute
  Health health_;
};

// The keyed hash by which a redelivered webhook is recognised (channels.md 1.6): of the channel and
// the provider's id; without an id of sender, receiver, provider's time and text; without a time of
// these in a window of ten minutes. Without an id a restart forgets what came before it.
crypto::Id dedupe_hash(const aggregators::Message& message, std::uint8_t channel,
                       std::chrono::sys_seconds now, const DedupeKeys& keys);

}  // namespace ishara::intake
