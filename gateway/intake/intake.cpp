#include "gateway/intake/intake.hpp"

#include <array>
#include <memory_resource>
#include <utility>
#include <variant>

#include "gateway/conversation/answer.hpp"
#include "gateway/identity/wire.hpp"
#include "gateway/intake/seal.hpp"
#include "gateway/log/log.hpp"

namespace ishara::intake {
namespace {

// What a reporter is answered; stored with the dedupe hash, so never renumbered.
enum AnswerClass : std::int16_t { no_answer = 0, acknowledged = 1 };

constexpr std::uint8_t helpers_only = 0;

http::Response plain(unsigned status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response not_found() { return plain(404); }

http::Response come_again() {
  auto response = plain(503);
  response.fields.emplace_back("Retry-After", "5");
  return response;
}

// Only a person with a number may get an automatic answer: short codes and sender ids are robots.
bool may_be_answered(const identity::Sender& sender) {
  return std::holds_alternative<identity::Msisdn>(sender);
}

}  // namespace

// A request that has found its channel.
struct Intake::Call {
  const aggregators::Aggregator& aggregator;
  aggregators::Kind kind;
  const config::Channel& channel;
};

Intake::Intake(const aggregators::Registry& registry, storage::IntakeSink& sink, Keys keys,
               Clock clock)
    : registry_{registry}, sink_{sink}, keys_{std::move(keys)}, clock_{std::move(clock)} {}

// POST /in/<provider>/<secret>[/dlr]
std::optional<Intake::Call> Intake::find(const http::Request& request,
                                         const Knowledge& knowledge) const {
  auto rest = request.path();
  const auto segment = [&rest]() -> std::string_view {
    if (!rest.starts_with('/')) return {};
    rest.remove_prefix(1);
    const auto text = rest.substr(0, rest.find('/'));
    rest.remove_prefix(text.size());
    return text;
  };
  if (segment() != "in") return std::nullopt;
  const auto provider = segment();
  const auto secret = segment();
  const auto suffix = segment();
  if (!rest.empty() || (suffix != "" && suffix != "dlr")) return std::nullopt;
  const auto* aggregator = registry_.find(provider);
  const auto* channel = knowledge.channels->find(provider, secret);
  if (!aggregator || !channel) return std::nullopt;
  return Call{*aggregator, suffix == "dlr" ? aggregators::Kind::dlr : aggregators::Kind::sms,
              *channel};
}

std::optional<http::Response> Intake::admit(const http::Request& head) {
  if (!knowledge_) {
    ++counters_.unavailable;
    return come_again();
  }
  const auto call = find(head, *knowledge_);
  if (!call) {
    ++counters_.not_found;
    return not_found();
  }
  // A GET carries number and text in its URL, so a channel has to ask for it (privacy.md 9.1).
  if (head.method != http::Method::post &&
      !(head.method == http::Method::get && call->channel.allow_get)) {
    ++counters_.refused;
    auto response = plain(405);
    response.fields.emplace_back("Allow", call->channel.allow_get ? "GET, POST" : "POST");
    return response;
  }
  return std::nullopt;
}

asio::awaitable<http::Response> Intake::handle(http::Request request) {
  const auto knowledge = knowledge_;
  const auto call = knowledge ? find(request, *knowledge) : std::nullopt;
  if (!call) co_return knowledge ? not_found() : come_again();

  config::ChannelSettings const& settings = call->channel.settings;
  const auto authentic = call->aggregator.authentic(request, settings);
  if (!authentic) {
    ++counters_.forbidden;
    co_return plain(aggregators::status_of(authentic.error().code));
  }
  auto events = call->aggregator.parse(request, call->kind, settings);
  if (!events) {
    ++counters_.refused;
    auto response = plain(aggregators::status_of(events.error().code));
    response.content_type = "text/plain";
    response.body = events.error().reason.view();
    co_return response;
  }

  // The events hold copies; a stalled database must not keep clear texts in memory.
  { const auto gone = std::move(request); }

  std::optional<std::string> answer;
  for (auto& event : *events) {
    // A delivery report concerns a reply of the relay's; nothing is stored of it here.
    auto* message = std::get_if<aggregators::Message>(&event);
    if (!message) continue;
    auto reported = co_await report(std::move(*message), call->channel, knowledge);
    if (!reported) {
      if (reported.error() == storage::errc::refused) {
        ++counters_.not_stored;
        co_return plain(500);
      }
      // What was stored before this one is recognised when the aggregator comes again.
      ++counters_.unavailable;
      co_return come_again();
    }
    answer = std::move(*reported);
  }
  if (events->size() > 1) answer.reset();  // one HTTP answer cannot speak to several phones
  const auto reply = answer ? std::optional<std::string_view>{*answer} : std::nullopt;
  co_return call->aggregator.acknowledge(call->aggregator.answers_in_response() ? reply
                                                                                : std::nullopt);
}

// One text: understood, routed, sealed and stored; returns the line for the phone, if there is one.
asio::awaitable<boost::system::result<std::optional<std::string>>> Intake::report(
    aggregators::Message message, const config::Channel& channel,
    std::shared_ptr<const Knowledge> knowledge) {
  const auto now = clock_();
  const auto dedupe = dedupe_hash(message, channel.number, now, keys_.dedupe);
  const bool answerable = may_be_answered(message.from);
  const i18n::Pack* pack = nullptr;

  auto row = [&] {
    // Everything that is derived from the text lives here and is wiped at the end of this block.
    std::pmr::monotonic_buffer_resource arena{8192, &crypto::wiping_resource()};
    const auto& routing = *knowledge->routing;
    return message.text.reveal([&](std::string_view text) {
      pack = knowledge->packs->for_reply(text, channel.language, arena);

      routing::Hints hints{.channel_language = channel.language, .channel_country = {}};
      if (const auto country = routing::RegionCode::parse(channel.settings.country))
        hints.channel_country = *country;
      const auto decision = routing::understand(text, hints, routing, arena);

      const auto route = routing::route(routing::question(decision, routing::ConsentClass::helpers),
                                        routing.table, [&](const routing::Queue& queue) {
                                          const auto* known =
                                              knowledge->directory->queue_named(queue.name.view());
                                          return known && known->has_members;
                                        });
      const auto& directory = *knowledge->directory;
      const auto* owner = directory.queue_named(route.owner.view());
      // Who else may read it comes from the signed roster, never from the tables.
      const auto* fallback = owner->fallback ? directory.queue(*owner->fallback) : nullptr;

      identity::MessageContent content;
      content.at = std::chrono::floor<std::chrono::minutes>(now);
      content.text = identity::Text{text};
      content.category = routing::code(decision.category);
      content.region = routing::routable_region(decision).view();
      return seal(content, decision.urgent(), helpers_only, {.owner = *owner, .fallback = fallback},
                  sender_keys_, now, keys_.signing);
    });
  }();
  if (!row) co_return row.error();

  row->dedupe = dedupe;
  row->day = static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::days>(now).time_since_epoch().count());
  row->answer_class = answerable && pack ? acknowledged : no_answer;
  {
    // The number and the text are sealed or unused from here on: they go before anything waits.
    const auto gone = std::move(message);
  }

  const auto stored = co_await sink_.append(std::move(*row));
  if (!stored) co_return stored.error();
  ++(stored->duplicate ? counters_.duplicates : counters_.accepted);

  if (stored->answer_class != acknowledged || !pack) co_return std::nullopt;
  auto line =
      conversation::acknowledgement(*pack, ref_without_relay(dedupe, keys_.dedupe.ids).digits());
  if (!line) {
    // The report is safe; silence is safer than a line that breaks its own rules.
    if (counters_.answers_withheld++ == 0)
      log::write<log::Event::answer_withheld>(line.error().value());
    co_return std::nullopt;
  }
  co_return std::move(*line);
}

crypto::Id dedupe_hash(const aggregators::Message& message, std::uint8_t channel,
                       std::chrono::sys_seconds now, const DedupeKeys& keys) {
  using crypto::bytes_of;
  const std::array<std::uint8_t, 1> number{channel};
  if (!message.id.empty())
    return crypto::keyed_hash16(keys.ids,
                                {bytes_of("i"), number, bytes_of(crypto::view(message.id))});

  // Lengths keep the parts apart.
  constexpr std::chrono::seconds window{600};
  const auto time =
      message.at ? message.at->time_since_epoch().count() : now.time_since_epoch() / window;
  return std::visit(
      [&](const auto& from) {
        return from.reveal([&](std::string_view sender) {
          return message.text.reveal([&](std::string_view text) {
            std::array<std::uint8_t, 8 + 1 + 4 + 4> sizes;
            identity::Writer write{sizes};
            write.u64(static_cast<std::uint64_t>(time));
            write.u8(message.at ? 1 : 0);
            write.u32(static_cast<std::uint32_t>(sender.size()));
            write.u32(static_cast<std::uint32_t>(message.to.size()));
            return crypto::keyed_hash16(keys.contents,
                                        {bytes_of("c"), number, sizes, bytes_of(sender),
                                         bytes_of(crypto::view(message.to)), bytes_of(text)});
          });
        });
      },
      message.from);
}

identity::Ref ref_without_relay(const crypto::Id& dedupe, const crypto::Secret<32>& key) {
  return identity::Ref::from(crypto::keyed_hash16(key, {crypto::bytes_of("r"), dedupe}));
}

}  // namespace ishara::intake
