#include "gateway/config/channels.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::config {
namespace {

constexpr std::array<std::string_view, 2> providers{"kannel", "twilio"};

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "ishara-chan-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  void write(std::string_view name, std::string_view text) const {
    REQUIRE(write_key_file(path_ / name, crypto::bytes_of(text)).has_value());
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
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
          "password = \"pw\"\n",
      "channels/nairobi.toml", providers, mistakes);
  REQUIRE(channel.has_value());
  CHECK(mistakes.empty());
  CHECK(channel->number == 7);
  CHECK(channel->name == "nairobi");
  CHECK(channel->provider == "twilio");
  CHECK(channel->language == "sw");
  CHECK(channel->allow_get);
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
      "secrets, allow_get, charset, entities, url, token, secret, signature, account, password",
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

TEST_CASE("a channel file that is no TOML is told by its place, without quoting it") {
  const auto mistakes = mistakes_of("number = 1\ntoken = \"hunter2\nprovider = 3\n");
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].starts_with("one.toml:2:"));
  CHECK(mistakes[0].find("hunter2") == std::string::npos);
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
  const Folder folder;
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
  const Folder folder;
  folder.write("a.toml", channel_text(1, "same"));
  folder.write("b.toml", channel_text(1, "same"));
  folder.write("c.toml", "number = 300\n");
  folder.write("open.toml", channel_text(4, "d"));
  REQUIRE(::chmod((folder.path() / "open.toml").c_str(), 0644) == 0);
  std::filesystem::create_symlink(folder.path() / "a.toml", folder.path() / "z.toml");
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

}  // namespace ishara::config
