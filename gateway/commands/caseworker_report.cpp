#include "gateway/commands/caseworker_report.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <ctime>

#include "gateway/commands/terminal.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

void append(crypto::WipedBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

std::string minute_text(std::chrono::sys_time<std::chrono::minutes> at, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char out[32];
  return {out, std::strftime(out, sizeof out, format, &parts)};
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
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
  append(out, record.consent_class == 0 ? "  helpers only\n" : "  helpers and police\n");
  if (!report.flagged.empty())
    append(out, "  the desk's row disagrees with the signed record: " + joined(report.flagged) +
                    "\n  what stands here is signed; tell your lead of the difference\n");
  for (const auto& text : report.texts) {
    append(out, "\n  " + minute_text(text.at, "%Y-%m-%d %H:%M UTC") + "  " +
                    printable(text.channel) + "  " + printable(text.category) +
                    (text.region.empty() ? "" : "  " + printable(text.region)) + "\n    ");
    text.text.reveal([&](std::string_view clear) { append_printable(out, clear, "    "); });
    append(out, "\n");
  }
  return out;
}

crypto::WipedBuffer report_json(const OpenedReport& report) {
  auto head = json::parse(report.row).as_object();
  head["queue"] = report.queue.empty() ? json::value{} : json::value(report.queue);
  head["hour"] = report.record.hour;
  head["class"] = report.record.consent_class;
  head["urgent"] = report.record.urgent;
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
    append(out, "\"at\":\"" + minute_text(text.at, "%Y-%m-%dT%H:%MZ") + '"');
    field("kind", text.kind);
    field("channel", text.channel);
    field("via", text.via);
    field("category", text.category);
    field("region", text.region);
    text.text.reveal([&](std::string_view clear) { field("text", clear); });
    append(out, "}");
  }
  append(out, "]}\n");
  return out;
}

}  // namespace ishara::commands
