// Understand, converse, route: what one text says, and who would get it as a new report.

#include <algorithm>
#include <memory_resource>
#include <string>
#include <variant>

#include "gateway/intake/steps.hpp"

namespace ishara::intake {
namespace {

using routing::Category;
using routing::Urgency;

// What children are urgent for, whatever was written of it (conversation.md 3.3).
bool presses_for_a_child(Category category) noexcept {
  switch (category) {
    case Category::sexual_exploitation:
    case Category::online_abuse:
    case Category::forced_marriage:
    case Category::child_soldier:
    case Category::missing_person:
    case Category::smuggling_abuse:
      return true;
    default:
      return false;
  }
}

// What was chosen stands above what words seem to say; who is not sure is helped by the words.
void apply(const conversation::MenuAnswers& menu, routing::Decision& decision) {
  const auto chosen = menu.category.value_or(Category::unsure);
  if (chosen != Category::unsure || decision.outcome != routing::Outcome::automatic)
    decision.category = chosen;
  decision.outcome = routing::Outcome::automatic;
  if (menu.who == conversation::Who::child) decision.tags.set(routing::Tag::child);
  if (menu.who == conversation::Who::self)
    decision.tags.set(routing::Tag::self);
  else if (menu.who && menu.who != conversation::Who::unsaid)
    decision.tags.set(routing::Tag::third_party);
  const auto at_least = [&](Urgency level) {
    decision.urgency = std::max(decision.urgency, level);
  };
  if (decision.category == Category::child_soldier) at_least(Urgency::u2);
  if (menu.who == conversation::Who::child && presses_for_a_child(decision.category))
    at_least(Urgency::u3);
  if (menu.danger == conversation::Danger::soon) at_least(Urgency::u2);
  if (menu.danger == conversation::Danger::now) at_least(Urgency::u3);
  // A place that was written makes the chosen region finer, and never another one.
  if (!menu.region || menu.region->empty()) return;
  constexpr double by_choice = 0.95;
  if (!menu.region->contains(decision.region) ||
      routing::routable_region(decision) != decision.region)
    decision.region = *menu.region;
  decision.region_confidence = by_choice;
  decision.candidates = {};
}

}  // namespace

Intake::Reading Intake::read(const aggregators::Message& message, const Call& call,
                             const Knowledge& knowledge, const Sitting& sitting,
                             std::chrono::sys_seconds now,
                             const conversation::MenuAnswers* menu) const {
  // Everything that is derived from the text lives here and is wiped at the end of this call.
  std::pmr::monotonic_buffer_resource arena{8192, &crypto::wiping_resource()};
  const auto& routing = *knowledge.routing;
  const auto& directory = *knowledge.directory;
  Reading out;
  out.menu = menu;
  message.text.reveal([&](std::string_view written) {
    std::pmr::string text{written, &arena};
    if (menu && menu->place) text.append("\n").append(crypto::view(*menu->place));
    const auto language =
        conversation::usual_language(sitting.talk, call.channel.language, *knowledge.packs);
    routing::Hints hints{.channel_language = language, .channel_country = {}};
    if (const auto country = routing::RegionCode::parse(call.channel.settings.country))
      hints.channel_country = *country;
    auto decision = routing::understand(text, hints, routing, arena);
    if (menu) apply(*menu, decision);
    out.input =
        conversation::classify(text,
                               {.sitting = sitting.talk,
                                .channel_language = call.channel.language,
                                .robot = !std::holds_alternative<identity::Msisdn>(message.from),
                                .noise = decision.outcome == routing::Outcome::noise,
                                .fragment = message.part.has_value()},
                               *knowledge.packs, arena);

    const auto can_work = [&](const routing::Queue& queue) {
      const auto* known = directory.queue_named(queue.name.view());
      return known && known->has_members;
    };
    // Consent adds a copy for the police and changes nothing else.
    const auto question = routing::question(decision, routing::ConsentClass::helpers_and_police);
    const auto route = routing::route(question, routing.table, can_work);
    // Who may read it comes from the signed roster, never from the tables.
    out.readers.owner = directory.queue_named(route.owner.view());
    // Where nobody works the end of the chain takes it all the same, but a retired queue only if
    // there is no other: somebody may come to work for any of those.
    if (out.readers.owner->retired) {
      const auto is_live = [&](const routing::Queue& queue) {
        const auto* known = directory.queue_named(queue.name.view());
        return known && !known->retired;
      };
      const auto last = routing::route(question, routing.table, is_live);
      out.readers.owner = directory.queue_named(last.owner.view());
    }
    if (out.readers.owner->fallback)
      out.readers.fallback = directory.queue(*out.readers.owner->fallback);
    if (route.police) out.police = directory.queue_named(route.police->view());

    out.category = decision.category;
    out.region = routing::routable_region(decision);
    out.urgent = decision.urgent();
    out.facts.urgent = out.urgent;
    // What an answer is about does not stand in the answer.
    out.facts.share_offered =
        sitting.matter ? sitting.matter->police.has_value() : out.police != nullptr;
    out.facts.may_reply = !message.at || now - *message.at <= reply_window;
    if (out.region.depth() > 1) {
      out.facts.place = conversation::Place::known;
    } else if (decision.candidates.count > 0) {
      out.candidates = decision.candidates;
      out.facts.place = conversation::Place::ambiguous;
      out.facts.candidate_count = decision.candidates.count;
      for (std::uint8_t i = 0; i < out.facts.candidate_count; ++i) out.facts.candidates[i] = i;
    }

    std::string_view answer_in = call.channel.language;
    for (const auto chosen : {out.input.language, sitting.talk.chosen})
      if (chosen < knowledge.packs->all().size()) answer_in = knowledge.packs->all()[chosen].tag;
    const bool told_before = out.region.depth() <= 1 && !sitting.region.empty();
    out.helpline = knowledge.helpline(call.channel, told_before ? sitting.region : out.region,
                                      answer_in, decision.tags.has(routing::Tag::selfharm), now);
    out.facts.helpline = out.helpline != nullptr;
  });
  return out;
}

}  // namespace ishara::intake
