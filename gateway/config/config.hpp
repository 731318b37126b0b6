#pragma once
// The configuration of one deployment: one TOML file, overridden key by key from the environment
// (ISHARA_<SECTION>_<KEY>, for example ISHARA_GATEWAY_LISTEN; lists separated by commas).
//
// It is read once at start and never changes; any thread may read it. It holds no secret: those are
// files (key_file.hpp, channels.hpp) or libpq's password file, and a password in it is a mistake.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/ip_address.hpp"
#include "gateway/crypto/primitives.hpp"

namespace ishara::config {

// Who held the root and organisation keys when they were made.
enum class Custody : std::uint8_t {
  demo,  // one machine, one person: for trying out, refused by `ishara doctor`
  own,   // made by the people who hold them, away from the servers: `ishara key`
};

struct Deployment {
  std::string name;  // for people
  crypto::PublicKey root_public_key{};
  Custody custody = Custody::demo;
  std::vector<std::string> languages;  // of the packs offered to reporters, the default first
  bool allow_unreviewed = false;       // also packs that no native speaker has read; never for real
                                       // reports
};

// Where a server listens: a host and port, or a UNIX socket.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;        // 0: any free one (tests)
  std::filesystem::path socket;  // not empty: a UNIX socket, and no host

  bool is_socket() const noexcept { return !socket.empty(); }
  // Only this machine can reach it.
  bool is_local() const noexcept;
};

struct Tls {
  std::filesystem::path certificate;  // PEM, the whole chain
  std::filesystem::path key;          // PEM, mode 0600
};

// Of the listeners; http::Limits says the same to the server.
struct Limits {
  std::uint32_t max_head = 8 * 1024;   // bytes of request line and fields
  std::uint32_t max_body = 64 * 1024;  // bytes
  std::uint32_t connections = 10'000;
  std::uint32_t requests_per_connection = 10'000;
  std::uint32_t head_seconds = 10;   // from the first byte of a request to the end of its head
  std::uint32_t body_seconds = 10;   // from there to the end of the body
  std::uint32_t write_seconds = 10;  // for one answer
  std::uint32_t idle_seconds = 75;   // between two requests of a connection
};

struct Gateway {
  Endpoint listen{"127.0.0.1", 8080, {}};
  std::optional<Endpoint> private_listen;  // metrics and health; never reachable from outside
  std::optional<Tls> tls;
  Limits limits;
  std::uint32_t spool_mebibytes = 256;  // that texts may take while the database is away
};

struct Desk {
  Endpoint listen{"127.0.0.1", 8082, {}};
  std::optional<Tls> tls;
  std::uint32_t closed_days = 180;  // that a closed report is kept before it is deleted
  std::vector<IpAddress> proxies;   // whose X-Forwarded-For is believed
};

// The relay has no listener but this socket, over which gateways ask it.
struct Relay {
  std::filesystem::path socket;
  std::vector<std::uint32_t> users;  // uids that may connect; empty: the relay's own
  // Whether a text joins the open report of its number. Off (strict mode): nobody can ask about a
  // number at all, and each sitting without a ref is a new report.
  bool thread_by_number = true;
};

// libpq connection strings (key=value words or postgresql:// URIs), one for each database role.
struct Database {
  std::string gateway_url;
  std::string relay_url;
  std::string desk_url;
  std::string owner_url;   // migrations only; empty for a running service
  std::string backup_url;  // making backups only; empty for a running service
};

struct Backup {
  std::optional<crypto::PublicKey> public_key;  // to which backups are sealed; none: there are none
};

// Absolute, or as given relative to the folder of the configuration file.
struct Paths {
  std::filesystem::path keys;
  std::filesystem::path relay_keys;  // of the relay, which may be another user; else the same
  std::filesystem::path channels;
  std::filesystem::path sending;
  std::filesystem::path packs;
  std::filesystem::path state;   // folder where each service notes what it has seen
  std::filesystem::path epochs;  // folder of the relay's epoch keys, never backed up
  std::filesystem::path spool;   // folder of texts that wait for the database, never backed up
};

struct Config {
  std::filesystem::path file;
  Deployment deployment;
  Gateway gateway;
  Relay relay;
  Desk desk;
  Database database;
  Backup backup;
  Paths paths;
};

// One mistake, for the person who wrote the file.
struct Mistake {
  std::string file;        // or "environment"
  std::uint32_t line = 0;  // 1-based; 0: the file as a whole
  std::uint32_t column = 0;
  std::string what;
  std::string suggestion;  // what to do about it
};
// "file:line:column: what; suggestion"
std::string to_string(const Mistake& mistake);

// Either a configuration or all mistakes at once, in the order of the file.
struct Loaded {
  std::optional<Config> config;
  std::vector<Mistake> mistakes;
};

// Every key that a file may hold, with an example and its meaning, for people.
std::string describe_keys();

using Environment = std::map<std::string, std::string>;
// The variables of this process that begin with ISHARA_.
Environment environment();

Loaded load(const std::filesystem::path& file, const Environment& overrides);
// The same for text already read; `file` names it in mistakes and is the base of relative paths.
Loaded parse(std::string_view toml, const std::filesystem::path& file,
             const Environment& overrides);

}  // namespace ishara::config
