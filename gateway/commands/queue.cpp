// `ishara queue`: the caseworker's commands. They run on her machine and open with her key.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>

#include "gateway/commands/caseworker.hpp"
#include "gateway/commands/caseworker_report.hpp"
#include "gateway/commands/client.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "i18n/utf8.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_note = 16 * 1024;

struct Options {
  ClientOptions client;
  bool json = false;
  std::string queue;   // of list and pull
  std::string report;  // of the others
  Caseworker::ReplyOptions reply;
  int hours = 72;
  std::string target;  // of refer
  bool keep = false;
  bool legal = false;  // of hold and release-hold
  std::string file;    // of export
};

void print(const crypto::WipedBuffer& buffer) {
  std::fwrite(buffer.data(), 1, buffer.size(), stdout);
}

std::string hour_text(std::int64_t hours) { return moment_text(hours * 3600, "%Y-%m-%d %H h"); }

std::string word(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return "";
  if (value->is_string()) return printable(value->get_string());
  return json::serialize(*value);
}

std::int64_t number(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

json::object parse(const std::string& body) { return json::parse(body).as_object(); }

// The texts that nobody of the former queue has handed on.
std::string former_text(const json::object& row) {
  const auto texts = number(row, "with_former");
  if (texts == 0) return "";
  return "  " + std::to_string(texts) + (texts == 1 ? " text" : " texts") +
         " with the former queue since " + hour_text(number(row, "with_former_since"));
}

void print_row(const json::object& row) {
  const bool held = row.contains("lease") && !row.at("lease").is_null();
  std::printf("%s  %s  %-7s %s%s%s\n", word(row, "id").c_str(),
              hour_text(number(row, "hour")).c_str(), word(row, "stage").c_str(),
              word(row, "urgent") == "true" ? "urgent " : "", held ? "held" : "",
              former_text(row).c_str());
}

void print_opened(const OpenedReport& report, bool as_json) {
  print(as_json ? report_json(report) : report_text(report));
}

// What others wait for comes first, and is done without a question.
void hand_on_strays(Caseworker& caseworker) {
  const auto strays = caseworker.hand_on_strays();
  if (strays.refused > 0)
    complain("the desk asks to hand on texts of " + std::to_string(strays.refused) +
                 " reports that nobody has signed away; they stay",
             "tell your lead: the database or the desk was tampered with");
  else if (strays.handed_on > 0)
    std::fprintf(stderr, "%zu %s handed on to %s new queue.\n", strays.handed_on,
                 strays.handed_on == 1 ? "text" : "texts", strays.handed_on == 1 ? "its" : "their");
  if (strays.renewed > 0)
    std::fprintf(stderr, "%zu %s sealed anew for the present key of %s queue.\n", strays.renewed,
                 strays.renewed == 1 ? "text" : "texts", strays.renewed == 1 ? "its" : "their");
  if (strays.unfinished)
    complain("some texts that are sealed to an earlier key could not be sealed anew",
             "this goes on at the next look; tell your lead if it keeps coming");
}

std::string remaining_text(const json::object& report) {
  if (word(report, "held") == "true") return "held, and stays hidden";
  const auto hour = std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now());
  const auto left = number(report, "until") - hour.time_since_epoch().count();
  return left > 0 ? "deleted in " + std::to_string(left) + " h unless held"
                  : "deleted now unless held";
}

// When a report goes that was withdrawn by number alone, or is legally held.
std::string end_text(const json::object& report) {
  const bool withdrawn = number(report, "until") != 0;
  if (word(report, "legally_held") == "true")
    return withdrawn ? "withdrawn, legally held, and stays hidden" : "legally held";
  return "withdrawn by number, " + remaining_text(report);
}

// A lead learns that there is something to hold, and nothing of what it is.
void list_withdrawn(Caseworker& caseworker, const Options& options) {
  if (!caseworker.has_role("lead")) return;
  constexpr int most_pages = 500;  // of 200
  std::string cursor;
  for (int page = 0; page < most_pages; ++page) {
    const auto answer = parse(caseworker.get("/withdrawn?limit=200" + cursor));
    for (const auto& entry : answer.at("reports").as_array()) {
      const auto& report = entry.as_object();
      const auto queue = word(report, "queue");
      if (!options.queue.empty() && queue != options.queue) continue;
      if (options.json)
        std::printf("%s\n", json::serialize(json::object{{"withdrawn", report}}).c_str());
      else
        std::printf("%s  %s  %s\n", word(report, "id").c_str(), queue.c_str(),
                    end_text(report).c_str());
    }
    if (answer.at("next").is_null()) return;
    cursor = "&cursor=" + std::string{answer.at("next").as_string()};
  }
  complain("there are more reports that were withdrawn by number than are listed here",
           "somebody withdraws reports in numbers that no people have; tell an operator");
}

// The command with which a second person agrees; empty for what is not a matter of queues.
std::string command_of(const json::object& intent) {
  const auto action = word(intent, "action");
  const auto report = word(intent, "subject");
  if (action == "legal_hold") return "hold --legal " + report;
  if (action == "legal_release") return "release-hold --legal " + report;
  if (action == "delete_report") return "delete " + report;
  if (action == "transfer") return "refer " + report + " " + word(intent, "to");
  return "";
}

// What others of her queues, or she herself, want to do and cannot do alone.
void list_intents(Caseworker& caseworker, const Options& options) {
  const auto answer = parse(caseworker.get("/intents"));
  for (const auto& entry : answer.at("intents").as_array()) {
    const auto& intent = entry.as_object();
    const auto command = command_of(intent);
    const auto queue = word(intent, "queue");
    if (command.empty() || (!options.queue.empty() && queue != options.queue)) continue;
    if (options.json)
      std::printf("%s\n", json::serialize(json::object{{"intent", intent}}).c_str());
    else
      std::printf("%s  %s  until %s %s: %s\n", word(intent, "subject").c_str(), queue.c_str(),
                  hour_text(number(intent, "until")).c_str(),
                  word(intent, "user") == crypto::hex(caseworker.user_id())
                      ? "you wait for a second person"
                      : "somebody waits for a second person",
                  command.c_str());
  }
}

void list_open(Caseworker& caseworker, const Options& options) {
  if (options.queue.empty()) {
    const auto answer = parse(caseworker.get("/queues"));
    for (const auto& entry : answer.at("queues").as_array()) {
      const auto& queue = entry.as_object();
      if (options.json)
        std::printf("%s\n", json::serialize(queue).c_str());
      else
        std::printf("%-32s %4s waiting, %s urgent, %s held\n", word(queue, "name").c_str(),
                    word(queue, "waiting").c_str(), word(queue, "urgent_waiting").c_str(),
                    word(queue, "held").c_str());
    }
    return;
  }
  std::string cursor;
  do {
    const auto page = parse(caseworker.get("/queues/" + options.queue + "/reports" + cursor));
    for (const auto& entry : page.at("reports").as_array()) {
      if (options.json)
        std::printf("%s\n", json::serialize(entry).c_str());
      else
        print_row(entry.as_object());
    }
    cursor = page.at("next").is_null() ? "" : "?cursor=" + std::string{page.at("next").as_string()};
  } while (!cursor.empty());
}

void list(Caseworker& caseworker, const Options& options) {
  hand_on_strays(caseworker);
  list_open(caseworker, options);
  list_withdrawn(caseworker, options);
  list_intents(caseworker, options);
}

void pull(Caseworker& caseworker, const Options& options) {
  hand_on_strays(caseworker);
  const auto row = caseworker.post(
      options.queue.empty() ? "/pull" : "/queues/" + options.queue + "/pull", false);
  if (row) {
    print_opened(caseworker.open(word(parse(*row), "id")), options.json);
    return;
  }
  std::printf("%s\n", options.json ? "null" : "Nothing waits.");
}

void change(Caseworker& caseworker, const Options& options, const char* what, const char* done) {
  const auto row = caseworker.post("/reports/" + options.report + "/" + what, true);
  if (options.json)
    std::printf("%s\n", row ? row->c_str() : "null");
  else
    std::printf("%s\n", done);
}

// What she writes comes on standard input, where nobody who lists processes sees it.
identity::Text written() {
  crypto::WipedBuffer bytes;
  char chunk[512];
  while (const auto size = std::fread(chunk, 1, sizeof chunk, stdin)) {
    bytes.insert(bytes.end(), chunk, chunk + size);
    if (bytes.size() > longest_note)
      throw CommandError{"the text is longer than 16 KiB", "write less"};
  }
  crypto::wipe(chunk, sizeof chunk);
  while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == '\r')) bytes.pop_back();
  if (bytes.empty() || !i18n::is_utf8(crypto::view(bytes)))
    throw CommandError{"there is no text, or it is not UTF-8",
                       "write it on standard input: echo ... | ishara queue ..."};
  return identity::Text{crypto::view(bytes)};
}

void reply(Caseworker& caseworker, const Options& options) {
  auto given = options.reply;
  given.life = std::chrono::hours{options.hours};
  const auto ways = caseworker.reply(options.report, written(), given);
  if (options.json) {
    std::printf("%s\n", json::serialize(json::object{{"by_sms", ways.by_sms},
                                                     {"on_screens", ways.on_screens},
                                                     {"segments", ways.segments}})
                            .c_str());
    return;
  }
  if (!ways.by_sms)
    std::printf(
        "With the relay. It takes %zu messages, and only one may be sent: it can be read\n"
        "with the ref on USSD screens alone.\n",
        ways.segments);
  else if (given.fetch_only)
    std::printf(
        "With the relay. It is not sent; it can be read with the ref, by STATUS in one\n"
        "message or on USSD screens.\n");
  else
    std::printf(
        "With the relay. It fits one message: it is sent when the reporter's phone has a\n"
        "window open and said yes, and until then it can be read with the ref, by STATUS\n"
        "or on USSD screens. `ishara queue show` tells what became of it.\n");
}

void note(Caseworker& caseworker, const Options& options) {
  caseworker.note(options.report, written());
  std::printf("%s\n", options.json ? "null" : "Kept.");
}

void tell(const Options& options, const Caseworker::Waits& waits, const char* done) {
  if (options.json && waits)
    std::printf(
        "%s\n",
        json::serialize(json::object{{"needs", "second person"}, {"until", *waits}}).c_str());
  else if (options.json)
    std::printf("null\n");
  else if (waits)
    std::printf(
        "Nothing is changed yet: this takes two people of the queue, one of them a lead. It is\n"
        "done when another one gives the same command before %s (UTC).\n",
        hour_text(*waits).c_str());
  else
    std::printf("%s\n", done);
}

void refer(Caseworker& caseworker, const Options& options) {
  const auto referral = caseworker.refer(options.report, options.target, options.keep);
  tell(options, referral.waits, "Given away, every text and note of it.");
  if (referral.unreadable > 0)
    complain(std::to_string(referral.unreadable) +
                 (referral.unreadable == 1 ? " text or note does" : " texts or notes do") +
                 " not open, here and for the new queue",
             "somebody sealed wrongly what they wrote or handed on; tell your lead");
}

void decide(Caseworker& caseworker, const Options& options, const char* what, const char* done) {
  tell(options, caseworker.decide("/reports/" + options.report + "/" + what), done);
}

void hold(Caseworker& caseworker, const Options& options) {
  if (options.legal)
    decide(caseworker, options, "legal-hold",
           "Legally held: its content stays, whatever becomes of the report otherwise.");
  else
    decide(caseworker, options, "hold",
           "Held. It stays hidden, and is not deleted unless the reporter asks for it with the "
           "ref.");
}

void release_hold(Caseworker& caseworker, const Options& options) {
  if (options.legal)
    decide(caseworker, options, "legal-release",
           "No longer legally held; what was due meanwhile happens now.");
  else
    decide(caseworker, options, "hold-release",
           "No longer held; it is deleted when its time is over.");
}

// The file is as sensitive as the text in it.
void disclose(Caseworker& caseworker, const Options& options) {
  const auto text =
      caseworker.export_report(options.report, [&](const identity::VerifiedReport& report) {
        print(options.json ? first_words_json(report) : first_words_text(report));
        if (options.json || ::isatty(STDIN_FILENO) == 0) return;
        std::printf("\nAll of this is disclosed. Go on (yes/no)? ");
        std::fflush(stdout);
        std::string answer;
        if (!std::getline(std::cin, answer) || answer != "yes")
          throw CommandError{"nothing was disclosed", "answer yes to disclose it"};
      });
  const auto written = config::write_key_file(options.file, crypto::bytes_of(crypto::view(text)));
  if (!written)
    throw CommandError{options.file + ": " + written.error().message(),
                       "name a new file in a folder that is yours"};
  if (!options.json)
    std::printf(
        "Written. Whoever has the file can read all of it; `ishara audit verify` shows that it\n"
        "is as it was received.\n");
}

using Action = std::function<void(Caseworker&, const Options&)>;

}  // namespace

void add_queue(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* queue =
      root.add_subcommand("queue",
                          "A caseworker's work: list, pull, show, reply, note, refer, renew, "
                          "release, export, close, delete, hold, release-hold");
  queue->require_subcommand(1);
  add_client_options(*queue, options->client);
  queue->add_flag("--json", options->json, "One JSON object a line");
  const std::string example =
      "Example:\n  ishara queue --desk https://desk.example.org --key me.key ";
  queue->footer(example + "pull");

  const auto add = [&](const char* name, const std::string& help, const std::string& arguments,
                       const Action& action) {
    auto* command = queue->add_subcommand(name, help);
    command->footer(example + name + arguments);
    command->callback([&root, &exit_code, options, action] {
      exit_code = with_client(root, options->client,
                              [&](Caseworker& caseworker) { action(caseworker, *options); });
    });
    return command;
  };
  add("list", "Your queues, or the open reports of one", " helpers", list)
      ->add_option("queue", options->queue, "Name of the queue");
  add("pull", "Take the most urgent report, open and show it", "", pull)
      ->add_option("queue", options->queue, "Name of the queue (default: any of yours)");
  const auto report = [&](CLI::App* command) {
    command->add_option("report", options->report, "Id of the report")->required();
  };
  const std::string id = " 6f1c0000000000000000000000000000";
  report(
      add("show", "Open and show a report", id, [](Caseworker& caseworker, const Options& given) {
        print_opened(caseworker.open(given.report), given.json);
      }));
  report(add("renew", "Hold a report for half an hour more", id,
             [](Caseworker& caseworker, const Options& given) {
               change(caseworker, given, "renew", "Yours for half an hour more.");
             }));
  report(add("release", "Give a report back to its queue", id,
             [](Caseworker& caseworker, const Options& given) {
               change(caseworker, given, "release", "Back in its queue.");
             }));
  auto* const replies = add("reply",
                            "Answer the reporter; the text comes on standard input, and the team "
                            "keeps a copy",
                            id + " < answer.txt", reply);
  report(replies);
  replies->add_flag("--fetch-only", options->reply.fetch_only,
                    "Send no message: the reporter asks for it with the ref");
  replies->add_flag("--release", options->reply.release,
                    "Show it also to refs that prove nothing (by number, unverified)");
  replies->add_flag("--confirm-yes", options->reply.confirm,
                    "You are sure that the unverified yes is the reporter's");
  replies->add_option("--hours", options->hours, "Not sent later than in so many hours")
      ->check(CLI::Range(1, 720))
      ->capture_default_str();
  report(add("note", "Keep a note for the team; the text comes on standard input",
             id + " < note.txt", note));
  auto* const refers = add("refer", "Give a report to another queue, with all its texts and notes",
                           id + " children", refer);
  report(refers);
  refers->add_option("queue", options->target, "Name of the other queue")->required();
  refers->add_flag("--keep", options->keep, "Your queue goes on reading it");
  auto* const exports =
      add("export", "Disclose the first words of a report in a file that anybody can verify",
          id + " case.export", disclose);
  report(exports);
  exports->add_option("file", options->file, "A new file")->required();
  report(add("close", "Close a report", id, [](Caseworker& caseworker, const Options& given) {
    change(caseworker, given, "close", "Closed.");
  }));
  report(add("delete", "Delete a report with all that was written (two people, one of them a lead)",
             id, [](Caseworker& caseworker, const Options& given) {
               decide(caseworker, given, "delete",
                      "Deleted. The reporter's ref opens nothing any more.");
             }));
  const std::string two =
      " with --legal its content whatever happens (two people, one of them a lead)";
  auto* const holds = add("hold",
                          "Keep a report that was withdrawn by number alone, unseen: a life is at "
                          "risk (leads);" +
                              two,
                          id, hold);
  report(holds);
  holds->add_flag("--legal", options->legal, "A court or the law asks for it");
  auto* const releases =
      add("release-hold", "No longer keep such a report (leads);" + two, id, release_hold);
  report(releases);
  releases->add_flag("--legal", options->legal, "The legal hold");
}

}  // namespace ishara::commands
