#include "gateway/config/channels.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::config {
namespace {

constexpr std::size_t file_limit = 64 * 1024;

struct Known {
  std::string_view key;
  std::string_view example;
};
constexpr std::array known{
    Known{"number", "number = 1"},
    Known{"provider", "provider = \"kannel\""},
    Known{"country", "country = \"RW\""},
    Known{"language", "language = \"rw\""},
    Known{"secrets", "secrets = [\"<64 hexadecimal digits>\"]"},
    Known{"allow_get", "allow_get = true"},
    Known{"silent_after", "silent_after = \"26h\""},
    Known{"charset", "charset = \"UTF-8\""},
    Known{"entities", "entities = true"},
    Known{"url", "url = \"https://reports.example.org\""},
    Known{"token", "token = \"<the provider's auth token>\""},
    Known{"secret", "secret = \"<the signature secret>\""},
    Known{"signature", "signature = \"sha256\""},
    Known{"account", "account = \"<the provider's id of the account>\""},
    Known{"password", "password = \"<the provider's password>\""},
    Known{"former_token", "former_token = \"<the token that another replaces>\""},
    Known{"former_secret", "former_secret = \"<the secret that another replaces>\""},
};

constexpr std::array known_to_send{
    Known{"number", "number = 1"},
    Known{"provider", "provider = \"kannel\""},
    Known{"account", "account = \"<the provider's id of the account, or its user>\""},
    Known{"token", "token = \"<the provider's API key or auth token>\""},
    Known{"password", "password = \"<the provider's password>\""},
    Known{"from", "from = \"2020\""},
    Known{"origin", "origin = \"http://127.0.0.1:13013\""},
    Known{"delivery_url", "delivery_url = \"https://reports.example.org/in/<...>/dlr\""},
    Known{"per_second", "per_second = 10"},
    Known{"utc_offset", "utc_offset = \"+02:00\""},
};

std::string in_quotes(std::string_view word) { return "'" + std::string{word} + "'"; }

// "choose from a, b, c".
template <class Range, class Projection>
std::string choice(const Range& range, Projection projection) {
  std::string out;
  for (const auto& entry : range)
    out += (out.empty() ? "choose from " : ", ") + std::string{std::invoke(projection, entry)};
  return out;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_country(std::string_view text) {
  return text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_language(std::string_view text) {
  return text.size() >= 2 && text.size() <= 35 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-';
         });
}

// Reads one file and notes every mistake on the way. Values are never quoted: any of them may be a
// secret in the wrong place.
class Reader {
 public:
  // `describing` are the keys of the provider `external`.
  Reader(const toml::table& root, std::span<const Known> keys,
         std::span<const ExternalKey> describing, std::string file, std::vector<Mistake>& mistakes)
      : root_{root},
        known_{keys},
        describing_{describing},
        file_{std::move(file)},
        mistakes_{mistakes} {}

  void refuse_unknown(bool is_external) {
    for (const auto& [key, node] : root_) {
      if (std::ranges::find(known_, key.str(), &Known::key) != known_.end()) continue;
      if (std::ranges::find(describing_, key.str(), &ExternalKey::key) == describing_.end())
        note(key.source().begin, "unknown key " + in_quotes(key.str()),
             choice(known_, &Known::key) +
                 (is_external ? "; ops/external.md tells those of a description" : ""));
      else if (!is_external)
        note(key.source().begin, in_quotes(key.str()) + " is a key of the provider external",
             "remove the line, or make it a channel of that provider");
    }
  }

  // The keys that describe an aggregator. `assumed` count as given too.
  template <class Description>
  std::shared_ptr<const Description> description(std::span<const std::string_view> assumed) {
    auto out = std::make_shared<Description>();
    ExternalReader into{*out};
    bool all_read = true;
    for (const auto& one : describing_) {
      if (!root_.contains(one.key)) continue;
      const auto values = texts(one);
      const auto wrong = values ? into.put(one.key, *values) : std::nullopt;
      if (wrong) refuse(one.key, *wrong);
      all_read &= values && !wrong;
    }
    std::vector<std::string_view> given{assumed.begin(), assumed.end()};
    for (const auto& [key, node] : root_) given.push_back(key.str());
    auto wrong = into.read_templates();
    if (wrong.empty() && all_read) wrong = into.between_keys(given);
    for (auto& [key, what] : wrong) refuse(key, std::move(what));
    return out;
  }

  // The value of a key of this type; nothing if the key is absent or, which is noted, of another.
  template <class T>
  std::optional<T> value(std::string_view key, std::string_view must_be) {
    const auto* node = root_.get(key);
    if (node == nullptr) return std::nullopt;
    auto found = node->value_exact<T>();
    if (!found) refuse(key, "must be " + std::string{must_be});
    return found;
  }
  std::optional<std::string> text(std::string_view key) {
    return value<std::string>(key, "a text in quotes");
  }
  void secret(std::string_view key, crypto::WipedBuffer& out) {
    if (const auto found = text(key)) out = crypto::wiped_copy(*found);
  }

  // True if the key is there; else notes that it is missing.
  bool required(std::string_view key) {
    if (root_.contains(key)) return true;
    mistakes_.push_back({file_, 0, 0, "missing key " + in_quotes(key), example_of(key)});
    return false;
  }

  const toml::array* list(std::string_view key) {
    const auto* node = root_.get(key);
    if (node != nullptr && node->as_array() == nullptr)
      refuse(key, "must be a list of texts in quotes");
    return node == nullptr ? nullptr : node->as_array();
  }

  void refuse(std::string_view key, std::string what, std::string suggestion = {}) {
    const auto* node = root_.get(key);
    note(node == nullptr ? toml::source_position{} : node->source().begin,
         in_quotes(key) + " " + std::move(what),
         suggestion.empty() ? example_of(key) : std::move(suggestion));
  }

 private:
  void note(const toml::source_position& at, std::string what, std::string suggestion) {
    mistakes_.push_back({file_, at.line, at.column, std::move(what), std::move(suggestion)});
  }

  std::string example_of(std::string_view key) const {
    const auto found = std::ranges::find(known_, key, &Known::key);
    if (found != known_.end()) return "for example " + std::string{found->example};
    return "for example " +
           std::string{std::ranges::find(describing_, key, &ExternalKey::key)->example};
  }

  // What stands at a key of this shape; nothing, which is noted, if it is of another.
  std::optional<std::vector<std::string>> texts(const ExternalKey& described) {
    using Shape = ExternalKey::Shape;
    const auto& node = *root_.get(described.key);
    std::vector<std::string> out;
    if (described.shape == Shape::number) {
      if (const auto number = value<std::int64_t>(described.key, "a whole number"))
        out.push_back(std::to_string(*number));
    } else if (described.shape == Shape::truth) {
      if (const auto truth = value<bool>(described.key, "true or false"))
        out.emplace_back(*truth ? "true" : "false");
    } else if (described.shape == Shape::list && node.is_array()) {
      for (const auto& entry : *node.as_array()) {
        if (!entry.is_string()) {
          refuse(described.key, "must be a text in quotes, or a list of such");
          return std::nullopt;
        }
        out.push_back(entry.as_string()->get());
      }
      if (out.empty()) refuse(described.key, "is an empty list");
    } else if (auto found =
                   value<std::string>(described.key, described.shape == Shape::list
                                                         ? "a text in quotes, or a list of such"
                                                         : "a text in quotes")) {
      out.push_back(std::move(*found));
    }
    if (out.empty()) return std::nullopt;
    return out;
  }

  const toml::table& root_;
  std::span<const Known> known_;
  std::span<const ExternalKey> describing_;
  std::string file_;
  std::vector<Mistake>& mistakes_;
};

// What both files of a channel begin with. `offered` are the providers' names.
void read_number_and_provider(Reader& reader, std::span<const std::string_view> offered,
                              std::uint8_t& out_number, std::string& out_provider) {
  if (reader.required("number")) {
    if (const auto number = reader.value<std::int64_t>("number", "a whole number from 1 to 255")) {
      if (*number < 1 || *number > 255)
        reader.refuse("number", "must be a whole number from 1 to 255");
      else
        out_number = static_cast<std::uint8_t>(*number);
    }
  }
  if (reader.required("provider")) {
    if (auto provider = reader.text("provider")) {
      if (std::ranges::find(offered, *provider) == offered.end())
        reader.refuse("provider", "is none that this build offers",
                      choice(offered, std::identity{}));
      out_provider = std::move(*provider);
    }
  }
}

// "26h", up to a year.
std::optional<std::chrono::hours> read_hours(std::string_view text) {
  if (text.size() < 2 || text.size() > 5 || text.back() != 'h') return std::nullopt;
  int hours = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    hours = 10 * hours + (c - '0');
  }
  if (hours < 1 || hours > 8760) return std::nullopt;
  return std::chrono::hours{hours};
}

void read_identity(Reader& reader, std::span<const std::string_view> providers, Channel& out) {
  read_number_and_provider(reader, providers, out.number, out.provider);
  if (reader.required("language")) {
    if (auto language = reader.text("language")) {
      if (!is_language(*language)) reader.refuse("language", "is no language tag");
      out.language = std::move(*language);
    }
  }
  out.allow_get = reader.value<bool>("allow_get", "true or false").value_or(false);
  if (const auto silent_after = reader.text("silent_after")) {
    out.silent_after = read_hours(*silent_after);
    if (!out.silent_after) reader.refuse("silent_after", "must be 1h to 8760h");
  }
}

void read_secrets(Reader& reader, Channel& out) {
  if (!reader.required("secrets")) return;
  const auto* list = reader.list("secrets");
  if (list == nullptr) return;
  for (const auto& entry : *list) {
    const auto hash = crypto::from_hex_exact<32>(entry.value_or(std::string_view{}));
    if (!hash) {
      reader.refuse("secrets", "holds an entry that is no hash of 64 hexadecimal digits",
                    "`ishara channel add` writes the hash; the secret itself stands nowhere");
      return;
    }
    out.secrets.push_back(*hash);
  }
  if (out.secrets.empty() || out.secrets.size() > 2)
    reader.refuse("secrets", "must hold one hash, or two while one secret replaces the other");
}

void read_settings(Reader& reader, ChannelSettings& out) {
  if (auto country = reader.text("country")) {
    if (!is_country(*country)) reader.refuse("country", "is no ISO 3166-1 code in upper case");
    out.country = std::move(*country);
  }
  if (const auto charset = reader.text("charset")) {
    if (const auto known_charset = i18n::charset_from_name(*charset))
      out.charset = *known_charset;
    else
      reader.refuse("charset", "is none that Ishara knows",
                    "choose from UTF-8, windows-1252, UTF-16BE, GSM");
  }
  out.entities = reader.value<bool>("entities", "true or false").value_or(false);
  reader.secret("url", out.url);
  const auto url = crypto::view(out.url);
  if (!url.empty() && !url.starts_with("https://") && !url.starts_with("http://"))
    reader.refuse("url", "must begin with https:// or http://");
  reader.secret("token", out.token);
  reader.secret("secret", out.secret);
  reader.secret("password", out.password);
  if (auto account = reader.text("account")) out.account = std::move(*account);
  if (auto signature = reader.text("signature")) {
    constexpr std::string_view methods[] = {"md5hash", "md5", "sha1", "sha256", "sha512"};
    if (std::ranges::find(methods, *signature) == std::end(methods))
      reader.refuse("signature", "is no method of signing", choice(methods, std::identity{}));
    out.signature = std::move(*signature);
  }
}

void read_former(Reader& reader, Channel& out) {
  crypto::WipedBuffer token, secret;
  reader.secret("former_token", token);
  reader.secret("former_secret", secret);
  if (token.empty() && secret.empty()) return;
  out.former = out.settings;
  if (!token.empty()) out.former->token = std::move(token);
  if (!secret.empty()) out.former->secret = std::move(secret);
}

// "+02:00" or "-03:30".
std::optional<std::chrono::minutes> read_offset(std::string_view text) {
  const auto digit = [text](std::size_t at) { return text[at] - '0'; };
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  for (const std::size_t at : {1u, 2u, 4u, 5u})
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
  const std::chrono::minutes offset{60 * (10 * digit(1) + digit(2)) + 10 * digit(4) + digit(5)};
  if (digit(4) > 5 || offset > std::chrono::hours{14}) return std::nullopt;
  return text[0] == '-' ? -offset : offset;
}

// A number in clear on a wire between machines would be everybody's; this machine is its own wire.
bool is_safe_origin(std::string_view origin) {
  const bool safe = origin.starts_with("https://");
  if (!safe && !origin.starts_with("http://")) return false;
  auto rest = origin.substr(safe ? 8 : 7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.find_first_of("/?#@ ") != rest.npos) return false;
  if (safe) return true;
  const auto host =
      rest.starts_with('[') ? rest.substr(0, rest.find(']') + 1) : rest.substr(0, rest.find(':'));
  return host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

void read_sending_settings(Reader& reader, SendingChannel& out) {
  auto& settings = out.settings;
  reader.secret("account", settings.account);
  reader.secret("token", settings.token);
  reader.secret("password", settings.password);
  for (const auto& [key, value] : {std::pair{"account", &settings.account},
                                   {"token", &settings.token},
                                   {"password", &settings.password}})
    if (std::ranges::any_of(*value, [](char c) { return c < 0x20 || c > 0x7E; }))
      reader.refuse(key, "must be of printable characters");
  if (auto from = reader.text("from")) {
    if (from->empty() || from->size() > 34 ||
        std::ranges::any_of(*from, [](char c) { return c < 0x20 || c > 0x7E; }))
      reader.refuse("from", "is no short code, number or registered sender");
    settings.from = std::move(*from);
  }
  if (auto origin = reader.text("origin")) {
    if (!is_safe_origin(*origin))
      reader.refuse("origin", "must be https://host[:port], or http:// to this machine");
    settings.origin = std::move(*origin);
  }
  reader.secret("delivery_url", settings.delivery_url);
  const auto url = crypto::view(settings.delivery_url);
  if (!url.empty() && (!(url.starts_with("https://") || url.starts_with("http://")) ||
                       url.find_first_of(" ?#") != url.npos))
    reader.refuse("delivery_url", "must be a URL without a query");
  if (const auto rate = reader.value<std::int64_t>("per_second", "a whole number from 1 to 1000")) {
    if (*rate < 1 || *rate > 1000)
      reader.refuse("per_second", "must be a whole number from 1 to 1000");
    else
      out.per_second = static_cast<std::uint32_t>(*rate);
  }
  if (const auto offset = reader.text("utc_offset")) {
    out.utc_offset = read_offset(*offset);
    if (!out.utc_offset) reader.refuse("utc_offset", "must be hours and minutes from UTC");
  }
}

// Where a file of TOML stands between its quotes and comments, letter by letter.
class Quotes {
 public:
  // True if the next letter, the first of `rest`, stands outside of both.
  bool is_outside(std::string_view rest) noexcept {
    const char c = rest.front();
    if (skip_ > 0) {
      --skip_;
    } else if (open_.empty()) {
      if (c == '"' || c == '\'')
        open(rest);
      else if (c == '#')
        open_ = "\n";
      return open_.empty();
    } else if (open_.front() == '"' && c == '\\') {
      skip_ = 1;
    } else if (rest.starts_with(open_) || (open_.size() == 1 && c == '\n')) {
      skip_ = c == '\n' ? 0 : open_.size() - 1;
      open_ = {};
    }
    return false;
  }

 private:
  void open(std::string_view rest) noexcept {
    open_ = rest.front() == '"' ? "\"\"\"" : "\'\'\'";
    if (!rest.starts_with(open_)) open_.remove_suffix(2);
    skip_ = open_.size() - 1;
  }

  std::string_view open_;  // what ends the quote or the comment that is open
  std::size_t skip_ = 0;   // letters that belong to what was seen
};

// What toml++ 3.3 cannot bear: some letters outside of quotes (U+017F is one) are undefined
// behaviour there, and a section's name that begins with a sign, or a brace in a list, ends the
// process. No channel file needs any of them.
std::optional<Mistake> refused_unread(std::string_view text, const std::filesystem::path& file) {
  std::uint32_t line = 1, column = 1;
  bool line_begins = true;
  Quotes quotes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x80)
      return Mistake{file.string(), line, column, "a channel file is plain ASCII",
                     "write another word, or \\u and four hexadecimal digits inside quotes"};
    if (c == '[' && line_begins)
      return Mistake{file.string(), line, column, "a channel file has no sections",
                     "remove the line; all keys stand by themselves"};
    if (quotes.is_outside(text.substr(at)) && (c == '{' || c == '}'))
      return Mistake{file.string(), line, column, "a channel file has no braces outside of quotes",
                     "put the whole value into quotes"};
    line_begins = c == '\n' || (line_begins && (c == ' ' || c == '\t' || c == '\r'));
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return std::nullopt;
}

// Before the rest of the file is read, since it decides which keys there are.
bool is_external(const toml::table& root) {
  const auto* provider = root.get("provider");
  return provider != nullptr && provider->value_or(std::string_view{}) == "external";
}

// A description stands for itself; these are given when a channel is made of it.
constexpr std::array<std::string_view, 6> given_elsewhere{"account", "token", "password",
                                                          "secret",  "url",   "from"};

// What is wrong between files: numbers and path secrets must be one channel's alone.
template <class AnyChannel>
void refuse_doubled_numbers(const std::vector<AnyChannel>& all, const std::filesystem::path& folder,
                            std::vector<Mistake>& mistakes) {
  for (auto later = all.begin(); later != all.end(); ++later)
    for (auto earlier = all.begin(); earlier != later; ++earlier)
      if (earlier->number == later->number)
        mistakes.push_back({(folder / (later->name + ".toml")).string(), 0, 0,
                            "has the number of channel " + in_quotes(earlier->name),
                            "give it a number of its own, from 1 to 255"});
}
void refuse_doubled_secrets(const std::vector<Channel>& all, const std::filesystem::path& folder,
                            std::vector<Mistake>& mistakes) {
  for (auto later = all.begin(); later != all.end(); ++later)
    for (auto earlier = all.begin(); earlier != later; ++earlier)
      for (const auto& hash : later->secrets)
        if (std::ranges::find(earlier->secrets, hash) != earlier->secrets.end())
          mistakes.push_back({(folder / (later->name + ".toml")).string(), 0, 0,
                              "has a path secret of channel " + in_quotes(earlier->name),
                              "make a new one with `ishara channel add`"});
}

// `role` is the user that the files belong to.
std::string advice_on(const boost::system::error_code& error, const std::filesystem::path& file,
                      std::string_view role) {
  if (error == key_file_errc::wrong_mode) return "chmod 600 " + file.string();
  if (error == key_file_errc::wrong_owner)
    return "chown it to the user that runs the " + std::string{role};
  if (error == key_file_errc::wrong_size) return "a channel file has at most 64 KiB";
  if (error == key_file_errc::linked || error == key_file_errc::not_a_file)
    return "put an ordinary file with one name in its place";
  return "see that the user of the " + std::string{role} + " can read it";
}

// Calls `take` with the text of every `*.toml` of the folder, in the order of their names.
template <class Take>
void read_folder(const std::filesystem::path& folder, std::string_view role,
                 std::vector<Mistake>& mistakes, Take take) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator entry{folder, error}, end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".toml") files.push_back(entry->path());
  if (error && error != std::errc::no_such_file_or_directory)
    mistakes.push_back({folder.string(), 0, 0, "the folder of channels cannot be read",
                        "see that the user of the " + std::string{role} + " can enter it"});
  std::ranges::sort(files);
  for (const auto& file : files) {
    const auto bytes = read_secret_file(file, file_limit);
    if (bytes)
      take(std::string_view{reinterpret_cast<const char*>(bytes->data()), bytes->size()}, file);
    else
      mistakes.push_back(
          {file.string(), 0, 0, bytes.error().message(), advice_on(bytes.error(), file, role)});
  }
}

void sort_by_place(std::vector<Mistake>& mistakes) {
  std::ranges::stable_sort(mistakes, {}, [](const Mistake& mistake) {
    return std::tuple{mistake.file, mistake.line, mistake.column};
  });
}

// The keys of a file; nothing, with the mistake noted, if it is no TOML. toml++ keeps copies of the
// values that it frees unwiped; they are gone when the table is.
std::optional<toml::table> read_table(std::string_view text, const std::filesystem::path& file,
                                      std::vector<Mistake>& mistakes) {
  if (auto mistake = refused_unread(text, file)) {
    mistakes.push_back(std::move(*mistake));
    return std::nullopt;
  }
  try {
    return toml::parse(text, file.string());
  } catch (const toml::parse_error& error) {
    // toml++'s own words quote the line, which may hold a token.
    const auto at = error.source().begin;
    mistakes.push_back({file.string(), at.line, at.column, "this is not TOML from here on",
                        "check quotes, brackets and = around this place, and that no key stands "
                        "twice"});
    return std::nullopt;
  }
}

std::string read_name(const std::filesystem::path& file, std::vector<Mistake>& mistakes) {
  auto name = file.stem().string();
  if (!is_name(name))
    mistakes.push_back({file.string(), 0, 0, "the file's name is no name of a channel",
                        "use at most 64 lower-case letters, digits, - and _, then .toml"});
  return name;
}

}  // namespace

const Channel* Channels::find(std::string_view provider, std::string_view secret) const noexcept {
  const auto hash = hash_of_secret(secret);
  const Channel* found = nullptr;
  for (const auto& channel : all_)
    for (const auto& stored : channel.secrets)
      if (crypto::equal(stored, hash) && channel.provider == provider) found = &channel;
  return found;
}

const Channel* Channels::named(std::string_view name) const noexcept {
  const auto found = std::ranges::find(all_, name, &Channel::name);
  return found == all_.end() ? nullptr : &*found;
}

const SendingChannel* SendingChannels::find(std::uint8_t number) const noexcept {
  const auto found = std::ranges::find(all_, number, &SendingChannel::number);
  return found == all_.end() ? nullptr : &*found;
}

SecretHash hash_of_secret(std::string_view secret) noexcept {
  return crypto::hash32({crypto::bytes_of(secret)});
}

std::optional<Channel> parse_channel(std::string_view text, const std::filesystem::path& file,
                                     std::span<const std::string_view> providers,
                                     std::vector<Mistake>& mistakes) {
  const auto before = mistakes.size();
  const auto root = read_table(text, file, mistakes);
  if (!root) return std::nullopt;
  Channel out;
  out.name = read_name(file, mistakes);
  Reader reader{*root, known, external_keys(), file.string(), mistakes};
  reader.refuse_unknown(is_external(*root));
  read_identity(reader, providers, out);
  read_secrets(reader, out);
  reader.required("country");
  read_settings(reader, out.settings);
  if (is_external(*root)) out.settings.external = reader.description<External>({});
  read_former(reader, out);
  if (mistakes.size() > before) return std::nullopt;
  return out;
}

crypto::WipedBuffer with_key(std::string_view text, std::string_view key,
                             std::optional<std::string_view> value) {
  const auto root = toml::parse(text);
  // A channel file is ASCII, so a column is a byte.
  const auto offset = [text](const toml::source_position& at) {
    std::size_t begin = 0;
    for (auto line = at.line; line > 1; --line) begin = text.find('\n', begin) + 1;
    return begin + at.column - 1;
  };
  crypto::WipedBuffer out;
  const auto add = [&out](std::string_view part) {
    out.insert(out.end(), part.begin(), part.end());
  };
  const auto found = root.find(key);
  if (found == root.end()) {
    add(text);
    if (!value) return out;
    if (!text.empty() && !text.ends_with('\n')) add("\n");
    for (const auto part : {key, std::string_view{" = "}, *value, std::string_view{"\n"}})
      add(part);
    return out;
  }
  const auto end = offset(found->second.source().end);
  add(text.substr(0, offset(value ? found->second.source().begin : found->first.source().begin)));
  if (value) add(*value);
  add(text.substr(value ? end : std::min(text.find('\n', end), text.size() - 1) + 1));
  return out;
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::optional<SendingChannel> parse_sending_channel(std::string_view text,
                                                    const std::filesystem::path& file,
                                                    std::span<const SendingProvider> providers,
                                                    std::vector<Mistake>& mistakes) {
  const auto before = mistakes.size();
  const auto root = read_table(text, file, mistakes);
  if (!root) return std::nullopt;
  SendingChannel out;
  out.name = read_name(file, mistakes);
  Reader reader{*root, known_to_send, external_sending_keys(), file.string(), mistakes};
  reader.refuse_unknown(is_external(*root));
  std::vector<std::string_view> offered;
  for (const auto& provider : providers) offered.push_back(provider.name);
  read_number_and_provider(reader, offered, out.number, out.provider);
  read_sending_settings(reader, out);
  const auto provider = std::ranges::find(providers, out.provider, &SendingProvider::name);
  if (provider != providers.end())
    for (const auto key : provider->needs) reader.required(key);
  if (is_external(*root)) out.settings.external = reader.description<ExternalSending>({});
  if (mistakes.size() > before) return std::nullopt;
  return out;
}

bool parse_description(std::string_view text, const std::filesystem::path& file,
                       ChannelSettings& out, std::vector<Mistake>& mistakes) {
  const auto before = mistakes.size();
  const auto root = read_table(text, file, mistakes);
  if (!root) return false;
  Reader reader{*root, known, external_keys(), file.string(), mistakes};
  reader.refuse_unknown(true);
  read_settings(reader, out);
  out.external = reader.description<External>(given_elsewhere);
  return mistakes.size() == before;
}

bool parse_description(std::string_view text, const std::filesystem::path& file,
                       SendingSettings& out, std::vector<Mistake>& mistakes) {
  const auto before = mistakes.size();
  const auto root = read_table(text, file, mistakes);
  if (!root) return false;
  Reader reader{*root, known_to_send, external_sending_keys(), file.string(), mistakes};
  reader.refuse_unknown(true);
  SendingChannel channel;
  read_sending_settings(reader, channel);
  out = std::move(channel.settings);
  out.external = reader.description<ExternalSending>(given_elsewhere);
  return mistakes.size() == before;
}

LoadedChannels load_channels(const std::filesystem::path& folder,
                             std::span<const std::string_view> providers) {
  LoadedChannels out;
  std::vector<Channel> all;
  read_folder(folder, "gateway", out.mistakes, [&](std::string_view text, const auto& file) {
    if (auto channel = parse_channel(text, file, providers, out.mistakes))
      all.push_back(std::move(*channel));
  });
  refuse_doubled_numbers(all, folder, out.mistakes);
  refuse_doubled_secrets(all, folder, out.mistakes);
  sort_by_place(out.mistakes);
  std::ranges::sort(all, {}, &Channel::number);
  if (out.mistakes.empty()) out.channels = Channels{std::move(all)};
  return out;
}

LoadedSendingChannels load_sending_channels(const std::filesystem::path& folder,
                                            std::span<const SendingProvider> providers) {
  LoadedSendingChannels out;
  std::vector<SendingChannel> all;
  read_folder(folder, "relay", out.mistakes, [&](std::string_view text, const auto& file) {
    if (auto channel = parse_sending_channel(text, file, providers, out.mistakes))
      all.push_back(std::move(*channel));
  });
  refuse_doubled_numbers(all, folder, out.mistakes);
  sort_by_place(out.mistakes);
  std::ranges::sort(all, {}, &SendingChannel::number);
  if (out.mistakes.empty()) out.channels = SendingChannels{std::move(all)};
  return out;
}

}  // namespace ishara::config
