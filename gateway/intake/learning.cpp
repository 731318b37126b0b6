#include "gateway/intake/learning.hpp"

#include <fmt/format.h>
#include <charconv>
#include <system_error>
#include <utility>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/seen_rosters.hpp"
#include "gateway/intake/knowledge.hpp"
#include "routing/pack/bundle.hpp"

namespace ishara::intake {
namespace {

constexpr std::size_t file_limit = 64 << 20;

std::string_view text_of(const storage::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

storage::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// The next word of a name, which loses it.
std::string_view take_word(std::string_view& name) {
  const auto word = name.substr(0, name.find(' '));
  name.remove_prefix(std::min(name.size(), word.size() + 1));
  return word;
}

bool take_number(std::string_view& name, std::uint32_t& out) {
  const auto word = take_word(name);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  return error == std::errc{} && end == word.data() + word.size();
}

bool take_part(const routing::PackFile& part, StoredKnowledge& out) {
  auto name = part.name;
  const auto kind = take_word(name);
  if (kind == "roster") {
    const auto issuer = crypto::from_hex_exact<16>(take_word(name));
    storage::Roster roster;
    if (!issuer || !take_number(name, roster.version)) return false;
    roster.issuer = *issuer;
    roster.bytes = bytes_of(part.content);
    out.rosters.push_back(std::move(roster));
    return true;
  }
  if (kind == "signature" && !out.rosters.empty()) {
    out.rosters.back().signature = bytes_of(part.content);
    return true;
  }
  if (kind == "epoch") {
    out.epochs.push_back(bytes_of(part.content));
    return true;
  }
  out.routing.content = bytes_of(part.content);
  return kind == "routing" && take_number(name, out.routing.version);
}

}  // namespace

storage::result<StoredKnowledge> fetch_knowledge(storage::blocking::Store& store,
                                                 std::chrono::sys_seconds now) {
  auto rosters = store.rosters();
  if (!rosters) return rosters.error();
  auto routing = store.active_routing();
  if (!routing) return routing.error();
  auto announced = store.epochs(identity::epoch_at(now));
  if (!announced) return announced.error();
  StoredKnowledge out{std::move(*rosters), {}, std::move(*routing)};
  for (auto& epoch : *announced) out.epochs.push_back(std::move(epoch.announcement));
  return out;
}

boost::system::result<StoredKnowledge> read_knowledge(const std::filesystem::path& file) {
  const auto bytes = config::read_secret_file(file, file_limit);
  if (!bytes) return bytes.error();
  const auto parts =
      routing::unbundle({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!parts) return knowledge_errc::not_kept;
  StoredKnowledge out;
  for (const auto& part : *parts)
    if (!take_part(part, out)) return knowledge_errc::not_kept;
  return out;
}

boost::system::result<void> keep_knowledge(const std::filesystem::path& file,
                                           const StoredKnowledge& knowledge) {
  std::vector<std::pair<std::string, std::string_view>> named;
  for (const auto& roster : knowledge.rosters) {
    named.emplace_back(fmt::format("roster {} {}", crypto::hex(roster.issuer), roster.version),
                       text_of(roster.bytes));
    named.emplace_back("signature", text_of(roster.signature));
  }
  for (const auto& epoch : knowledge.epochs) named.emplace_back("epoch", text_of(epoch));
  named.emplace_back(fmt::format("routing {}", knowledge.routing.version),
                     text_of(knowledge.routing.content));
  std::vector<routing::PackFile> parts;
  for (const auto& [name, content] : named) parts.push_back({name, content});
  const auto bytes = routing::bundle(parts);

  return config::replace_key_file(file, crypto::bytes_of(bytes));
}

Remembered keep_and_remember(const std::filesystem::path& file, const std::filesystem::path& seen,
                             const StoredKnowledge& knowledge,
                             const identity::Directory& directory) {
  const auto before = identity::read_seen_rosters(seen);
  if (!before) return {before.error(), {}};
  if (directory.is_older_than(*before)) return {identity::roster_errc::older_version, {}};
  auto kept = keep_knowledge(file, knowledge);
  return {identity::remember_rosters(seen, directory), kept};
}

boost::system::result<Learnt> learn(const StoredKnowledge& stored,
                                    const crypto::PublicKey& root_key,
                                    std::span<const NamedFile> languages,
                                    const i18n::Packs& packs) {
  auto directory = identity::Directory::verified_rows(identity::rows_of(stored.rosters), root_key);
  if (!directory) return directory.error();

  std::vector<identity::EpochAnnouncement> epochs;
  for (const auto& announcement : stored.epochs)
    if (const auto epoch = identity::verify_epoch(announcement, *directory))
      epochs.push_back(*epoch);

  auto files = routing::unbundle(text_of(stored.routing.content));
  if (!files) return knowledge_errc::bad_tables;
  for (const auto& file : languages) files->push_back({file.name, file.content});
  std::vector<i18n::LanguageTraits> traits;
  for (const auto& pack : packs.all()) traits.push_back(pack.traits);
  auto loaded = routing::load(*files, traits);
  if (!loaded.snapshot) return knowledge_errc::bad_tables;
  if (const auto good = consistent(loaded.snapshot->table, *directory); !good) return good.error();

  return Learnt{.directory = std::make_shared<const identity::Directory>(std::move(*directory)),
                .epochs = std::move(epochs),
                .routing = std::move(loaded.snapshot),
                .routing_version = stored.routing.version};
}

}  // namespace ishara::intake
