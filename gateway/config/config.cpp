#include "gateway/config/config.hpp"

#include <pwd.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <tuple>

#include "gateway/crypto/encoding.hpp"

namespace ishara::config {
namespace {

constexpr std::size_t file_limit = 1024 * 1024;

struct Known {
  std::string_view section;
  std::string_view key;
  std::string_view example;  // also the advice when a required key is missing
  std::string_view meaning;
};

// Every key that the file may hold; whatever else stands there is a mistake.
constexpr std::array known{
    Known{"deployment", "name", R"(name = "pilot")", "what people call this deployment"},
    Known{"deployment", "root_public_key", R"(root_public_key = "<64 hexadecimal digits>")",
          "pinned: only what it signed counts"},
    Known{"deployment", "custody", R"(custody = "own")",
          "who holds the keys of people: demo (this machine made them) or own"},
    Known{"deployment", "languages", R"(languages = ["en", "rw"])",
          "language packs, the default first"},
    Known{"deployment", "allow_unreviewed", "allow_unreviewed = false",
          "true: packs that no native speaker has read are used too, to try them out"},
    Known{"gateway", "listen", R"(listen = "127.0.0.1:8080")",
          "webhooks; an address and a port, or unix:path"},
    Known{"gateway", "private_listen", R"(private_listen = "127.0.0.1:8081")",
          "metrics and health; none if absent"},
    Known{"gateway", "tls_certificate", R"(tls_certificate = "tls/chain.pem")", "whole chain, PEM"},
    Known{"gateway", "tls_key", R"(tls_key = "tls/key.pem")", "PEM, mode 0600"},
    Known{"gateway", "max_head", "max_head = 8192", "bytes of request line and fields"},
    Known{"gateway", "max_body", "max_body = 65536", "bytes"},
    Known{"gateway", "connections", "connections = 10000", "at once"},
    Known{"gateway", "requests_per_connection", "requests_per_connection = 10000",
          "then it is closed"},
    Known{"gateway", "head_seconds", "head_seconds = 10", "to send a head"},
    Known{"gateway", "body_seconds", "body_seconds = 10", "to send a body"},
    Known{"gateway", "idle_seconds", "idle_seconds = 75", "between two requests"},
    Known{"gateway", "write_seconds", "write_seconds = 10", "to take an answer"},
    Known{"gateway", "spool_mebibytes", "spool_mebibytes = 256",
          "that texts may take on this disk while the database is away"},
    Known{"relay", "socket", R"(socket = "state/relay.sock")",
          "over which gateways ask the relay; at most 107 bytes with its folders"},
    Known{"relay", "users", R"(users = ["ishara-gateway"])",
          "names or ids of users who may connect; the relay's own if absent"},
    Known{"relay", "thread_by_number", "thread_by_number = true",
          "false: strict mode, each sitting without a ref is a new report"},
    Known{"desk", "listen", R"(listen = "127.0.0.1:8082")", "caseworkers' API"},
    Known{"desk", "tls_certificate", R"(tls_certificate = "tls/chain.pem")", "whole chain, PEM"},
    Known{"desk", "tls_key", R"(tls_key = "tls/key.pem")", "PEM, mode 0600"},
    Known{"desk", "closed_days", "closed_days = 180",
          "that a closed report is kept before it is deleted, 30 to 730"},
    Known{"desk", "proxies", R"(proxies = ["192.0.2.7"])",
          "addresses of reverse proxies whose X-Forwarded-For is believed, for the audit"},
    Known{"database", "gateway_url", R"(gateway_url = "host=/run/postgresql dbname=ishara")",
          "libpq address for the gateway, without a password"},
    Known{"database", "relay_url", R"(relay_url = "host=/run/postgresql dbname=ishara")",
          "the same for the relay"},
    Known{"database", "desk_url", R"(desk_url = "host=/run/postgresql dbname=ishara")",
          "the same for the desk"},
    Known{"database", "owner_url", R"(owner_url = "host=/run/postgresql dbname=ishara")",
          "the same for ishara migrate alone"},
    Known{"database", "backup_url", R"(backup_url = "host=/run/postgresql dbname=ishara")",
          "the same for ishara backup make alone"},
    Known{"backup", "public_key", R"(public_key = "<64 hexadecimal digits>")",
          "backups are sealed to it; ishara backup key makes one, its secret stays elsewhere"},
    Known{"paths", "keys", R"(keys = "keys")", "folder of the services' keys"},
    Known{"paths", "relay_keys", R"(relay_keys = "relay/keys")",
          "folder of the relay's keys, if it is not the same"},
    Known{"paths", "channels", R"(channels = "channels")", "folder of channels, to receive"},
    Known{"paths", "sending", R"(sending = "sending")", "folder of channels, to send"},
    Known{"paths", "packs", R"(packs = "packs")", "folder of built language packs"},
    Known{"paths", "state", R"(state = "state")",
          "folder where each service notes what it has seen"},
    Known{"paths", "epochs", R"(epochs = "epochs")", "folder of the relay's epoch keys"},
    Known{"paths", "spool", R"(spool = "state/spool")",
          "folder of texts that wait for the database; one gateway's own, never in a backup"},
};

bool is_section(std::string_view name) {
  return std::any_of(known.begin(), known.end(), [&](auto& row) { return row.section == name; });
}

const Known& find_known(std::string_view section, std::string_view key) {
  return *std::find_if(known.begin(), known.end(),
                       [&](auto& row) { return row.section == section && row.key == key; });
}

std::string in_quotes(std::string_view word) { return "'" + std::string{word} + "'"; }

// Levenshtein's distance, for suggestions only.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = i;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    auto diagonal = row[0]++;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const auto change = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

// "did you mean 'x'?", or the whole choice when nothing is near.
std::string advice(std::string_view word, const std::vector<std::string_view>& choice) {
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto candidate : choice) {
    if (const auto apart = distance(word.substr(0, 64), candidate); apart < least) {
      least = apart;
      best = candidate;
    }
  }
  if (!best.empty()) return "did you mean " + in_quotes(best) + "?";
  std::string all = "choose from";
  for (const auto candidate : choice)
    all += (candidate == choice.front() ? " " : ", ") + std::string{candidate};
  return all;
}

std::string variable(std::string_view section, std::string_view key) {
  auto name = "ISHARA_" + std::string{section} + "_" + std::string{key};
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_name(std::string_view text, std::string_view others) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || others.find(c) != others.npos;
  });
}

std::optional<Endpoint> endpoint_of(std::string_view text, const std::filesystem::path& folder) {
  if (text.starts_with("unix:") && text.size() > 5)
    return Endpoint{{}, 0, (folder / text.substr(5)).lexically_normal()};
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto port = number_of(text.substr(colon + 1));
  if (!port || *port > 65535) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || (host.find(':') != host.npos) != bracketed) return std::nullopt;
  const bool address = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' ||
           c == ':';
  });
  if (!address) return std::nullopt;
  return Endpoint{std::string{host}, static_cast<std::uint16_t>(*port), {}};
}

// libpq reads `password` as a word of a connection string, in the user part of a URI, and as a
// parameter of a URI.
bool holds_password(std::string_view url) {
  for (auto at = url.find("password"); at != url.npos; at = url.find("password", at + 1)) {
    auto after = at + 8;
    while (after < url.size() && url[after] == ' ') ++after;
    if (after < url.size() && url[after] == '=' && (at < 3 || url.substr(at - 3, 3) != "ssl"))
      return true;
  }
  const auto scheme = url.find("://");
  if (scheme == url.npos) return false;
  const auto authority = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
  const auto user = authority.substr(0, std::min(authority.rfind('@'), authority.size()));
  return authority.find('@') != authority.npos && user.find(':') != user.npos;
}

// Takes values out of the file and the environment, and notes every mistake on the way.
class Reader {
 public:
  Reader(const toml::table& root, const std::filesystem::path& file, const Environment& overrides)
      : root_{root}, file_{file}, overrides_{overrides} {}

  std::filesystem::path folder() const { return std::filesystem::absolute(file_).parent_path(); }

  void refuse_unknown() {
    std::vector<std::string_view> sections;
    for (const auto& row : known)
      if (sections.empty() || sections.back() != row.section) sections.push_back(row.section);
    for (const auto& [section, node] : root_) {
      if (!is_section(section.str())) {
        note(section.source(), "unknown section or key " + in_quotes(section.str()),
             advice(section.str(), sections));
      } else if (!node.is_table()) {
        note(section.source(), in_quotes(section.str()) + " is a section and cannot have a value",
             "write [" + std::string{section.str()} + "] on a line of its own");
      } else {
        const auto keys = keys_of(section.str());
        for (const auto& [key, value] : *node.as_table())
          if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
            note(key.source(),
                 "unknown key " + in_quotes(key.str()) + " in [" + std::string{section.str()} + "]",
                 advice(key.str(), keys));
      }
    }
    for (const auto& [name, value] : overrides_) {
      for (const auto section : sections) {
        const auto prefix = variable(section, "");
        if (!name.starts_with(prefix)) continue;
        std::vector<std::string> names;
        for (const auto key : keys_of(section)) names.push_back(variable(section, key));
        if (std::find(names.begin(), names.end(), name) == names.end())
          mistakes_.push_back({"environment", 0, 0, "unknown variable " + in_quotes(name),
                               advice(name, {names.begin(), names.end()})});
      }
    }
  }

  // Each of these leaves `out` alone when the key is absent or wrong, and says whether it was good.
  bool text(std::string_view section, std::string_view key, std::string& out) {
    const auto found = find(section, key);
    if (found.variable) {
      out = *found.variable;
      return true;
    }
    if (found.node == nullptr) return false;
    if (const auto value = found.node->value_exact<std::string>()) {
      out = *value;
      return true;
    }
    refuse(section, key, "must be a text in quotes");
    return false;
  }

  void required_text(std::string_view section, std::string_view key, std::string& out) {
    if (present(section, key)) {
      if (text(section, key, out) && out.empty()) refuse(section, key, "is empty");
      return;
    }
    const auto* table = root_[section].as_table();
    mistakes_.push_back({file_.string(), line_of(table), column_of(table),
                         "missing key " + in_quotes(key) + " in [" + std::string{section} + "]",
                         "add " + std::string{find_known(section, key).example}});
  }

  void number(std::string_view section, std::string_view key, std::uint32_t& out,
              std::uint32_t least, std::uint32_t most) {
    const auto found = find(section, key);
    std::optional<std::int64_t> value;
    if (found.variable) {
      if (const auto given = number_of(*found.variable)) value = *given;
    } else if (found.node != nullptr) {
      value = found.node->value_exact<std::int64_t>();
    } else {
      return;
    }
    if (!value || *value < least || *value > most)
      refuse(
          section, key,
          "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    else
      out = static_cast<std::uint32_t>(*value);
  }

  void boolean(std::string_view section, std::string_view key, bool& out) {
    const auto found = find(section, key);
    if (found.variable && (*found.variable == "true" || *found.variable == "false"))
      out = *found.variable == "true";
    else if (const auto* value = found.node ? found.node->as_boolean() : nullptr;
             value != nullptr && !found.variable)
      out = value->get();
    else if (found.variable || found.node)
      refuse(section, key, "must be true or false");
  }

  void list(std::string_view section, std::string_view key, std::vector<std::string>& out) {
    const auto found = find(section, key);
    if (found.variable) {
      std::istringstream words{*found.variable};
      out.clear();
      for (std::string word; std::getline(words, word, ',');) out.push_back(word);
      return;
    }
    if (found.node == nullptr) return;
    const auto* array = found.node->as_array();
    std::vector<std::string> values;
    bool good = array != nullptr;
    if (good) {
      for (const auto& entry : *array) {
        const auto value = entry.value_exact<std::string>();
        good = good && value.has_value();
        values.push_back(value.value_or(""));
      }
    }
    if (good)
      out = std::move(values);
    else
      refuse(section, key, "must be a list of texts in quotes");
  }

  void endpoint(std::string_view section, std::string_view key, Endpoint& out) {
    std::string written;
    if (!text(section, key, written)) return;
    if (const auto read = endpoint_of(written, folder()))
      out = *read;
    else
      refuse(section, key, "must be an address and a port, or unix: and a path");
  }

  void path(std::string_view section, std::string_view key, std::filesystem::path& out) {
    std::string written{out.string()};
    if (text(section, key, written) && written.empty()) refuse(section, key, "is empty");
    out = (folder() / written).lexically_normal();
  }

  std::optional<Tls> tls(std::string_view section) {
    const bool certificate = present(section, "tls_certificate");
    const bool key = present(section, "tls_key");
    if (!certificate && !key) return std::nullopt;
    if (certificate != key) {
      refuse(section, certificate ? "tls_certificate" : "tls_key",
             std::string{"needs "} + (certificate ? "tls_key" : "tls_certificate") + " beside it");
      return std::nullopt;
    }
    Tls out;
    path(section, "tls_certificate", out.certificate);
    path(section, "tls_key", out.key);
    return out;
  }

  void database(std::string_view key, bool required, std::string& out) {
    if (required)
      required_text("database", key, out);
    else
      text("database", key, out);
    if (holds_password(out))
      refuse(
          "database", key, "holds a password",
          "use a UNIX socket with peer authentication, or passfile=/path/to/pgpass with mode 0600");
  }

  // The value is not quoted: it may be a secret in the wrong place.
  void refuse(std::string_view section, std::string_view key, std::string what,
              std::string suggestion = {}) {
    if (suggestion.empty())
      suggestion = "for example " + std::string{find_known(section, key).example};
    const auto found = find(section, key);
    if (found.variable)
      mistakes_.push_back({"environment", 0, 0, variable(section, key) + " " + what, suggestion});
    else
      mistakes_.push_back({file_.string(), line_of(found.node), column_of(found.node),
                           in_quotes(key) + " in [" + std::string{section} + "] " + what,
                           suggestion});
  }

  bool present(std::string_view section, std::string_view key) const {
    const auto found = find(section, key);
    return found.variable != nullptr || found.node != nullptr;
  }

  std::vector<Mistake> take_mistakes() {
    const auto place = [](const Mistake& mistake) {
      return std::tuple{mistake.file == "environment", mistake.line, mistake.column};
    };
    std::stable_sort(mistakes_.begin(), mistakes_.end(), [&](const auto& left, const auto& right) {
      return place(left) < place(right);
    });
    return std::move(mistakes_);
  }

 private:
  struct Found {
    const std::string* variable = nullptr;  // wins over the file
    const toml::node* node = nullptr;
  };

  Found find(std::string_view section, std::string_view key) const {
    const auto entry = overrides_.find(variable(section, key));
    if (entry != overrides_.end()) return {&entry->second, nullptr};
    return {nullptr, root_[section][key].node()};
  }

  static std::vector<std::string_view> keys_of(std::string_view section) {
    std::vector<std::string_view> keys;
    for (const auto& row : known)
      if (row.section == section) keys.push_back(row.key);
    return keys;
  }

  static std::uint32_t line_of(const toml::node* node) {
    return node ? node->source().begin.line : 0;
  }
  static std::uint32_t column_of(const toml::node* node) {
    return node ? node->source().begin.column : 0;
  }

  void note(const toml::source_region& source, std::string what, std::string suggestion) {
    mistakes_.push_back({file_.string(), source.begin.line, source.begin.column, std::move(what),
                         std::move(suggestion)});
  }

  const toml::table& root_;
  std::filesystem::path file_;
  const Environment& overrides_;
  std::vector<Mistake> mistakes_;
};

void read_deployment(Reader& reader, Deployment& out) {
  reader.required_text("deployment", "name", out.name);
  if (!out.name.empty() && !is_name(out.name, "-"))
    reader.refuse("deployment", "name",
                  "must be at most 64 lower-case letters, digits and hyphens");

  std::string key;
  reader.required_text("deployment", "root_public_key", key);
  if (const auto bytes = crypto::from_hex_exact<32>(key))
    out.root_public_key = *bytes;
  else if (!key.empty())
    reader.refuse("deployment", "root_public_key", "must be 64 hexadecimal digits",
                  "copy it from the enrolment sheet or from the output of `ishara init`");

  std::string custody;
  reader.required_text("deployment", "custody", custody);
  if (custody == "own")
    out.custody = Custody::own;
  else if (!custody.empty() && custody != "demo")
    reader.refuse("deployment", "custody", "must be \"demo\" or \"own\"");

  out.languages = {"en"};
  reader.list("deployment", "languages", out.languages);
  if (out.languages.empty())
    reader.refuse("deployment", "languages", "must name at least one language");
  for (const auto& language : out.languages)
    if (language.size() < 2 || !is_name(language, "-"))
      reader.refuse("deployment", "languages",
                    "holds an entry that is no language tag in lower case");
  reader.boolean("deployment", "allow_unreviewed", out.allow_unreviewed);
}

void read_gateway(Reader& reader, Gateway& out) {
  reader.endpoint("gateway", "listen", out.listen);
  if (reader.present("gateway", "private_listen")) {
    out.private_listen.emplace();
    reader.endpoint("gateway", "private_listen", *out.private_listen);
  }
  out.tls = reader.tls("gateway");
  constexpr std::uint32_t mebi = 1024 * 1024;
  reader.number("gateway", "max_head", out.limits.max_head, 1024, mebi);
  reader.number("gateway", "max_body", out.limits.max_body, 1024, 16 * mebi);
  reader.number("gateway", "connections", out.limits.connections, 1, 1'000'000);
  reader.number("gateway", "requests_per_connection", out.limits.requests_per_connection, 1,
                1'000'000'000);
  reader.number("gateway", "head_seconds", out.limits.head_seconds, 1, 300);
  reader.number("gateway", "body_seconds", out.limits.body_seconds, 1, 300);
  reader.number("gateway", "idle_seconds", out.limits.idle_seconds, 1, 3600);
  reader.number("gateway", "write_seconds", out.limits.write_seconds, 1, 300);
  reader.number("gateway", "spool_mebibytes", out.spool_mebibytes, 1, mebi);
}

void read_relay(Reader& reader, Relay& out) {
  out.socket = "state/relay.sock";
  reader.path("relay", "socket", out.socket);
  std::vector<std::string> users;
  reader.list("relay", "users", users);
  for (const auto& user : users) {
    if (const auto id = number_of(user)) {
      out.users.push_back(*id);
    } else if (const auto* entry = ::getpwnam(user.c_str())) {
      out.users.push_back(entry->pw_uid);
    } else {
      reader.refuse("relay", "users", "names a user whom this machine does not have");
    }
  }
  reader.boolean("relay", "thread_by_number", out.thread_by_number);
}

void read_desk(Reader& reader, Desk& out) {
  reader.endpoint("desk", "listen", out.listen);
  out.tls = reader.tls("desk");
  reader.number("desk", "closed_days", out.closed_days, 30, 730);
  std::vector<std::string> proxies;
  reader.list("desk", "proxies", proxies);
  for (const auto& proxy : proxies) {
    if (const auto address = ip_address_of(proxy))
      out.proxies.push_back(*address);
    else
      reader.refuse("desk", "proxies", "holds an entry that is no IP address");
  }
}

}  // namespace

bool Endpoint::is_local() const noexcept {
  return is_socket() || host.starts_with("127.") || host == "::1";
}

std::string to_string(const Mistake& mistake) {
  auto place = mistake.file;
  if (mistake.line > 0)
    place += ":" + std::to_string(mistake.line) + ":" + std::to_string(mistake.column);
  return place + ": " + mistake.what +
         (mistake.suggestion.empty() ? "" : "; " + mistake.suggestion);
}

std::string describe_keys() {
  std::string out;
  std::string_view section;
  for (const auto& row : known) {
    if (row.section != section) out += "  [" + std::string{row.section} + "]\n";
    section = row.section;
    const std::string line = "    " + std::string{row.example};
    out += line + std::string(line.size() < 58 ? 58 - line.size() : 1, ' ') +
           std::string{row.meaning} + "\n";
  }
  return out;
}

Environment environment() {
  Environment out;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line{*entry};
    const auto equals = line.find('=');
    if (line.starts_with("ISHARA_") && equals != line.npos)
      out.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return out;
}

Loaded parse(std::string_view text, const std::filesystem::path& file,
             const Environment& overrides) {
  toml::table root;
  try {
    root = toml::parse(text, file.string());
  } catch (const toml::parse_error& error) {
    // toml++'s own words quote the line, which may hold a secret in the wrong place.
    const auto at = error.source().begin;
    return {std::nullopt,
            {{file.string(), at.line, at.column, "this is not TOML from here on",
              "check quotes, brackets and = around this place, and that no key stands twice"}}};
  }
  Reader reader{root, file, overrides};
  reader.refuse_unknown();

  Config out;
  out.file = file;
  read_deployment(reader, out.deployment);
  read_gateway(reader, out.gateway);
  read_relay(reader, out.relay);
  read_desk(reader, out.desk);
  reader.database("gateway_url", true, out.database.gateway_url);
  reader.database("relay_url", true, out.database.relay_url);
  reader.database("desk_url", true, out.database.desk_url);
  reader.database("owner_url", false, out.database.owner_url);
  reader.database("backup_url", false, out.database.backup_url);
  if (std::string key; reader.text("backup", "public_key", key)) {
    out.backup.public_key = crypto::from_hex_exact<32>(key);
    if (!out.backup.public_key)
      reader.refuse("backup", "public_key", "must be 64 hexadecimal digits");
  }
  out.paths = {"keys", {}, "channels", "sending", "packs", "state", "epochs", {}};
  reader.path("paths", "keys", out.paths.keys);
  out.paths.relay_keys = out.paths.keys;
  reader.path("paths", "relay_keys", out.paths.relay_keys);
  reader.path("paths", "channels", out.paths.channels);
  reader.path("paths", "sending", out.paths.sending);
  reader.path("paths", "packs", out.paths.packs);
  reader.path("paths", "state", out.paths.state);
  reader.path("paths", "epochs", out.paths.epochs);
  out.paths.spool = out.paths.state / "spool";
  reader.path("paths", "spool", out.paths.spool);

  auto mistakes = reader.take_mistakes();
  if (!mistakes.empty()) return {std::nullopt, std::move(mistakes)};
  return {std::move(out), {}};
}

Loaded load(const std::filesystem::path& file, const Environment& overrides) {
  std::ifstream stream{file, std::ios::binary};
  std::string text(file_limit + 1, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad())
    return {std::nullopt,
            {{file.string(), 0, 0, "the configuration file cannot be read",
              "name one with --config or ISHARA_CONFIG, or make one with `ishara init`"}}};
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > file_limit)
    return {std::nullopt,
            {{file.string(), 0, 0, "the file is larger than 1 MiB", "is it the right file?"}}};
  return parse(text, file, overrides);
}

}  // namespace ishara::config
