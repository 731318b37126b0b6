#include "gateway/config/channels.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "tests/support/folder.hpp"

namespace ishara::config {
namespace {

constexpr std::array<std::string_view, 2> providers{"kannel", "twilio"};

class ChannelFolder : public tests::Folder {
 public:
  void write(std::string_view name, std::string_view text) const {
    REQUIRE(write_key_file(*this / name, crypto::bytes_of(text)).has_value());
  }
};

std::string hash_text(std::string_view secret) { return crypto::hex(hash_of_secret(secret)); }

std::string channel_text(int number, std::string_view secret, std::string_view more = "") {
  return "number = " + std::to_string(number) +
         "\nprovider = \"kannel\"\ncountry = \"RW\"\nlanguage = \"rw\"\nsecrets = [\"" +
         hash_text(secret) + "\"]\n" + std::string{more};
}

std::vector<std::string> mistakes_of(std::string_view toml, const char* file = "one.toml") {
  std::vector<Mistake> mistakes;
  const auto channel = parse_channel(toml, file, providers, mistakes);
  CHECK(channel.has_value() == mistakes.empty());
  std::vector<std::string> out;
  for (const auto& mistake : mistakes) out.push_back(to_string(mistake));
  return out;
}

}  // namespace

TEST_CASE("a channel file is read whole") {
  std::vector<Mistake> mistakes;
  const auto channel = parse_channel(
      "number = 7\nprovider = \"twilio\"\ncountry = \"KE\"\nlanguage = \"sw\"\nallow_get = true\n"
      "secrets = [\"" +
          hash_text("new") + "\", \"" + hash_text("old") +
          "\"]\n"
          "charset = \"windows-1252\"\nentities = true\nurl = \"https://reports.example\"\n"
          "token = \"tok\"\nsecret = \"sec\"\nsignature = \"sha256\"\naccount = \"AC1\"\n"
          "password = \"pw\"\nsilent_after = \"26h\"\n",
      "channels/nairobi.toml", providers, mistakes);
  REQUIRE(channel.has_value());
  CHECK(mistakes.empty());
  CHECK(channel->number == 7);
  CHECK(channel->name == "nairobi");
  CHECK(channel->provider == "twilio");
  CHECK(channel->language == "sw");
  CHECK(channel->allow_get);
  CHECK(channel->silent_after == std::chrono::hours{26});
  CHECK(channel->secrets == std::vector{hash_of_secret("new"), hash_of_secret("old")});
  CHECK(channel->settings.country == "KE");
  CHECK(channel->settings.charset == i18n::Charset::windows_1252);
  CHECK(channel->settings.entities);
  CHECK(crypto::view(channel->settings.url) == "https://reports.example");
  CHECK(crypto::view(channel->settings.token) == "tok");
  CHECK(crypto::view(channel->settings.secret) == "sec");
  CHECK(crypto::view(channel->settings.password) == "pw");
  CHECK(channel->settings.signature == "sha256");
  CHECK(channel->settings.account == "AC1");
  CHECK(channel->settings.verify);
}

TEST_CASE("all mistakes of a channel file are told at once, with their places") {
  const auto mistakes = mistakes_of(
      "number = 256\n"
      "provider = \"mtn\"\n"
      "country = \"rw\"\n"
      "languge = \"rw\"\n"
      "  charset = \"klingon\"\n"
      "allow_get = \"yes\"\n"
      "secrets = [\"hunter2\"]\n");
  const std::vector<std::string> expected{
      "one.toml:4:1: unknown key 'languge'; choose from number, provider, country, language, "
      "secrets, allow_get, silent_after, charset, entities, url, token, secret, signature, "
      "account, password, "
      "former_token, former_secret",
      "one.toml:1:10: 'number' must be a whole number from 1 to 255; for example number = 1",
      "one.toml:2:12: 'provider' is none that this build offers; choose from kannel, twilio",
      "one.toml: missing key 'language'; for example language = \"rw\"",
      "one.toml:6:13: 'allow_get' must be true or false; for example allow_get = true",
      "one.toml:7:11: 'secrets' holds an entry that is no hash of 64 hexadecimal digits; `ishara "
      "channel add` writes the hash; the secret itself stands nowhere",
      "one.toml:3:11: 'country' is no ISO 3166-1 code in upper case; for example country = \"RW\"",
      "one.toml:5:13: 'charset' is none that Ishara knows; choose from UTF-8, windows-1252, "
      "UTF-16BE, GSM"};
  CHECK(mistakes == expected);
}

TEST_CASE("how long a channel may be silent is a number of whole hours, up to a year") {
  const auto read = [](std::string_view value) {
    std::vector<Mistake> mistakes;
    const auto line = "silent_after = \"" + std::string{value} + "\"\n";
    const auto channel = parse_channel(channel_text(1, "a", line), "one.toml", providers, mistakes);
    CHECK(channel.has_value() == mistakes.empty());
    return channel ? channel->silent_after : std::nullopt;
  };
  CHECK(read("1h") == std::chrono::hours{1});
  CHECK(read("8760h") == std::chrono::hours{8760});
  for (const auto* wrong :
       {"", "h", "0h", "8761h", "99999h", "26", "1d", "-1h", " 1h", "1.5h", "26H"}) {
    CAPTURE(wrong);
    CHECK_FALSE(read(wrong));
  }
}

TEST_CASE("a token or secret that another replaces makes former settings beside the present ones") {
  std::vector<Mistake> mistakes;
  const auto text =
      channel_text(1, "a", "token = \"new\"\nsecret = \"same\"\nformer_token = \"old\"\n");
  const auto channel = parse_channel(text, "one.toml", providers, mistakes);
  REQUIRE(channel.has_value());
  CHECK(crypto::view(channel->settings.token) == "new");
  REQUIRE(channel->former.has_value());
  CHECK(crypto::view(channel->former->token) == "old");
  CHECK(crypto::view(channel->former->secret) == "same");
  CHECK(channel->former->country == channel->settings.country);
  CHECK_FALSE(parse_channel(channel_text(1, "a"), "one.toml", providers, mistakes)->former);
}

TEST_CASE("a key of a channel file is set, added and removed, and all else stays as it was") {
  const std::string_view file =
      "# ours\nnumber = 1 # one\nsecrets = [\"a\",\n  \"b\"] # both\ntoken = \"x\"\n# end\n";
  const auto with = [&](std::string_view key, std::optional<std::string_view> value) {
    return std::string{crypto::view(with_key(file, key, value))};
  };
  CHECK(with("secrets", "[\"c\"]") ==
        "# ours\nnumber = 1 # one\nsecrets = [\"c\"] # both\ntoken = \"x\"\n# end\n");
  CHECK(with("number", "22") ==
        "# ours\nnumber = 22 # one\nsecrets = [\"a\",\n  \"b\"] # both\ntoken = \"x\"\n# end\n");
  CHECK(with("token", std::nullopt) ==
        "# ours\nnumber = 1 # one\nsecrets = [\"a\",\n  \"b\"] # both\n# end\n");
  CHECK(with("secrets", std::nullopt) == "# ours\nnumber = 1 # one\ntoken = \"x\"\n# end\n");
  CHECK(with("url", "\"u\"") == std::string{file} + "url = \"u\"\n");
  CHECK(with("url", std::nullopt) == file);
  CHECK(crypto::view(with_key("a = 1", "a", std::nullopt)) == "");
  CHECK(crypto::view(with_key("a = 1", "a", "2")) == "a = 2");
  CHECK(crypto::view(with_key("a = 1", "b", "2")) == "a = 1\nb = 2\n");
  CHECK(crypto::view(with_key("", "b", "2")) == "b = 2\n");
  CHECK(toml_text("a\"b\\c") == "\"a\\\"b\\\\c\"");
}

TEST_CASE("a channel file that is no TOML is told by its place, without quoting it") {
  const auto mistakes = mistakes_of("number = 1\ntoken = \"hunter2\nprovider = 3\n");
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].starts_with("one.toml:2:"));
  CHECK(mistakes[0].find("hunter2") == std::string::npos);
}

TEST_CASE("a brace outside of quotes, which the reader of TOML cannot bear, is told by its place") {
  const std::string what =
      ": a channel file has no braces outside of quotes; put the whole value into quotes";
  CHECK(mistakes_of("secrets = [}\n") == std::vector<std::string>{"one.toml:1:12" + what});
  CHECK(mistakes_of("a = '{' # {\nb = {c = 1}\n") ==
        std::vector<std::string>{"one.toml:2:5" + what});
  CHECK(mistakes_of("a = \"\\\"}\"\nb = [}") == std::vector<std::string>{"one.toml:2:6" + what});
  CHECK(mistakes_of("a = \'\'\'\n'{'\n\'\'\'\nb = [}") ==
        std::vector<std::string>{"one.toml:4:6" + what});
}

TEST_CASE("a channel file with a letter beyond ASCII is told by its place") {
  CHECK(mistakes_of("number = 1\n  \xC5\xBF") ==
        std::vector<std::string>{
            "one.toml:2:3: a channel file is plain ASCII; write another word, or "
            "\\u and four hexadecimal digits inside quotes"});
}

TEST_CASE("other mistakes in a channel file are told") {
  struct {
    std::string toml;
    std::string part;
  } rows[] = {
      {channel_text(0, "a"), "'number' must be"},
      {channel_text(1, "a", "number = 2\n"), "no key stands twice"},
      {channel_text(1, "a", "url = \"ftp://x\"\n"), "'url' must begin with"},
      {channel_text(1, "a", "signature = \"rot13\"\n"), "'signature' is no method"},
      {channel_text(1, "a", "token = 5\n"), "'token' must be a text"},
      {channel_text(1, "a", "[extra]\nx = 1\n"), "a channel file has no sections"},
      {"", "missing key 'secrets'"},
      {"secrets = []\n", "'secrets' must hold one hash"},
      {"secrets = 5\n", "'secrets' must be a list"},
      {"language = \"\"\n", "'language' is no language tag"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.toml);
    const auto mistakes = mistakes_of(row.toml);
    CHECK(std::ranges::any_of(mistakes,
                              [&](const auto& text) { return text.find(row.part) != text.npos; }));
  }
  CHECK(!mistakes_of(channel_text(1, "a"), "No Name.toml").empty());
}

TEST_CASE("a folder of channels is loaded whole and found by provider and secret") {
  const ChannelFolder folder;
  folder.write("two.toml", channel_text(2, "secret-two"));
  folder.write("one.toml", channel_text(1, "secret-one"));
  folder.write("note.txt", "not a channel");
  const auto loaded = load_channels(folder.path(), providers);
  REQUIRE(loaded.mistakes.empty());
  REQUIRE(loaded.channels.all().size() == 2);
  CHECK(loaded.channels.all()[0].name == "one");
  CHECK(loaded.channels.find("kannel", "secret-two") == loaded.channels.named("two"));
  CHECK(loaded.channels.find("twilio", "secret-two") == nullptr);
  CHECK(loaded.channels.find("kannel", "secret-three") == nullptr);
  CHECK(loaded.channels.find("kannel", "") == nullptr);
  CHECK(loaded.channels.named("three") == nullptr);
}

TEST_CASE("a folder that does not exist holds no channels") {
  const auto loaded = load_channels("/nonexistent/channels", providers);
  CHECK(loaded.mistakes.empty());
  CHECK(loaded.channels.all().empty());
}

TEST_CASE("mistakes of all files of a folder are told at once, and nothing is loaded") {
  const ChannelFolder folder;
  folder.write("a.toml", channel_text(1, "same"));
  folder.write("b.toml", channel_text(1, "same"));
  folder.write("c.toml", "number = 300\n");
  folder.write("open.toml", channel_text(4, "d"));
  REQUIRE(::chmod((folder / "open.toml").c_str(), 0644) == 0);
  std::filesystem::create_symlink(folder / "a.toml", folder / "z.toml");
  const auto loaded = load_channels(folder.path(), providers);
  CHECK(loaded.channels.all().empty());
  std::string all;
  for (const auto& mistake : loaded.mistakes) all += to_string(mistake) + "\n";
  CAPTURE(all);
  CHECK(all.find("b.toml: has the number of channel 'a'") != all.npos);
  CHECK(all.find("b.toml: has a path secret of channel 'a'") != all.npos);
  CHECK(all.find("c.toml:1:10: 'number'") != all.npos);
  CHECK(all.find("open.toml: the file is open to others") != all.npos);
  CHECK(all.find("z.toml: the path is not an ordinary file") != all.npos);
}

namespace {

constexpr std::array<std::string_view, 3> kannel_needs{"account", "password", "origin"};
constexpr std::array<SendingProvider, 2> sending_providers{SendingProvider{"kannel", kannel_needs},
                                                           SendingProvider{"twilio", {}}};

std::vector<std::string> sending_mistakes_of(std::string_view toml) {
  std::vector<Mistake> mistakes;
  const auto channel = parse_sending_channel(toml, "one.toml", sending_providers, mistakes);
  CHECK(channel.has_value() == mistakes.empty());
  std::vector<std::string> out;
  for (const auto& mistake : mistakes) out.push_back(to_string(mistake));
  return out;
}

constexpr std::string_view sending_text =
    "number = 7\nprovider = \"kannel\"\naccount = \"ishara\"\npassword = \"pw\"\n"
    "origin = \"http://127.0.0.1:13013\"\n";

}  // namespace

TEST_CASE("a file for sending is read whole") {
  std::vector<Mistake> mistakes;
  const auto channel = parse_sending_channel(
      std::string{sending_text} +
          "token = \"tok\"\nfrom = \"2020\"\nper_second = 3\nutc_offset = \"-03:30\"\n"
          "delivery_url = \"https://reports.example/in/kannel/x/dlr\"\n",
      "sending/kigali.toml", sending_providers, mistakes);
  REQUIRE(channel.has_value());
  CHECK(channel->number == 7);
  CHECK(channel->name == "kigali");
  CHECK(channel->provider == "kannel");
  CHECK(channel->per_second == 3);
  CHECK(channel->utc_offset == -std::chrono::minutes{210});
  CHECK(crypto::view(channel->settings.account) == "ishara");
  CHECK(crypto::view(channel->settings.token) == "tok");
  CHECK(crypto::view(channel->settings.password) == "pw");
  CHECK(channel->settings.from == "2020");
  CHECK(channel->settings.origin == "http://127.0.0.1:13013");
  CHECK(crypto::view(channel->settings.delivery_url) == "https://reports.example/in/kannel/x/dlr");
}

TEST_CASE("a file for sending that names no more than it must has safe values for the rest") {
  std::vector<Mistake> mistakes;
  const auto channel = parse_sending_channel(sending_text, "a.toml", sending_providers, mistakes);
  REQUIRE(channel.has_value());
  CHECK(channel->per_second == 10);
  CHECK(!channel->utc_offset.has_value());
  CHECK(channel->settings.delivery_url.empty());
}

TEST_CASE("all mistakes of a file for sending are told at once, with their places") {
  const std::vector<std::string> expected{
      "one.toml:3:1: unknown key 'secrets'; choose from number, provider, account, token, "
      "password, "
      "from, origin, delivery_url, per_second, utc_offset",
      "one.toml:1:10: 'number' must be a whole number from 1 to 255; for example number = 1",
      "one.toml:7:8: 'from' is no short code, number or registered sender; for example from = "
      "\"2020\"",
      "one.toml:4:10: 'origin' must be https://host[:port], or http:// to this machine; for "
      "example "
      "origin = \"http://127.0.0.1:13013\"",
      "one.toml:5:14: 'per_second' must be a whole number from 1 to 1000; for example per_second = "
      "10",
      "one.toml:6:14: 'utc_offset' must be hours and minutes from UTC; for example utc_offset = "
      "\"+02:00\"",
      "one.toml: missing key 'account'; for example account = \"<the provider's id of the account, "
      "or its user>\"",
      "one.toml: missing key 'password'; for example password = \"<the provider's password>\""};
  CHECK(sending_mistakes_of("number = 0\nprovider = \"kannel\"\nsecrets = []\n"
                            "origin = \"http://kannel.example:13013\"\nper_second = 0\n"
                            "utc_offset = \"2 hours\"\nfrom = \"\"\n") == expected);
}

TEST_CASE("a send API is reached over TLS, or on this machine") {
  struct {
    std::string_view origin;
    bool good;
  } const rows[] = {
      {"https://api.example", true},
      {"https://api.example:8443/", true},
      {"http://localhost:13013", true},
      {"http://[::1]:13013", true},
      {"http://127.0.0.1", true},
      {"http://127.0.0.1.example", false},
      {"http://localhost.example:80", false},
      {"http://10.0.0.1:13013", false},
      {"https://", false},
      {"https://api.example/path", false},
      {"https://user@api.example", false},
      {"ftp://api.example", false},
      {"", false},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string{row.origin});
    const auto mistakes = sending_mistakes_of("number = 1\nprovider = \"twilio\"\norigin = \"" +
                                              std::string{row.origin} + "\"\n");
    CHECK(mistakes.empty() == row.good);
  }
}

TEST_CASE("offsets from UTC are hours and minutes that exist") {
  for (const auto* wrong : {"+2:00", "02:00", "+02:60", "+15:00", "+aa:00", "+02-00", "Z", ""}) {
    CAPTURE(std::string{wrong});
    CHECK(sending_mistakes_of(std::string{sending_text} + "utc_offset = \"" + wrong + "\"\n")
              .size() == 1);
  }
}

TEST_CASE("a control character in a credential is refused before it can end a header line") {
  const auto mistakes =
      sending_mistakes_of("number = 1\nprovider = \"twilio\"\ntoken = \"hunter2\\r\\nX: y\"\n");
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].find("'token' must be of printable characters") != std::string::npos);
  CHECK(mistakes[0].find("hunter2") == std::string::npos);
}

TEST_CASE("a folder of files for sending is loaded whole, found by number, or not at all") {
  const ChannelFolder folder;
  folder.write("two.toml", sending_text);
  auto loaded = load_sending_channels(folder.path(), sending_providers);
  CHECK(loaded.mistakes.empty());
  REQUIRE(loaded.channels.find(7) != nullptr);
  CHECK(loaded.channels.find(7)->name == "two");
  CHECK(loaded.channels.find(8) == nullptr);

  folder.write("three.toml", sending_text);
  loaded = load_sending_channels(folder.path(), sending_providers);
  REQUIRE(loaded.mistakes.size() == 1);
  CHECK(loaded.mistakes[0].what == "has the number of channel 'three'");
  CHECK(loaded.channels.all().empty());
  CHECK(load_sending_channels(folder / "absent", sending_providers).mistakes.empty());
}

TEST_CASE("a file for sending that others may read is refused") {
  const ChannelFolder folder;
  folder.write("two.toml", sending_text);
  REQUIRE(::chmod((folder / "two.toml").c_str(), 0644) == 0);
  const auto loaded = load_sending_channels(folder.path(), sending_providers);
  REQUIRE(loaded.mistakes.size() == 1);
  CHECK(loaded.mistakes[0].suggestion.find("chmod 600") != std::string::npos);
}

}  // namespace ishara::config
