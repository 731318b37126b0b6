#include "routing/understand/understand.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>

#include "i18n/normalise.hpp"
#include "routing/snapshot.hpp"

namespace ishara::routing {
namespace {

constexpr double highest_score = 8;
constexpr double sure_score = 3;      // from here on a code may be taken without a person
constexpr double likely_score = 1.5;  // from here on it is worth telling to triage
constexpr double damping = 2;
constexpr int decisive_weight = 4;
constexpr int noise_weight =
    3;  // an advert or greeting with an entry of this weight is read by people
constexpr double usable_region = 0.7;
constexpr double misspelt = 0.75;  // the part of its weight that a misspelt entry keeps

constexpr std::size_t negator_reach = 3;
constexpr std::size_t movement_reach = 4;
constexpr std::size_t behind_reach = 3;

// A row of digits and stars between a star and a hash: what operators print in their adverts.
bool has_service_code(std::string_view text) noexcept {
  for (auto star = text.find('*'); star != std::string_view::npos;
       star = text.find('*', star + 1)) {
    const auto hash = text.find_first_not_of("0123456789*", star + 1);
    if (hash != std::string_view::npos && text[hash] == '#' && hash - star > 2) return true;
  }
  return false;
}

// The number of the clause in which each token stands. A negator does not reach over a comma.
std::pmr::vector<std::uint32_t> clauses(std::span<const std::string_view> tokens,
                                        std::pmr::memory_resource& memory) {
  std::pmr::vector<std::uint32_t> clause{&memory};
  clause.reserve(tokens.size());
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) {
      const auto* end = tokens[i - 1].data() + tokens[i - 1].size();
      const std::string_view between{end, static_cast<std::size_t>(tokens[i].data() - end)};
      if (between.find_first_of(".,;:!?\n") != std::string_view::npos) ++number;
    }
    clause.push_back(number);
  }
  return clause;
}

// What the hits of a text mean beside each other.
class Reading {
 public:
  Reading(const Lexicon& lexicon, std::span<const std::string_view> tokens,
          Lexicon::Languages likely, Lexicon::Languages spelt, std::pmr::memory_resource& memory)
      : lexicon_{lexicon},
        hits_{lexicon.find(tokens, memory, likely, spelt)},
        clause_{clauses(tokens, memory)},
        covering_{&memory},
        covering_start_{&memory},
        counts_{&memory},
        used_{&memory} {
    index(tokens.size());
    drop_parts();
    drop_negated();
    keep_first_of_each_entry(memory);
  }

  const Entry& entry(const Hit& hit) const noexcept { return lexicon_.entry(hit.entry); }

  // Calls `use(hit, entry)` for the first hit that counts of every entry, in the order of the text.
  template <class F>
  void each_entry(F use) const {
    for (std::size_t i = 0; i < hits_.size(); ++i) {
      if (used_[i] != 0) use(hits_[i], entry(hits_[i]));
    }
  }

  // The tags of what is only a part of a longer pattern: its weight is not counted twice, but it
  // says as much about the circumstances.
  Tags hidden_tags() const noexcept { return hidden_tags_; }

  // The number of tokens that entries of this role cover.
  std::size_t covered(Role role) const noexcept {
    std::size_t tokens = 0;
    for (std::size_t token = 0; token < clause_.size(); ++token) {
      const auto over = covering(token);
      tokens += static_cast<std::size_t>(std::any_of(over.begin(), over.end(), [&](auto hit) {
        return counts_[hit] != 0 && entry(hits_[hit]).role == role;
      }));
    }
    return tokens;
  }

  // How the words around the name at tokens [begin, end) speak of it, as far as no other name
  // stands between: those from token `from` up to `until`.
  Cue cue_around(std::size_t begin, std::size_t end, std::size_t from,
                 std::size_t until) const noexcept {
    const auto before = cue_before(begin, from);
    return before == Cue::none ? cue_behind(end, until) : before;
  }

  // True if the words have a meaning of their own at this token.
  bool knows(std::size_t token) const noexcept { return !covering(token).empty(); }

 private:
  // How the words before the name at token `begin` speak of it.
  Cue cue_before(std::size_t begin, std::size_t from) const noexcept {
    bool directed = false;
    bool located = false;
    for (std::size_t back = 1; back <= std::min(begin - from, movement_reach); ++back) {
      const auto token = begin - back;
      if (clause_[token] != clause_[begin]) break;
      for (const auto number : covering(token)) {
        const auto& hit = hits_[number];
        if (hit.end() != token + 1) continue;
        if (entry(hit).role == Role::movement) return Cue::destination;
        if (back == 1 && entry(hit).role == Role::locative) {
          located = true;
          directed = directed || entry(hit).directed;
        }
      }
      if (located && !directed) break;
    }
    return located ? Cue::location : Cue::none;
  }

  // How the words behind a name that ends before token `end` speak of it, in languages whose little
  // words follow: "Lahore mein", "Dubai bhej diya", "Toshkent shahriga olib ketishdi".
  Cue cue_behind(std::size_t end, std::size_t until) const noexcept {
    auto cue = Cue::none;
    for (auto token = end; token < std::min(end + behind_reach, until); ++token) {
      if (clause_[token] != clause_[end - 1]) break;
      for (const auto number : covering(token)) {
        const auto& entry = this->entry(hits_[number]);
        if (hits_[number].begin() != token || !entry.after) continue;
        if (entry.role == Role::movement) return Cue::destination;
        if (token == end && entry.role == Role::locative) cue = Cue::location;
      }
    }
    return cue;
  }

  std::span<const std::uint32_t> covering(std::size_t token) const noexcept {
    return std::span{covering_}.subspan(covering_start_[token],
                                        covering_start_[token + 1] - covering_start_[token]);
  }

  // Lists for each token the hits that cover it.
  void index(std::size_t tokens) {
    counts_.assign(hits_.size(), 1);
    covering_start_.assign(tokens + 1, 0);
    for (const auto& hit : hits_) {
      for (unsigned i = 0; i < hit.words; ++i) ++covering_start_[hit.positions[i] + 1U];
    }
    for (std::size_t i = 1; i <= tokens; ++i) covering_start_[i] += covering_start_[i - 1];
    covering_.resize(covering_start_[tokens]);
    std::pmr::vector<std::uint32_t> next{covering_start_, covering_start_.get_allocator()};
    for (std::uint32_t number = 0; number < hits_.size(); ++number) {
      for (unsigned i = 0; i < hits_[number].words; ++i) {
        covering_[next[hits_[number].positions[i]]++] = number;
      }
    }
  }

  static bool holds(const Hit& longer, const Hit& part) noexcept {
    return longer.words > part.words &&
           std::includes(longer.positions.begin(), longer.positions.begin() + longer.words,
                         part.positions.begin(), part.positions.begin() + part.words);
  }

  static bool same_code(const Entry& a, const Entry& b) noexcept {
    return a.category == b.category;
  }

  // The longest pattern wins over its parts: among categories and among cues of urgency. A phrase
  // also wins over a cue within it ("house help"), but words that merely stand near each other hide
  // neither that one of them is urgent nor what they are for another code. An idiom wins over
  // everything.
  void drop_parts() {
    for (std::size_t i = 0; i < hits_.size(); ++i) {
      const auto role = entry(hits_[i]).role;
      for (const auto other : covering(hits_[i].begin())) {
        const auto& longer = hits_[other];
        if (!holds(longer, hits_[i])) continue;
        const auto winner = entry(longer).role;
        const bool outranks = winner == Role::idiom ||
                              (winner == Role::category && role == Role::category &&
                               (!longer.joined || same_code(entry(longer), entry(hits_[i])))) ||
                              (winner == Role::urgency && role == Role::urgency) ||
                              (winner == Role::category && role == Role::urgency && !longer.joined);
        if (outranks) {
          counts_[i] = 0;
          if (winner != Role::idiom) hidden_tags_.merge(entry(hits_[i]).tags);
        }
      }
    }
  }

  // A negator takes the weight of what begins within three tokens behind it in the same clause and
  // language, unless a pattern contains the negator itself ("not paid"). In Kinyarwanda it may be
  // the beginning of the very word.
  void drop_negated() {
    for (std::size_t i = 0; i < hits_.size(); ++i) {
      const auto& negator = hits_[i];
      if (counts_[i] == 0 || entry(negator).role != Role::negator) continue;
      const auto last = negator.end() - std::size_t{1};
      const auto over = covering(last);
      const bool contained = std::any_of(over.begin(), over.end(), [&](auto other) {
        const auto& hit = hits_[other];
        return entry(hit).role == Role::category && (hit.words > 1 || hit.inside == 0);
      });
      if (contained) continue;
      const auto end = std::min(last + negator_reach + 1, clause_.size());
      for (auto token = last; token < end && clause_[token] == clause_[last]; ++token) {
        for (const auto other : covering(token)) {
          const auto& hit = hits_[other];
          const auto role = entry(hit).role;
          if (hit.begin() != token || (token == last && hit.inside == 0)) continue;
          if ((role == Role::category || role == Role::tag) &&
              entry(hit).language == entry(negator).language) {
            counts_[other] = 0;
          }
        }
      }
    }
  }

  void keep_first_of_each_entry(std::pmr::memory_resource& memory) {
    used_.assign(hits_.size(), 0);
    std::pmr::vector<std::uint32_t> order{&memory};
    for (std::uint32_t i = 0; i < hits_.size(); ++i) {
      if (counts_[i] != 0) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
      return std::tuple{hits_[a].entry, hits_[a].fuzzy, a} <
             std::tuple{hits_[b].entry, hits_[b].fuzzy, b};
    });
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || hits_[order[i]].entry != hits_[order[i - 1]].entry) used_[order[i]] = 1;
    }
  }

  const Lexicon& lexicon_;
  std::pmr::vector<Hit> hits_;
  std::pmr::vector<std::uint32_t> clause_;
  std::pmr::vector<std::uint32_t> covering_;
  std::pmr::vector<std::uint32_t> covering_start_;
  std::pmr::vector<char> counts_;  // neither part of something longer nor negated
  Tags hidden_tags_;
  std::pmr::vector<char> used_;  // the first hit that counts of its entry
};

// What the entries of a text add up to.
struct Sums {
  std::array<double, category_count> score{};
  double cues{};  // weights of the cues of urgency
  bool injury{};
  bool now{};
  bool soon{};
  int strongest{};            // weight among categories, ordinary talk aside
  int strongest_of_either{};  // weight among categories and cues
  bool damped{};
  double ordinary{};  // weights of ordinary talk
  Tags tags;

  double& of(Category category) noexcept { return score[static_cast<std::size_t>(category)]; }
  double of(Category category) const noexcept { return score[static_cast<std::size_t>(category)]; }
};

Sums add_up(const Reading& reading, std::pmr::vector<std::string_view>& reasons) {
  Sums sums;
  reading.each_entry([&](const Hit& hit, const Entry& entry) {
    const auto weight = hit.fuzzy ? misspelt * entry.weight : entry.weight;
    switch (entry.role) {
      case Role::category:
        if (entry.category == Category::not_a_report) {
          sums.ordinary += weight;
          reasons.push_back(entry.id);
          return;
        }
        sums.of(entry.category) += weight;
        sums.strongest = std::max(sums.strongest, entry.weight);
        break;
      case Role::urgency:
        sums.cues += weight;
        break;
      case Role::damper:
        sums.damped = true;
        break;
      case Role::tag:
        break;
      default:
        return;
    }
    if (entry.role != Role::damper) {
      sums.strongest_of_either = std::max(sums.strongest_of_either, entry.weight);
      sums.injury = sums.injury || entry.injury;
      sums.now = sums.now || entry.now;
      sums.soon = sums.soon || entry.soon;
      sums.tags.merge(entry.tags);
    }
    reasons.push_back(entry.id);
  });
  sums.tags.merge(reading.hidden_tags());
  if (sums.injury) sums.of(Category::violence) += damping;
  for (auto& score : sums.score) {
    score = std::min(score, highest_score);
    if (sums.damped) score = std::max(score - damping, 0.0);
  }
  return sums;
}

// What a code means for urgency by itself and with the circumstances that the taxonomy names.
Urgency base_urgency(Category category, const Sums& sums) noexcept {
  const bool child = sums.tags.has(Tag::child);
  const bool near = sums.now || sums.soon;
  switch (category) {
    case Category::child_soldier:
      return Urgency::u2;
    case Category::sexual_exploitation:
    case Category::online_abuse:
    case Category::missing_person:
      return child ? Urgency::u3 : Urgency::u1;
    case Category::domestic_servitude:
    case Category::forced_begging:
      return child && sums.tags.has(Tag::violence) ? Urgency::u2 : Urgency::u1;
    case Category::forced_marriage:
    case Category::organ_removal:
      return near ? Urgency::u3 : Urgency::u1;
    case Category::deceptive_recruitment:
      return near ? Urgency::u2 : Urgency::u0;
    case Category::smuggling_abuse:
      return sums.tags.has(Tag::confined) ? Urgency::u3 : Urgency::u1;
    case Category::violence:
      return sums.now ? Urgency::u3 : Urgency::u1;
    case Category::unsure:
      return sums.now && (sums.tags.has(Tag::confined) || sums.tags.has(Tag::moved)) ? Urgency::u3
                                                                                     : Urgency::u1;
    case Category::forced_labour:
    case Category::child_labour:
    case Category::debt_bondage:
    case Category::documents_withheld:
      return Urgency::u1;
    case Category::unclassified:
    case Category::not_a_report:
      return Urgency::u0;
  }
  return Urgency::u0;
}

constexpr bool graver_for_children(Category category) noexcept {
  return category == Category::sexual_exploitation || category == Category::online_abuse ||
         category == Category::forced_marriage || category == Category::child_soldier ||
         category == Category::missing_person || category == Category::smuggling_abuse;
}

// `likely` is the code that came nearest, also where a person will decide.
double urgency_points(std::optional<Category> likely, const Sums& sums) noexcept {
  const bool child = sums.tags.has(Tag::child);
  auto points = sums.cues;
  if (child && likely && graver_for_children(*likely)) points += 2;
  if (child && sums.tags.has(Tag::violence)) points += 1;
  return points;
}

struct Best {
  std::optional<Category> first;
  std::optional<Category> second;
  double score{};
  double margin{};
};

Best best_two(const Sums& sums) noexcept {
  bool purpose = false;
  for (std::size_t i = 0; i < category_count; ++i) {
    purpose = purpose || (is_purpose(static_cast<Category>(i)) && sums.score[i] >= sure_score);
  }
  const auto outranked = [&](Category category) {
    return purpose &&
           (category == Category::debt_bondage || category == Category::documents_withheld ||
            category == Category::deceptive_recruitment || category == Category::violence);
  };
  Best best;
  double second = 0;
  for (std::size_t i = 0; i < category_count; ++i) {
    const auto category = static_cast<Category>(i);
    const auto score = outranked(category) ? 0.0 : sums.score[i];
    if (score > best.score) {
      best.second = best.first;
      second = best.score;
      best.first = category;
      best.score = score;
    } else if (score > second) {
      best.second = category;
      second = score;
    }
  }
  best.margin = best.score - second;
  return best;
}

// Goods for sale, a lost purse, a job that is looked for: nothing speaks of anything else.
bool is_ordinary(const Sums& sums, const Best& best) noexcept {
  return sums.ordinary >= sure_score && best.score < likely_score && sums.cues < 2 &&
         !sums.tags.has(Tag::confined) && !sums.tags.has(Tag::violence) &&
         !sums.tags.has(Tag::threat);
}

void decide(const Sums& sums, Decision& decision) noexcept {
  const auto best = best_two(sums);
  if (is_ordinary(sums, best)) {
    // A rule for what is not a report never keeps it from people (conversation.md 4.6).
    decision.category = Category::not_a_report;
    decision.runner_up = best.first;
    decision.score = std::min(sums.ordinary, highest_score);
    return;
  }
  const auto likely = best.score >= likely_score ? best.first : std::nullopt;
  const auto points = urgency_points(likely, sums);
  decision.score = best.score;
  // The tie order settles an equal score; a lead by less than one point is for a person to settle.
  if (best.score >= sure_score && (best.margin >= 1 || best.margin == 0)) {
    decision.category = *best.first;
    decision.runner_up = best.second;
    decision.outcome = *best.first == Category::unsure ? Outcome::triage : Outcome::automatic;
  } else {
    const bool sign = likely || points >= 2 || sums.strongest >= decisive_weight;
    decision.category = sign ? Category::unsure : Category::unclassified;
    decision.runner_up = best.first == Category::unsure ? best.second : best.first;
    decision.outcome = Outcome::triage;
  }
  const auto level = points >= 3 ? Urgency::u3 : points >= 2 ? Urgency::u2 : Urgency::u0;
  decision.urgency = std::max(base_urgency(decision.category, sums), level);
  // A child in danger is urgent while a person still decides which code it is.
  if (likely) decision.urgency = std::max(decision.urgency, base_urgency(*likely, sums));
}

void add_cues(const Reading& reading, std::size_t tokens, std::pmr::vector<Mention>& mentions) {
  for (std::size_t i = 0; i < mentions.size(); ++i) {
    auto& mention = mentions[i];
    const auto from = i == 0 ? 0 : mentions[i - 1].end;
    const auto until = i + 1 == mentions.size() ? tokens : mentions[i + 1].begin;
    const auto cue = reading.cue_around(mention.begin, mention.end, from, until);
    if (cue != Cue::none) mention.cue = cue;
  }
}

// In a text that names no place at home, a word with a cue that nobody knows may be a misspelt one.
void add_misspelt(const Reading& reading, std::span<const std::string_view> tokens,
                  const RegionCode& home, const Gazetteer& gazetteer,
                  std::pmr::vector<Mention>& mentions, std::pmr::memory_resource& memory) {
  for (std::size_t token = 0; token < tokens.size(); ++token) {
    const bool named = std::any_of(mentions.begin(), mentions.end(), [&](const Mention& mention) {
      return mention.begin <= token && token < mention.end;
    });
    if (named || reading.knows(token)) continue;
    const auto cue = reading.cue_around(token, token + 1, 0, tokens.size());
    if (cue == Cue::none) continue;
    if (auto mention = gazetteer.misspelt(tokens, token, home, memory)) {
      mention->cue = cue;
      mentions.push_back(*mention);
    }
  }
}

}  // namespace

Decision understand(std::string_view text, const Hints& hints, const Snapshot& snapshot,
                    std::pmr::memory_resource& memory) {
  Decision decision{memory};
  const auto folded = i18n::folded(text, memory);
  auto tokens = i18n::words(folded, memory);
  const auto languages = snapshot.languages.languages(text, tokens, hints.channel_language, memory);
  decision.language = languages.guess;
  if (tokens.size() > Lexicon::most_tokens) tokens.resize(Lexicon::most_tokens);

  const auto likely = snapshot.lexicon.languages_of(languages.likely);
  const auto spelt = snapshot.lexicon.languages_of(std::array{hints.channel_language});
  const Reading reading{snapshot.lexicon, tokens, likely, likely == 0 ? spelt : likely, memory};
  const auto sums = add_up(reading, decision.reasons);
  decision.tags = sums.tags;

  auto mentions = snapshot.gazetteer.mentions(tokens, memory);
  add_cues(reading, tokens.size(), mentions);
  if (const auto& home = hints.channel_country;
      std::none_of(mentions.begin(), mentions.end(), [&](const Mention& mention) {
        return snapshot.gazetteer.names_place_in(home, mention);
      })) {
    add_misspelt(reading, tokens, home, snapshot.gazetteer, mentions, memory);
  }
  const auto located = snapshot.gazetteer.locate(mentions, hints.channel_country, memory);
  decision.region = located.region;
  decision.region_confidence = located.confidence;
  decision.candidates = located.candidates;

  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const auto found = snapshot.exclusions.longest(std::span{tokens}.subspan(at));
    for (const auto number : found.values) {
      const auto id = snapshot.table.exclusions()[number].id.view();
      if (std::find(decision.exclusions.begin(), decision.exclusions.end(), id) ==
          decision.exclusions.end()) {
        decision.exclusions.push_back(id);
      }
    }
  }

  const bool advert = sums.strongest_of_either < noise_weight &&
                      (has_service_code(folded) || reading.covered(Role::advert) >= 2);
  const bool greeting = !tokens.empty() && sums.strongest_of_either < noise_weight &&
                        reading.covered(Role::courtesy) == tokens.size();
  if (advert || greeting) {
    decision.category = Category::not_a_report;
    decision.outcome = Outcome::noise;
    return decision;
  }
  decide(sums, decision);
  return decision;
}

RegionCode routable_region(const Decision& decision) noexcept {
  return decision.region_confidence >= usable_region ? decision.region : decision.region.country();
}

}  // namespace ishara::routing
