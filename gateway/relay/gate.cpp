#include "gateway/relay/gate.hpp"

#include <algorithm>

#include "gateway/conversation/helper_text.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/ownership.hpp"

namespace ishara::relay {
namespace {

using std::chrono::seconds;

// A sitting's window is as long as the right to answer a text; a longer one is a safe time, in
// which several replies may leave.
constexpr std::chrono::minutes between_replies{10};

struct Opening {
  seconds left{};
  bool safe_time = false;  // longer than the answer to one text
};

// What is left of a range of local hours that `now` lies in; nothing outside of it.
seconds left_of(const identity::SafeRange& range, std::chrono::sys_seconds now,
                std::chrono::minutes utc_offset) {
  constexpr std::chrono::days day{1};
  const auto local = (now + utc_offset).time_since_epoch() % seconds{day};
  const auto start = std::chrono::minutes{30 * range.start};
  const auto end = std::chrono::minutes{30 * range.end};
  if (range.start <= range.end) return local >= start && local < end ? end - local : seconds{0};
  if (local >= start) return day - local + end;
  return local < end ? end - local : seconds{0};
}

Opening opening(const ReplyBySms& message, std::chrono::sys_seconds now) {
  Opening out;
  const auto& phone = message.phone;
  if (phone.window_until > now)
    out = {phone.window_until - now, phone.window_until - phone.last_text > reply_window};
  const auto& consent = *message.consent;
  const bool fresh = now - consent.last_contact < safe_range_life + std::chrono::days{1};
  if (consent.safe && fresh && message.utc_offset) {
    const auto left = left_of(*consent.safe, now, *message.utc_offset);
    if (left > seconds{0}) out = {std::max(out.left, left), true};
  }
  return out;
}

bool is_over_limit(const Phone& phone) noexcept {
  return phone.sent_this_hour >= most_an_hour || phone.sent_this_day >= most_a_day;
}

Verdict by_rule(const boost::system::error_code& broken) {
  if (!broken) return Verdict::allowed;
  return broken == conversation::errc::does_not_fit ? Verdict::too_long : Verdict::breaks_a_rule;
}

// Whose signature it is, if not one of the owner's people.
Verdict not_the_owner(crypto::View envelope, bool police_may_read,
                      const identity::Directory& directory) {
  const auto signed_it = [&](const auto& person) {
    return identity::signed_by(envelope, person.signing_key);
  };
  const auto& members = directory.members();
  const auto author = std::ranges::find_if(members, signed_it);
  if (author == members.end())
    return std::ranges::any_of(directory.former_members(), signed_it) ? Verdict::not_the_owner
                                                                      : Verdict::not_genuine;
  const bool of_the_police = std::ranges::any_of(author->queues, [&](const auto& id) {
    const auto* const queue = directory.queue(id);
    return queue != nullptr && queue->organisation_class == identity::OrganisationClass::police;
  });
  return of_the_police && !police_may_read ? Verdict::police_unasked : Verdict::not_the_owner;
}

// What holds for a reply whichever way it goes: it is genuine, and its author may speak. Opens it.
Verdict examine(const Submitted& submitted, const Around& around,
                std::optional<identity::Reply>& opened) {
  const auto header = identity::claimed_reply(submitted.envelope);
  if (!header || header->report_id != submitted.report_id || header->reply_id != submitted.reply_id)
    return Verdict::not_genuine;
  const auto ownership = identity::ownership(submitted.report_id, submitted.first_intake,
                                             submitted.statements, around.directory);
  if (!ownership) return Verdict::report_unknown;
  if (submitted.pinned_origin && *submitted.pinned_origin != ownership->origin)
    return Verdict::report_unknown;
  if (ownership->withdrawn) return Verdict::withdrawn;
  const auto* const author =
      identity::author_of(submitted.envelope, ownership->owner, around.directory);
  if (author == nullptr)
    return not_the_owner(submitted.envelope, ownership->consent_class == 1, around.directory);
  if (submitted.epoch_key == nullptr) return Verdict::key_gone;
  auto reply = identity::open_reply(submitted.envelope, submitted.report_id, submitted.reply_id,
                                    header->epoch, *submitted.epoch_key, author->signing_key);
  if (!reply) return Verdict::not_genuine;
  opened = std::move(*reply);
  const auto hour = around.now.time_since_epoch() / std::chrono::hours{1};
  if (opened->not_after < hour) return Verdict::expired;
  return submitted.used ? Verdict::used : Verdict::allowed;
}

Verdict lint(const identity::Reply& reply, const Around& around, conversation::ReadAs how) {
  return reply.text.reveal([&](std::string_view text) {
    return by_rule(conversation::lint_helper_text(around.packs, text, how));
  });
}

Judgement judge_one(const Acknowledgement& message, const Around& around) {
  const auto& phone = message.phone;
  const auto left = message.asked + reply_window - around.now;
  if (phone.robot) return {Verdict::robot};
  if (left < shortest_validity) return {Verdict::no_window};
  if (is_over_limit(phone)) return {Verdict::too_many};
  if (!phone.channel_ready) return {Verdict::channel_stopped};
  return {by_rule(conversation::lint(message.pack, message.text)), left};
}

Judgement judge_one(const ReplyBySms& message, const Around& around) {
  Judgement out;
  const auto& phone = message.phone;
  const auto* const consent = message.consent;
  const auto verdict = [&]() -> Verdict {
    if (const auto found = examine(message.reply, around, out.reply); found != Verdict::allowed)
      return found;
    if (const auto found = lint(*out.reply, around, conversation::ReadAs::screens);
        found != Verdict::allowed)
      return found;
    if (out.reply->mode != identity::ReplyMode::sms) return Verdict::fetch_only;
    if (!message.reply.pinned_origin || consent == nullptr || !consent->may_text)
      return Verdict::no_number;
    if (phone.robot) return Verdict::robot;
    if (consent->yes_unverified && !out.reply->confirms_unverified_yes)
      return Verdict::unverified_yes;
    if (around.now - consent->last_contact >= silence_limit) return Verdict::silent;
    if (const auto found = lint(*out.reply, around, conversation::ReadAs::one_message);
        found != Verdict::allowed)
      return found;
    const auto open = opening(message, around.now);
    if (open.left < shortest_validity) return Verdict::no_window;
    if (phone.last_reply && *phone.last_reply >= phone.last_text &&
        !(open.safe_time && around.now - *phone.last_reply >= between_replies))
      return Verdict::answered;
    if (is_over_limit(phone)) return Verdict::too_many;
    if (!phone.channel_ready) return Verdict::channel_stopped;
    out.validity = open.left;
    return Verdict::allowed;
  }();
  out.verdict = verdict;
  return out;
}

Judgement judge_one(const ReplyByPull& message, const Around& around) {
  Judgement out;
  out.verdict = examine(message.reply, around, out.reply);
  if (out.verdict != Verdict::allowed) return out;
  out.verdict = lint(*out.reply, around, conversation::ReadAs::screens);
  if (out.verdict != Verdict::allowed) return out;
  if (!message.reply.pinned_origin) out.verdict = Verdict::report_unknown;
  if (!message.ref_verified && !out.reply->release_to_unverified_refs)
    out.verdict = Verdict::unverified_ref;
  return out;
}

}  // namespace

Then then(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::allowed:
      return Then::send;
    case Verdict::no_window:
    case Verdict::answered:
    case Verdict::too_many:
    case Verdict::channel_stopped:
    case Verdict::provider_busy:
      return Then::wait;
    case Verdict::too_long:
    case Verdict::fetch_only:
    case Verdict::no_number:
    case Verdict::unverified_yes:
    case Verdict::silent:
    case Verdict::robot:
    case Verdict::unverified_ref:
    case Verdict::number_refused:
      return Then::fetch;
    case Verdict::not_genuine:
    case Verdict::not_the_owner:
    case Verdict::police_unasked:
    case Verdict::report_unknown:
    case Verdict::withdrawn:
    case Verdict::expired:
    case Verdict::used:
    case Verdict::key_gone:
    case Verdict::breaks_a_rule:
    case Verdict::not_known:
      return Then::never;
  }
  return Then::never;
}

Judgement judge(const Outbound& message, const Around& around) {
  return std::visit([&](const auto& one) { return judge_one(one, around); }, message);
}

}  // namespace ishara::relay
