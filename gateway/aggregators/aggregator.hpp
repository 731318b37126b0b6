#pragma once
// What an aggregator's protocol is to us: pure functions over plain HTTP messages, three to
// receive texts, three for dialogues (USSD), four to send, those that play the other side for
// tests, and what people are told of it. No socket, no clock, no state; all may be called from any
// thread at once.
//
// The order that receivers keep (channels.md 1.3): the secret of the path, `authentic`, `parse`,
// store durably, `acknowledge`. A refusal never quotes the request: its words are compile-time
// literals.

#include <array>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/aggregators/sending.hpp"
#include "gateway/config/channels.hpp"
#include "gateway/crypto/wipe.hpp"
#include "gateway/http/message.hpp"
#include "gateway/identity/sender.hpp"
#include "gateway/identity/text.hpp"

namespace ishara::aggregators {

using config::ChannelSettings;

// The largest body that any aggregator reads; a larger one is refused with 413.
inline constexpr std::size_t max_body = 64 * 1024;

// What a URL of ours is for; the channel's URL ends in `/dlr` for delivery reports, in `/ussd` for
// dialogues.
enum class Kind : std::uint8_t { sms, dlr, ussd };

enum class errc : std::uint8_t {
  missing_field = 1,   // a required field is absent, or empty where it may not be
  bad_field,           // a field is there but cannot be what it must be
  malformed,           // the body is not what its content type says
  wrong_content_type,  // a body of a kind that this aggregator never sends
  wrong_method,        // a method that this aggregator never uses
  wrong_signature,     // absent or wrong; also a wrong account
  too_large,           // more than max_body
};
inline constexpr std::array texts_only{Kind::sms};
inline constexpr std::array texts_and_reports{Kind::sms, Kind::dlr};
inline constexpr std::array texts_reports_and_dialogues{Kind::sms, Kind::dlr, Kind::ussd};
inline constexpr std::array dialogues_only{Kind::ussd};

// The HTTP status that a refusal is answered with.
unsigned status_of(errc code) noexcept;

// Text that was written at compile time, so that no byte of a request can be in it.
class Literal {
 public:
  constexpr Literal() noexcept = default;
  template <std::size_t N>
  consteval Literal(const char (&text)[N]) : text_{text, N - 1} {}
  constexpr std::string_view view() const noexcept { return text_; }

 private:
  std::string_view text_;
};

struct Refusal {
  errc code{};
  Literal reason;  // for people: "field 'from' is missing"
};

template <class T>
using Result = boost::system::result<T, Refusal>;

// One part of a long text that the aggregator did not join: 3GPP TS 23.040, 9.2.3.24.1 and .8.
struct Part {
  std::uint16_t reference;
  std::uint8_t total;
  std::uint8_t number;  // 1 to total
};

// A text from a phone.
struct Message {
  identity::Sender from;
  crypto::WipedBuffer to;  // as sent, spaces around it removed; empty if not sent
  identity::Text text;     // repaired UTF-8, NFC; may be empty
  crypto::WipedBuffer id;  // the provider's id of this message; empty if it sends none
  std::optional<std::chrono::sys_seconds> at;  // the provider's clock; nothing if not sent or odd
  std::optional<Part> part;  // nothing if the text is whole, or its beginning at least
};

enum class Status : std::uint8_t { queued, sent, delivered, failed };

// What became of a message that we sent.
struct Delivery {
  crypto::WipedBuffer id;
  Status status;
};

// One step of a dialogue, whichever way its provider counts (conversation.md 2.2). Networks, cells
// and cards are never read.
struct UssdStep {
  enum class What : std::uint8_t {
    begin,  // the code was dialled; `input` is what was dialled behind it, mostly nothing
    input,
    close,  // the phone or the network has ended it, and no screen will be seen
  };
  What what = What::input;
  std::optional<identity::Sender> from;  // always there but with `close`
  crypto::WipedBuffer session;           // the provider's id of the dialogue; never empty
  crypto::WipedBuffer code;              // that was dialled; empty if not sent
  // Repaired UTF-8, NFC. Of an `accumulated` step everything since the dialling, joined by `*`.
  identity::Text input;
  bool accumulated = false;
  crypto::WipedBuffer echo;  // what the answer has to say again, in a form of the aggregator's own
};

// An entry of a batch that cannot be read where others can. It is answered with success like them,
// since all would come again, so whoever takes the events has to tell of it.
struct Unreadable {
  Refusal why;
};

using Event = std::variant<Message, Delivery, UssdStep, Unreadable>;

// What a phone shows next.
struct Screen {
  std::string_view text;  // UTF-8 within the ScreenLimit
  bool end = false;       // and nothing may be typed any more
};

// How long a screen may be; the safe lengths of channels.md 7.2.
struct ScreenLimit {
  std::size_t septets = 160;  // of a text that GSM-7 can write
  std::size_t units = 70;     // of any other; 0: the provider passes on GSM-7 alone
};

// How a request shows that its provider made it, beside the secret of its path.
enum class Proof : std::uint8_t {
  none,       // not at all: the path stands alone
  secret,     // a secret, or a token made with one, that stands in each request
  signature,  // over all that it says
};

// What people are asked for and told of an aggregator.
struct Profile {
  Proof proof = Proof::none;
  // The keys of `channels/<name>.toml` without which no request can be checked, and of
  // `sending/<name>.toml` without which nothing can be sent. Without the latter there is no API to
  // send through.
  std::span<const std::string_view> to_receive;
  std::span<const std::string_view> to_send;
  // False as long as something that we rely on stands in no source of the provider's.
  bool confirmed = true;
  // Its delivery reports carry the channel's secret only if the relay sends it along with the text.
  bool reports_need_secret = false;
  // It sends texts, reports or steps of a dialogue by GET alone, so a channel of it has to take
  // those.
  bool needs_get = false;
  // As `confirmed`, of its dialogues alone.
  bool dialogues_confirmed = true;
  // It reports deliveries by GET of a URL that we wrote, with nothing of a phone's in it. A channel
  // takes those whatever else it takes.
  bool reports_by_get = false;
};

// A text of a phone that does not exist, for `ishara simulate` and tests.
struct PhoneText {
  std::string from;  // with its plus
  std::string to;
  std::string text;  // UTF-8
  std::string id;    // 32 hexadecimal digits
  std::chrono::sys_seconds at;
};

// A step of a dialogue of a phone that does not exist.
struct PhoneStep {
  UssdStep::What what = UssdStep::What::begin;
  std::string from;                 // with its plus
  std::string code;                 // "*384*2020#"
  std::string session;              // 32 hexadecimal digits
  std::vector<std::string> inputs;  // UTF-8, all since the dialling; the last is this step's
};

// What such a phone shows.
struct ShownScreen {
  std::string text;
  bool end = false;
};

class Aggregator {
 public:
  virtual ~Aggregator() = default;

  // The name in the URL, in `channel add --provider` and of the folder of golden requests.
  virtual std::string_view name() const noexcept = 0;
  virtual std::span<const Kind> kinds() const noexcept = 0;
  // True if the body of our HTTP answer reaches the phone as a text. Then `reply_in` finds it.
  virtual bool answers_in_response() const noexcept { return false; }

  // Checks what the provider signs or sends to prove itself, over the bytes as received. By default
  // accepts all, for providers that prove nothing: the secret of the path stands alone.
  // `settings.verify` off accepts all too, and is settable by `channel parse` only.
  // `now` is for what is signed with its time.
  virtual Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                                 std::chrono::sys_seconds now) const;

  // Reads the events of an authentic request. No event is a good answer too: a ping without any
  // parameter, a status word that we do not know.
  virtual Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                           const ChannelSettings& settings) const = 0;

  // The answer that the provider takes for success; with `reply` (UTF-8) also a text for the phone,
  // where `answers_in_response()`. By default an empty 200.
  virtual http::Response acknowledge(std::optional<std::string_view> reply) const;

  // True if the provider writes a part of its request behind the path of our URL. Then PUT is one
  // of its methods too.
  virtual bool adds_to_path(Kind kind) const noexcept;
  // Of those with Kind::ussd: how long a screen may be, and the answer that shows one. `echo` is
  // that of the step that it answers. A `close` is answered by `acknowledge`.
  virtual ScreenLimit screen_limit() const noexcept;
  virtual http::Response show(const Screen& screen, std::string_view echo) const;

  // The request that hands `message` to the provider's send API, through a channel of its own. Only
  // for those that have one: `profile().to_send`.
  virtual Posting send(const Outgoing& message, const SendingSettings& settings) const;
  // What the whole answer to that request says. An answer that cannot be understood is `unknown`,
  // never a reason to offer the text again.
  virtual SendAnswer sent(const http::Response& answer) const;
  // Of those that take no text without a token that they hand out first: the request for one, and
  // the token in the answer; nothing if it holds none.
  virtual std::optional<Posting> sign_in(const SendingSettings& settings) const;
  virtual std::optional<Token> signed_in(const http::Response& answer) const;

  virtual Profile profile() const noexcept = 0;
  // What an operator does at the provider's, in lines, beside giving it the channel's URL
  // `webhook`.
  virtual std::vector<std::string> instructions(std::string_view webhook, bool by_get) const = 0;

  // The request that the provider makes of `sms` to `settings.url`, here the whole URL; with all
  // that it proves itself with. `by_get` where the provider has both ways.
  virtual http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                             bool by_get) const = 0;
  // Whether the provider takes `answer` for success, and the text that its phone then gets.
  virtual bool is_success(const http::Response& answer) const;
  virtual std::optional<std::string> reply_in(const http::Response& answer) const;
  // The request that the provider makes of a step of a dialogue, and what its phone then shows;
  // nothing if the provider cannot read the answer.
  virtual http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const;
  virtual std::optional<ShownScreen> screen_in(const http::Response& answer) const;
};

}  // namespace ishara::aggregators
