// `ishara queue`: the caseworker's commands. They run on her machine and open with her key.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <boost/system/system_error.hpp>
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

namespace ishara::commands {
namespace {

namespace json = boost::json;

struct Options {
  std::string desk;
  std::string authorities;
  std::string root_key;
  std::string key_file;
  std::string passphrase_file;
  bool json = false;
  std::string queue;   // of list and pull
  std::string report;  // of the others
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

void print_row(const json::object& row) {
  const bool held = row.contains("lease") && !row.at("lease").is_null();
  std::printf("%s  %s  %-7s %s%s\n", word(row, "id").c_str(),
              hour_text(number(row, "hour")).c_str(), word(row, "stage").c_str(),
              word(row, "urgent") == "true" ? "urgent " : "", held ? "held" : "");
}

void print_opened(const OpenedReport& report, bool as_json) {
  print(as_json ? report_json(report) : report_text(report));
}

void list(Caseworker& caseworker, const Options& options) {
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

void pull(Caseworker& caseworker, const Options& options) {
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

using Action = std::function<void(Caseworker&, const Options&)>;

}  // namespace

void add_queue(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* queue =
      root.add_subcommand("queue", "A caseworker's work: list, pull, show, renew, release, close");
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
  report(add("close", "Close a report", id, [](Caseworker& caseworker, const Options& given) {
    change(caseworker, given, "close", "Closed.");
  }));
}

}  // namespace ishara::commands
