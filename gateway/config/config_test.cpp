#include "gateway/config/config.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace ishara::config {
namespace {

const std::string key(64, 'a');
const std::string least =
    "[deployment]\nname = \"pilot\"\nroot_public_key = \"" + key +
    "\"\ncustody = \"own\"\n"
    "[database]\ngateway_url = \"dbname=a\"\nrelay_url = \"dbname=r\"\ndesk_url = \"dbname=b\"\n";

std::vector<std::string> mistakes(const std::string& toml, const Environment& overrides = {}) {
  std::vector<std::string> out;
  for (const auto& mistake : parse(toml, "/etc/x/ishara.toml", overrides).mistakes)
    out.push_back(to_string(mistake));
  return out;
}

}  // namespace

TEST_CASE("a short file is enough, and the rest has defaults beside it") {
  const auto loaded = parse(least, "/etc/x/ishara.toml", {});
  REQUIRE(loaded.mistakes.empty());
  REQUIRE(loaded.config);
  const auto& config = *loaded.config;
  CHECK(config.deployment.name == "pilot");
  CHECK(config.deployment.root_public_key[31] == 0xaa);
  CHECK(config.deployment.custody == Custody::own);
  CHECK(config.deployment.languages == std::vector<std::string>{"en"});
  CHECK_FALSE(config.deployment.allow_unreviewed);
  CHECK(config.gateway.listen.host == "127.0.0.1");
  CHECK(config.gateway.limits.max_body == 65536);
  CHECK_FALSE(config.gateway.private_listen);
  CHECK(config.paths.keys == "/etc/x/keys");
  CHECK(config.paths.spool == "/etc/x/state/spool");
  CHECK(config.gateway.spool_mebibytes == 256);
  CHECK(config.desk.closed_days == 180);
  CHECK(config.desk.proxies.empty());
}

TEST_CASE("a file with every key is read as it is written") {
  const auto loaded =
      parse("[deployment]\nname = \"pilot\"\nroot_public_key = \"" + key +
                "\"\ncustody = \"demo\"\nlanguages = [\"en\", \"rw\"]\n"
                "allow_unreviewed = true\n"
                "[gateway]\nlisten = \"0.0.0.0:443\"\nprivate_listen = \"unix:run/private.sock\"\n"
                "tls_certificate = \"tls/chain.pem\"\ntls_key = \"/secret/key.pem\"\n"
                "max_head = 8192\nmax_body = 32768\nconnections = 5\nrequests_per_connection = 6\n"
                "head_seconds = 7\nbody_seconds = 8\nidle_seconds = 9\nwrite_seconds = 10\n"
                "spool_mebibytes = 11\n"
                "[desk]\nlisten = \"[::1]:0\"\ntls_certificate = \"d.pem\"\ntls_key = \"k.pem\"\n"
                "closed_days = 31\nproxies = [\"192.0.2.7\", \"::1\"]\n"
                "[database]\ngateway_url = \"postgresql://gateway@/ishara?host=/run\"\n"
                "relay_url = \"r\"\ndesk_url = \"b\"\nowner_url = \"c\"\n"
                "backup_url = \"u\"\n[backup]\npublic_key = \"" +
                key +
                "\"\n"
                "[relay]\nsocket = \"run/relay\"\nusers = [\"0\", \"root\"]\n"
                "thread_by_number = false\n"
                "[paths]\nkeys = \"/k\"\nchannels = \"c\"\nsending = \"s\"\npacks = "
                "\"p\"\nstate = \"n\"\nepochs = \"e\"\nspool = \"w\"\n",
            "/etc/x/ishara.toml", {});
  REQUIRE(loaded.mistakes.empty());
  const auto& config = *loaded.config;
  CHECK(config.deployment.languages == std::vector<std::string>{"en", "rw"});
  CHECK(config.deployment.allow_unreviewed);
  CHECK_FALSE(config.gateway.listen.is_local());
  CHECK(config.gateway.listen.port == 443);
  CHECK(config.gateway.private_listen->socket == "/etc/x/run/private.sock");
  CHECK(config.gateway.private_listen->is_local());
  CHECK(config.gateway.tls->certificate == "/etc/x/tls/chain.pem");
  CHECK(config.gateway.tls->key == "/secret/key.pem");
  CHECK(config.gateway.limits.write_seconds == 10);
  CHECK(config.desk.listen.host == "::1");
  CHECK(config.desk.listen.is_local());
  CHECK(config.database.owner_url == "c");
  CHECK(config.database.backup_url == "u");
  CHECK(config.backup.public_key.value()[31] == 0xaa);
  CHECK(config.paths.state == "/etc/x/n");
  CHECK(config.paths.epochs == "/etc/x/e");
  CHECK(config.paths.spool == "/etc/x/w");
  CHECK(config.gateway.spool_mebibytes == 11);
  CHECK(config.desk.closed_days == 31);
  CHECK(config.desk.proxies == std::vector{*ip_address_of("192.0.2.7"), *ip_address_of("::1")});
  CHECK(config.database.relay_url == "r");
  CHECK(config.relay.socket == "/etc/x/run/relay");
  CHECK(config.relay.users == std::vector<std::uint32_t>{0, 0});
  CHECK_FALSE(config.relay.thread_by_number);
}

TEST_CASE("all mistakes are reported at once, each with its place and what to do") {
  const auto found = mistakes(
      "[deployment]\nnmae = \"pilot\"\ncustody = \"nobody\"\n"
      "[gateway]\nlisten = \"everywhere\"\nmax_body = \"big\"\ntls_key = \"k\"\n"
      "[database]\ngateway_url = 5\nrelay_url = \"\"\ndesk_url = "
      "\"postgres://u:hunter2@db/x\"\n[dsek]\n");
  const std::string file = "/etc/x/ishara.toml:";
  const std::vector<std::string> expected{
      file + "1:1: missing key 'name' in [deployment]; add name = \"pilot\"",
      file +
          "1:1: missing key 'root_public_key' in [deployment]; add root_public_key = \"<64 "
          "hexadecimal digits>\"",
      file + "2:1: unknown key 'nmae' in [deployment]; did you mean 'name'?",
      file +
          "3:11: 'custody' in [deployment] must be \"demo\" or \"own\"; for example custody "
          "= \"own\"",
      file +
          "5:10: 'listen' in [gateway] must be an address and a port, or unix: and a path; for "
          "example listen = \"127.0.0.1:8080\"",
      file +
          "6:12: 'max_body' in [gateway] must be a whole number from 1024 to 16777216; for "
          "example max_body = 65536",
      file +
          "7:11: 'tls_key' in [gateway] needs tls_certificate beside it; for example tls_key = "
          "\"tls/key.pem\"",
      file +
          "9:15: 'gateway_url' in [database] must be a text in quotes; for example gateway_url = "
          "\"host=/run/postgresql dbname=ishara\"",
      file +
          "10:13: 'relay_url' in [database] is empty; for example relay_url = "
          "\"host=/run/postgresql dbname=ishara\"",
      file +
          "11:12: 'desk_url' in [database] holds a password; use a UNIX socket with peer "
          "authentication, or passfile=/path/to/pgpass with mode 0600",
      file + "12:2: unknown section or key 'dsek'; did you mean 'desk'?",
  };
  CHECK(found.size() == expected.size());
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i)
    CHECK(found[i] == expected[i]);
}

TEST_CASE("a proxy of the desk is an address: neither a name nor a network") {
  for (const auto* bad : {"proxy.example", "192.0.2.0/24", "192.0.2.7:80", ""}) {
    CAPTURE(bad);
    const auto found = mistakes(least + "[desk]\nproxies = [\"" + bad + "\"]\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("holds an entry that is no IP address") != std::string::npos);
  }
  CHECK(mistakes(least, {{"ISHARA_DESK_PROXIES", "192.0.2.7,::1"}}).empty());
}

TEST_CASE("a backup key that is none is refused without being quoted") {
  const auto found = mistakes(least + "[backup]\npublic_key = \"c0ffee\"\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].find("must be 64 hexadecimal digits") != std::string::npos);
  CHECK(found[0].find("c0ffee") == std::string::npos);
}

TEST_CASE("the relay's users are of this machine, and its switch is true or false") {
  const auto found = mistakes(least +
                              "[relay]\nusers = [\"nobody-like-this\"]\n"
                              "thread_by_number = \"off\"\n");
  REQUIRE(found.size() == 2);
  CHECK(found[0].find("names a user whom this machine does not have") != std::string::npos);
  CHECK(found[1].find("must be true or false") != std::string::npos);
  const auto loaded =
      parse(least, "/etc/x/ishara.toml", {{"ISHARA_RELAY_THREAD_BY_NUMBER", "false"}});
  REQUIRE(loaded.config.has_value());
  CHECK_FALSE(loaded.config->relay.thread_by_number);
  CHECK(loaded.config->relay.socket == "/etc/x/state/relay.sock");
  CHECK(loaded.config->relay.users.empty());
}

TEST_CASE("a closed report is kept for 30 to 730 days") {
  for (const char* days : {"30", "730"}) {
    CAPTURE(days);
    CHECK(mistakes(least + "[desk]\nclosed_days = " + days + "\n").empty());
  }
  for (const char* days : {"29", "731", "-1"}) {
    CAPTURE(days);
    CHECK(mistakes(least + "[desk]\nclosed_days = " + days + "\n").size() == 1);
  }
}

TEST_CASE("a file that is not TOML is refused with its place and without quoting it") {
  const auto found = mistakes("[deployment]\nname = \"pilot\nsecret\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("/etc/x/ishara.toml:2:"));
  CHECK(found[0].find("pilot") == std::string::npos);
}

TEST_CASE("the environment overrides the file, and its mistakes are told apart") {
  const auto loaded = parse(least, "/etc/x/ishara.toml",
                            {{"ISHARA_GATEWAY_LISTEN", "127.0.0.1:9"},
                             {"ISHARA_GATEWAY_CONNECTIONS", "77"},
                             {"ISHARA_DEPLOYMENT_LANGUAGES", "en,rw"},
                             {"ISHARA_CONFIG", "x"}});
  REQUIRE(loaded.mistakes.empty());
  CHECK(loaded.config->gateway.listen.port == 9);
  CHECK(loaded.config->gateway.limits.connections == 77);
  CHECK(loaded.config->deployment.languages == std::vector<std::string>{"en", "rw"});

  CHECK(
      mistakes(least, {{"ISHARA_GATEWAY_CONNECTIONS", "0"}, {"ISHARA_DESK_LITSEN", "x"}}) ==
      std::vector<std::string>{
          "environment: unknown variable 'ISHARA_DESK_LITSEN'; did you mean 'ISHARA_DESK_LISTEN'?",
          "environment: ISHARA_GATEWAY_CONNECTIONS must be a whole number from 1 to 1000000; for "
          "example connections = 10000"});
}

TEST_CASE("an endpoint is an address with a port or a socket, and nothing else") {
  for (const std::string bad : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                                "[127.0.0.1]:80", "localhost:80", "unix:", "127.0.0.1:8o"}) {
    CAPTURE(bad);
    CHECK(mistakes(least + "[desk]\nlisten = \"" + bad + "\"\n").size() == 1);
  }
}

TEST_CASE("a password in a database address is refused in every form") {
  for (const std::string url :
       {"host=x password=y", "password = y", "postgresql://u:p@h/d", "postgres://h/d?password=p"}) {
    CAPTURE(url);
    CHECK(mistakes(least + "owner_url = \"" + url + "\"\n").size() == 1);
  }
  for (const std::string url : {"host=x sslpassword=y passfile=/p", "postgresql://u@h:5432/d"}) {
    CAPTURE(url);
    CHECK(mistakes(least + "owner_url = \"" + url + "\"\n").empty());
  }
}

TEST_CASE("a missing file says how to name one") {
  const auto loaded = load("/nonexistent/ishara.toml", {});
  REQUIRE(loaded.mistakes.size() == 1);
  CHECK(loaded.mistakes[0].suggestion.find("--config") != std::string::npos);
  CHECK_FALSE(load("/", {}).mistakes.empty());
}

}  // namespace ishara::config
