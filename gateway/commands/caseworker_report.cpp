#include "gateway/commands/caseworker_report.hpp"

#include <array>
#include <boost/json.hpp>
#include <chrono>

#include "gateway/commands/moment.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

void append(crypto::WipedBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

using Minute = std::chrono::sys_time<std::chrono::minutes>;

std::string for_people(Minute at) {
  return moment_text(std::chrono::sys_seconds{at}.time_since_epoch().count());
}

std::string for_programs(Minute at) {
  return moment_text(std::chrono::sys_seconds{at}.time_since_epoch().count(), "%Y-%m-%dT%H:%MZ");
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// What a reporter chose from the menu of a dialogue, in a line of labels.
std::string_view label_of(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> labels{{
      {"self", "the reporter"},
      {"child", "a child, by a third party"},
      {"adult", "an adult, by a third party"},
      {"several", "several people, by a third party"},
      {"unsaid", "did not want to say"},
      {"now", "NOW"},
      {"soon", "soon"},
      {"not_now", "not now"},
      {"unsure", "not sure"},
      {"who", "who"},
      {"where", "where"},
      {"danger", "danger"},
      {"words", "own words"},
      {"send", "whether to send it"},
  }};
  for (const auto& [known, label] : labels)
    if (known == word) return label;
  return word;
}

void append_chosen(crypto::WipedBuffer& out, const identity::Chosen& chosen) {
  if (!chosen.who.empty()) append(out, "\n    who: " + std::string{label_of(chosen.who)});
  if (!chosen.danger.empty())
    append(out, "\n    in danger: " + std::string{label_of(chosen.danger)});
  if (!chosen.place.empty()) {
    append(out, "\n    place: ");
    chosen.place.reveal([&](std::string_view place) { append_printable(out, place, "    "); });
  }
  if (chosen.gaps.empty()) return;
  std::string gaps;
  for (const auto& gap : chosen.gaps)
    gaps += (gaps.empty() ? "" : ", ") + std::string{label_of(gap)};
  append(out, "\n    PARTIAL, the dialogue broke off; not answered: " + gaps);
}

// What became of a reply, for its author. The numbers are those of the outbound gate.
std::string_view reason_text(std::int64_t reason) {
  switch (reason) {
    case 1:
    case 2:
      return "it was not genuine, or its author does not work for the queue that has the report";
    case 3:
      return "the reporter has not agreed to the police";
    case 5:
      return "the reporter took the report back";
    case 6:
      return "its time was over";
    case 8:
      return "its key is gone: write it again";
    case 9:
      return "it has a word, an address or a sign that may endanger the reader";
    case 10:
      return "longer than one message";
    case 12:
      return "no number is kept: nobody said yes, or the yes was taken back";
    case 13:
      return "the yes came by number alone; confirm it in a reply if you are sure";
    case 14:
      return "no word from this number for 90 days";
    case 16:
      return "it waits for the reporter to write or to say SAFE";
    case 17:
      return "it waits for the next text: one reply for each";
    case 18:
      return "it waits: enough messages for this hour or day";
    case 19:
    case 20:
      return "it waits for the channel";
    case 22:
      return "the provider refuses the number";
    case 23:
      return "the provider's answer was lost";
    default:
      return {};
  }
}

// Of a reply that its provider has taken.
std::string sent_text(std::string_view delivery) {
  if (delivery == "delivered") return "sent, and delivered to the phone";
  if (delivery == "failed") return "sent, but NOT DELIVERED, the provider says";
  return "sent";
}

std::string state_of(const OpenedReport& report, const std::string& id) {
  for (const auto& reply : report.replies) {
    if (reply.id != id) continue;
    std::string out;
    if (reply.state == "submitted") out = "with the relay";
    if (reply.state == "waiting") out = "waiting";
    if (reply.state == "sending") out = "being sent";
    if (reply.state == "sent") out = sent_text(reply.delivery);
    if (reply.state == "unknown") out = "UNKNOWN: it may have been sent; it is not sent again";
    if (reply.state == "kept") out = "to be fetched with the ref";
    if (reply.state == "fetched") out = "fetched by the reporter";
    if (reply.state == "refused") out = "NOT SENT";
    const auto why = reason_text(reply.reason);
    return why.empty() ? out : out + " (" + std::string{why} + ")";
  }
  return "no longer known";
}

}  // namespace

crypto::WipedBuffer report_text(const OpenedReport& report) {
  const auto row = json::parse(report.row).as_object();
  const auto* stage = row.if_contains("stage");
  const auto& record = report.record;
  crypto::WipedBuffer out;
  append(out, "Report " + crypto::hex(record.report_id) + "  queue " +
                  (report.queue.empty() ? "unknown" : printable(report.queue)));
  if (stage != nullptr && stage->is_string()) append(out, "  " + printable(stage->get_string()));
  append(out, record.urgent ? "  URGENT" : "");
  append(out, report.ownership.consent_class == 0 ? "  helpers only\n" : "  helpers and police\n");
  if (report.ownership.withdrawn)
    append(out, report.ownership.withdrawn->with_ref
                    ? "  WITHDRAWN by the reporter\n"
                    : "  WITHDRAWN from the reporter's number, by whoever holds it\n");
  if (!report.flagged.empty())
    append(out, "  the desk's row disagrees with the signed record: " + joined(report.flagged) +
                    "\n  what stands here is signed; tell your lead of the difference\n");
  for (const auto& other : report.same_sender)
    append(out, "  from the same number as report " + other + " (by number, unverified)\n");
  for (const auto& text : report.texts) {
    append(out, "\n  " + for_people(text.at) + "  " + printable(text.channel) + "  " +
                    printable(text.category) +
                    (text.region.empty() ? "" : "  " + printable(text.region)));
    for (const auto& candidate : text.candidates)
      append(out,
             (&candidate == text.candidates.data() ? "  perhaps " : " or ") + printable(candidate));
    const auto at = static_cast<std::size_t>(&text - report.texts.data());
    if (report.unverified[at]) append(out, "  by number, unverified");
    if (text.chosen) append_chosen(out, *text.chosen);
    append(out, "\n    ");
    text.text.reveal([&](std::string_view clear) { append_printable(out, clear, "    "); });
    append(out, "\n");
  }
  for (const auto& note : report.notes) {
    append(out, "\n  " + for_people(note.content.at) +
                    (note.content.reply_id ? "  reply " + crypto::hex(*note.content.reply_id)
                                           : std::string{"  note"}) +
                    "  by " + note.author + (note.has_left ? ", who has left" : ""));
    if (note.content.reply_id)
      append(out, "  " + state_of(report, crypto::hex(*note.content.reply_id)));
    append(out, "\n    ");
    note.content.text.reveal([&](std::string_view clear) { append_printable(out, clear, "    "); });
    append(out, "\n");
  }
  if (report.unchecked_notes > 0)
    append(out, "\n  " + std::to_string(report.unchecked_notes) +
                    " by people whom no roster knows; nobody can check them\n");
  if (report.with_former > 0)
    append(out, "\n  " + std::to_string(report.with_former) +
                    (report.with_former == 1 ? " text" : " texts") +
                    " with the former queue; it comes here when one of its people looks in\n");
  if (report.unreadable > 0)
    append(out, "\n  " + std::to_string(report.unreadable) +
                    (report.unreadable == 1 ? " text or note does" : " texts or notes do") +
                    " not open: sealed wrongly by whoever wrote or handed on; tell your lead\n");
  return out;
}

crypto::WipedBuffer report_json(const OpenedReport& report) {
  auto head = json::parse(report.row).as_object();
  head["queue"] = report.queue.empty() ? json::value{} : json::value(report.queue);
  head["hour"] = report.record.hour;
  head["class"] = report.ownership.consent_class;
  head["withdrawn"] = report.ownership.withdrawn.has_value();
  json::array replies;
  for (const auto& reply : report.replies)
    replies.push_back(
        {{"id", reply.id},
         {"state", reply.state},
         {"reason", reply.reason},
         {"delivery", reply.delivery.empty() ? json::value{} : json::value(reply.delivery)}});
  head["replies"] = std::move(replies);
  head["urgent"] = report.record.urgent;
  head["same_sender"] = json::array(report.same_sender.begin(), report.same_sender.end());
  head["flagged"] = json::array(report.flagged.begin(), report.flagged.end());
  auto line = json::serialize(head);
  line.pop_back();  // the brace: the texts go into the same object, but never through its strings
  crypto::WipedBuffer out;
  append(out, line + ",\"texts\":[");
  bool first = true;
  for (const auto& text : report.texts) {
    const auto field = [&](const char* name, std::string_view value) {
      append(out, std::string{",\""} + name + "\":");
      append_json(out, value);
    };
    append(out, first ? "{" : ",{");
    first = false;
    append(out, "\"at\":\"" + for_programs(text.at) + '"');
    field("kind", text.kind);
    field("channel", text.channel);
    field("via", text.via);
    field("category", text.category);
    field("region", text.region);
    append(out, ",\"candidates\":[");
    for (const auto& candidate : text.candidates) {
      if (&candidate != text.candidates.data()) append(out, ",");
      append_json(out, candidate);
    }
    append(out, "]");
    const auto at = static_cast<std::size_t>(&text - report.texts.data());
    append(out, report.unverified[at] ? ",\"unverified\":true" : ",\"unverified\":false");
    if (text.chosen) {
      const auto& chosen = *text.chosen;
      const auto word = [](const std::string& name) {
        return name.empty() ? "null" : json::serialize(json::string{name});
      };
      append(out, ",\"menu\":{\"who\":" + word(chosen.who) + ",\"danger\":" + word(chosen.danger) +
                      ",\"place\":");
      chosen.place.reveal([&](std::string_view place) { append_json(out, place); });
      append(out,
             ",\"partial\":" + std::string{chosen.gaps.empty() ? "false" : "true"} + ",\"gaps\":[");
      for (const auto& gap : chosen.gaps)
        append(out, (&gap == chosen.gaps.data() ? "" : ",") + word(gap));
      append(out, "]}");
    }
    text.text.reveal([&](std::string_view clear) { field("text", clear); });
    append(out, "}");
  }
  append(out, "],\"notes\":[");
  first = true;
  for (const auto& note : report.notes) {
    append(out, std::string{first ? "" : ","} + "{\"at\":\"" + for_programs(note.content.at) +
                    "\",\"author\":\"" + note.author +
                    "\",\"left\":" + (note.has_left ? "true" : "false") + ",\"reply\":" +
                    (note.content.reply_id ? '"' + crypto::hex(*note.content.reply_id) + '"'
                                           : std::string{"null"}) +
                    ",\"text\":");
    note.content.text.reveal([&](std::string_view clear) { append_json(out, clear); });
    append(out, "}");
    first = false;
  }
  append(out, "],\"unchecked_notes\":" + std::to_string(report.unchecked_notes) +
                  ",\"with_former\":" + std::to_string(report.with_former) +
                  ",\"unreadable\":" + std::to_string(report.unreadable) + "}\n");
  return out;
}

namespace {

std::string signer_organisation(const identity::VerifiedReport& report) {
  if (const auto* const signer = report.directory.member(report.signer))
    for (const auto& organisation : report.directory.organisations())
      if (organisation.id == signer->organisation) return organisation.name;
  return {};
}

}  // namespace

crypto::WipedBuffer first_words_text(const identity::VerifiedReport& report) {
  const auto& record = report.record;
  crypto::WipedBuffer out;
  append(out, "Report " + crypto::hex(record.report_id) + "  received for " +
                  (report.queue.empty() ? "a queue that is gone" : printable(report.queue)));
  append(out, record.urgent ? "  URGENT" : "");
  append(out, record.consent_class == 0 ? "  helpers only\n" : "  helpers and police\n");
  append(out, "\n  " + for_people(report.content.at) + "  " + printable(report.content.channel) +
                  "\n    ");
  report.content.text.reveal([&](std::string_view clear) { append_printable(out, clear, "    "); });
  // Not only the words: the key opens everything that was sealed with them.
  append(out, "\n\n  With them, as it was sealed:\n    ");
  const auto sealed = identity::encode(report.content);
  append_printable(out, {reinterpret_cast<const char*>(sealed.data()), sealed.size()}, "    ");
  append(out,
         "\n\nThese are the first words of the report as a gateway of this deployment received"
         " them,\nunaltered. Member " +
             crypto::hex(report.signer) + " of " + printable(signer_organisation(report)) +
             " disclosed them.\n" + rosters_text(report.directory));
  return out;
}

crypto::WipedBuffer first_words_json(const identity::VerifiedReport& report) {
  const json::object head{
      {"kind", "report"},
      {"good", true},
      {"id", crypto::hex(report.record.report_id)},
      {"queue", report.queue.empty() ? json::value{} : json::value(report.queue)},
      {"hour", report.record.hour},
      {"class", report.record.consent_class},
      {"urgent", report.record.urgent},
      {"at", for_programs(report.content.at)},
      {"channel", report.content.channel},
      {"disclosed_by", crypto::hex(report.signer)},
      {"organisation", signer_organisation(report)},
      {"rosters", json::parse(rosters_json(report.directory))}};
  auto line = json::serialize(head);
  line.pop_back();
  crypto::WipedBuffer out;
  append(out, line + ",\"text\":");
  report.content.text.reveal([&](std::string_view clear) { append_json(out, clear); });
  const auto sealed = identity::encode(report.content);
  append(out, ",\"message\":");
  append(out, {reinterpret_cast<const char*>(sealed.data()), sealed.size()});
  append(out, "}\n");
  return out;
}

std::string rosters_text(const identity::Directory& directory) {
  auto out = "Rosters: root " + std::to_string(directory.root_version());
  for (std::size_t i = 0; i < directory.organisations().size(); ++i)
    if (const auto version = directory.organisation_versions()[i]; version > 0)
      out += ", " + printable(directory.organisations()[i].name) + ' ' + std::to_string(version);
  return out + ". Compare them with the newest that you know.\n";
}

std::string rosters_json(const identity::Directory& directory) {
  json::object out;
  for (const auto& [issuer, version] : directory.versions())
    if (version > 0) out[issuer == crypto::Id{} ? "root" : crypto::hex(issuer)] = version;
  return json::serialize(out);
}

}  // namespace ishara::commands
