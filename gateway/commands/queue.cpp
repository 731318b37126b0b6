// `ishara queue`: the caseworker's commands. They run on her machine and open with her key.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>

#include "gateway/commands/caseworker.hpp"
#include "gateway/commands/caseworker_report.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "i18n/utf8.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_note = 16 * 1024;

struct Options {
  std::string desk;
  std::string authorities;
  std::string root_key;
  std::string key_file;
  std::string passphrase_file;
  bool json = false;
  std::string queue;   // of list and pull
  std::string report;  // of the others
  Caseworker::ReplyOptions reply;
  int hours = 72;
  std::string target;  // of refer
  bool keep = false;
};

std::string address_of(const config::Desk& desk) {
  if (desk.listen.is_socket()) return "unix:" + desk.listen.socket.string();
  const bool six = desk.listen.host.find(':') != std::string::npos;
  return std::string{desk.tls ? "https://" : "http://"} + (six ? "[" : "") + desk.listen.host +
         (six ? "]" : "") + ":" + std::to_string(desk.listen.port);
}

// The desk's address and the root key: from the line, else from the configuration file.
Caseworker::Settings settings_of(const CLI::App& root, Options options) {
  if (options.desk.empty() || options.root_key.empty()) {
    const auto config = load_configuration(root);
    if (!config)
      throw CaseworkerError{
          "the desk's address or the root key is not known",
          "give --desk and --root-key (it is on your enrolment sheet), or --config"};
    if (options.desk.empty()) options.desk = address_of(config->desk);
    if (options.root_key.empty())
      options.root_key = crypto::hex(config->deployment.root_public_key);
  }
  Caseworker::Settings out;
  auto origin = http::parse_origin(options.desk);
  if (!origin)
    throw CaseworkerError{"the desk's address cannot be read",
                          "write https://host:port or unix:/path"};
  out.desk = std::move(*origin);
  out.desk.authorities = options.authorities;
  const auto key = crypto::from_hex_exact<32>(options.root_key);
  if (!key)
    throw CaseworkerError{"the root key is not 64 hexadecimal digits",
                          "copy it from your enrolment sheet"};
  out.root_key = *key;
  out.key_file = options.key_file;
  return out;
}

crypto::WipedBuffer passphrase_of(const Options& options) {
  if (options.passphrase_file.empty()) {
    auto typed = ask_passphrase("Passphrase: ");
    if (typed.empty())
      throw CaseworkerError{"no passphrase",
                            "type it on a terminal, or name a file with --passphrase-file"};
    return typed;
  }
  const auto bytes = config::read_secret_file(options.passphrase_file, 1024);
  if (!bytes)
    throw CaseworkerError{"the passphrase file: " + bytes.error().message(), "chmod 600 it"};
  crypto::WipedBuffer out{bytes->begin(), bytes->end()};
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  return out;
}

void print(const crypto::WipedBuffer& buffer) {
  std::fwrite(buffer.data(), 1, buffer.size(), stdout);
}

std::string hour_text(std::int64_t hours) {
  const std::time_t seconds = hours * 3600;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char out[24];
  return {out, std::strftime(out, sizeof out, "%Y-%m-%d %H h", &parts)};
}

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

// What others wait for comes first, and is done without a question. One line at most.
void hand_on_strays(Caseworker& caseworker) {
  const auto strays = caseworker.hand_on_strays();
  if (strays.refused > 0)
    complain("the desk asks to hand on texts of " + std::to_string(strays.refused) +
                 " reports that nobody has signed away; they stay",
             "tell your lead: the database or the desk was tampered with");
  else if (strays.handed_on > 0)
    std::fprintf(stderr, "%zu %s handed on to %s new queue.\n", strays.handed_on,
                 strays.handed_on == 1 ? "text" : "texts", strays.handed_on == 1 ? "its" : "their");
}

// When a report goes that was withdrawn by number alone.
std::string end_text(const json::object& report) {
  if (word(report, "held") == "true") return "held, and stays hidden";
  const auto hour = std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now());
  const auto left = number(report, "until") - hour.time_since_epoch().count();
  return left > 0 ? "deleted in " + std::to_string(left) + " h unless held"
                  : "deleted now unless held";
}

// A lead learns that there is something to hold, and nothing of what it is.
void list_withdrawn(Caseworker& caseworker, const Options& options) {
  if (!caseworker.has_role("lead")) return;
  const auto answer = parse(caseworker.get("/withdrawn"));
  for (const auto& entry : answer.at("reports").as_array()) {
    const auto& report = entry.as_object();
    const auto queue = word(report, "queue");
    if (!options.queue.empty() && queue != options.queue) continue;
    if (options.json)
      std::printf("%s\n", json::serialize(json::object{{"withdrawn", report}}).c_str());
    else
      std::printf("%s  %s  withdrawn by number, %s\n", word(report, "id").c_str(), queue.c_str(),
                  end_text(report).c_str());
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
      throw CaseworkerError{"the text is longer than 16 KiB", "write less"};
  }
  crypto::wipe(chunk, sizeof chunk);
  while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == '\r')) bytes.pop_back();
  if (bytes.empty() || !i18n::is_utf8(crypto::view(bytes)))
    throw CaseworkerError{"there is no text, or it is not UTF-8",
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

void refer(Caseworker& caseworker, const Options& options) {
  caseworker.refer(options.report, options.target, options.keep);
  std::printf("%s\n", options.json ? "null" : "Given away, every text and note of it.");
}

using Action = std::function<void(Caseworker&, const Options&)>;

}  // namespace

void add_queue(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* queue =
      root.add_subcommand("queue",
                          "A caseworker's work: list, pull, show, reply, note, refer, renew, "
                          "release, close, hold");
  queue->require_subcommand(1);
  queue
      ->add_option("--desk", options->desk, "Address of the desk (default: from the configuration)")
      ->envname("ISHARA_DESK")
      ->type_name("URL");
  queue
      ->add_option("--authorities", options->authorities,
                   "PEM file of the only certificate authorities to trust")
      ->type_name("FILE");
  queue
      ->add_option("--root-key", options->root_key,
                   "Root key of the deployment (default: from the configuration)")
      ->envname("ISHARA_ROOT_KEY")
      ->type_name("HEX");
  queue->add_option("--key", options->key_file, "Your key file")
      ->envname("ISHARA_KEY")
      ->type_name("FILE")
      ->required();
  queue
      ->add_option("--passphrase-file", options->passphrase_file,
                   "File with your passphrase, mode 0600 (default: ask)")
      ->envname("ISHARA_PASSPHRASE_FILE")
      ->type_name("FILE");
  queue->add_flag("--json", options->json, "One JSON object a line");
  const std::string example =
      "Example:\n  ishara queue --desk https://desk.example.org --key me.key ";
  queue->footer(example + "pull");

  const auto add = [&](const char* name, const char* help, const std::string& arguments,
                       const Action& action) {
    auto* command = queue->add_subcommand(name, help);
    command->footer(example + name + arguments);
    command->callback([&root, &exit_code, options, action] {
      harden_process(false);
      crypto::start();
      try {
        Caseworker caseworker{settings_of(root, *options), crypto::view(passphrase_of(*options))};
        caseworker.directory();
        action(caseworker, *options);
      } catch (const CaseworkerError& error) {
        exit_code = complain(error.what(), error.what_to_do());
      } catch (const boost::system::system_error&) {
        exit_code = complain("the desk's answer is not what its API says",
                             "is --desk the address of a desk of this version?");
      }
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
  report(add("close", "Close a report", id, [](Caseworker& caseworker, const Options& given) {
    change(caseworker, given, "close", "Closed.");
  }));
  report(add("hold",
             "Keep a report that was withdrawn by number alone, unseen: a life is at risk (leads)",
             id, [](Caseworker& caseworker, const Options& given) {
               change(caseworker, given, "hold",
                      "Held. It stays hidden, and is not deleted unless the reporter asks for it "
                      "with the ref.");
             }));
}

}  // namespace ishara::commands
