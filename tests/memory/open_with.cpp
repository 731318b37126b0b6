// open_with FILE...: what somebody who has stolen these files can read of the database, which
// stands on its standard input:
//
//   envelope HEX   a sealed thing of any type
//   tag HEX        of a number, as the relay stores it
//   number HEX     the fixed form of a number that one of the tags may belong to
//
// Every 32 bytes of each file, and of what hexadecimal or base64 words in it stand for, are tried
// as every key that the house has: message key, seed or secret half of a queue, a person, a
// recovery key or an epoch, key of the host, key of the tags. What opens is searched in turn.
// A sealed key beside which its passphrase lies was stolen with that.
// Prints how many envelopes of each type opened, and how many tags were matched with a number.

#include <algorithm>
#include <array>
#include <cctype>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/sealed_key.hpp"

namespace {

using namespace ishara;
using Key = std::array<std::uint8_t, 32>;

constexpr std::uint8_t message = 2, note = 5;
constexpr std::size_t signature_size = 64;

crypto::Id id_at(crypto::View bytes, std::size_t at) {
  crypto::Id out;
  std::ranges::copy(bytes.subspan(at, out.size()), out.begin());
  return out;
}

struct Stored {
  std::multimap<crypto::Id, crypto::Bytes> by_recipient;   // the kid in the header
  std::multimap<crypto::Id, crypto::Bytes> by_message_id;  // texts and notes
  std::set<crypto::Id> tags;
  std::vector<crypto::Id> numbers;
};

Stored read_stored(std::istream& in) {
  Stored out;
  for (std::string kind, hex; in >> kind >> hex;) {
    const auto bytes = crypto::from_hex(hex).value();
    if (kind == "tag") {
      out.tags.insert(id_at(bytes, 0));
    } else if (kind == "number") {
      out.numbers.push_back(id_at(bytes, 0));
    } else if (bytes.at(1) == message || bytes.at(1) == note) {
      out.by_message_id.emplace(id_at(bytes, 24), bytes);
    } else {
      out.by_recipient.emplace(id_at(bytes, 40), bytes);
    }
  }
  return out;
}

// What a box or a sealed box holds; nothing if the key is another's.
std::optional<crypto::WipedBytes> opened(crypto::View envelope, const crypto::BoxKey& key) {
  auto body = envelope.subspan(identity::header_size);
  if (envelope.size() != identity::box_envelope_size) {
    // Without the signature that a REPLY ends with.
    if (envelope[1] == 4) body = body.first(body.size() - signature_size);
    return crypto::open_seal(body, key);
  }
  crypto::PublicKey epk;
  std::ranges::copy(body.first(32), epk.begin());
  crypto::Nonce nonce;
  std::ranges::copy(body.subspan(32, 24), nonce.begin());
  const auto shared = crypto::shared_key(epk, key.secret_key);
  crypto::WipedBytes plain(64);
  if (!shared || !crypto::open_box(plain, body.subspan(56), nonce, *shared)) return std::nullopt;
  return plain;
}

class Thief {
 public:
  explicit Thief(const Stored& stored) : stored_{stored} {}

  void take(crypto::View file) {
    add_windows(file);
    // Words of letters that could be hexadecimal or base64, as they are written.
    std::string word;
    for (const auto byte : file) {
      const char letter = static_cast<char>(byte);
      if (std::isalnum(byte) || letter == '+' || letter == '/' || letter == '-' || letter == '_') {
        word += letter;
        continue;
      }
      add_word(word);
      word.clear();
    }
    add_word(word);
    if (file.size() == 80 && std::ranges::equal(file.first(4), crypto::bytes_of("ISHK")))
      epoch_files_.emplace_back(file.begin(), file.end());
  }

  void take_sealed(crypto::View file, const crypto::Bytes& passphrase) {
    const auto key = identity::blocking_open_sealed_key(
        file, {reinterpret_cast<const char*>(passphrase.data()), passphrase.size()});
    if (key) add_windows(key->seed.reveal());
  }

  void try_all() {
    for (; !to_try_.empty(); to_try_.pop_front()) try_key(to_try_.front());
  }

  void print() const {
    std::cout << "keys " << known_.size() << '\n';
    for (const auto& [type, envelopes] : opened_)
      std::cout << "type-" << +type << ' ' << envelopes.size() << '\n';
    std::cout << "numbers " << found_numbers_.size() << '\n';
  }

 private:
  void add_windows(crypto::View bytes) {
    for (std::size_t at = 0; at + 32 <= bytes.size(); ++at) {
      Key key;
      std::ranges::copy(bytes.subspan(at, 32), key.begin());
      if (known_.insert(key).second) to_try_.push_back(key);
    }
  }
  void add_word(const std::string& word) {
    for (const auto& bytes :
         {crypto::from_hex(word), crypto::from_base64(word), crypto::from_base64url(word)})
      if (bytes) add_windows(*bytes);
  }

  void try_key(const Key& bytes) {
    const crypto::Secret<32> key{bytes};
    try_as_message_key(key);
    try_as_box_key(crypto::box_key_of(key));
    try_as_box_key(crypto::box_key(key));
    try_as_box_key(identity::queue_box_key(key));
    try_as_box_key(identity::user_box_key(key));
    const auto epoch = identity::epoch_keys(key);
    try_as_box_key(epoch.box);
    try_as_tag_key(key);
    try_as_tag_key(epoch.tag);
    for (const auto& file : epoch_files_) {
      crypto::Nonce nonce;
      std::copy_n(&file[8], nonce.size(), nonce.begin());
      crypto::WipedBytes seed(32);
      if (crypto::open_box(seed, crypto::View{file}.last(48), nonce, key)) add_windows(seed);
    }
  }
  void try_as_message_key(const crypto::Secret<32>& key) {
    const auto [first, last] = stored_.by_message_id.equal_range(identity::message_id_of(key));
    for (auto at = first; at != last; ++at) {
      auto envelope = crypto::View{at->second};
      if (envelope[1] == note) envelope = envelope.first(envelope.size() - signature_size);
      const auto body = envelope.subspan(identity::header_size);
      crypto::WipedBytes plain(body.size() - crypto::mac_size);
      if (crypto::decrypt(plain, body, envelope.first(identity::header_size), {}, key))
        opened_[envelope[1]].insert(at->second);
    }
  }
  void try_as_box_key(const crypto::BoxKey& key) {
    const auto [first, last] = stored_.by_recipient.equal_range(crypto::key_id(key.public_key));
    for (auto at = first; at != last; ++at) {
      const auto plain = opened(at->second, key);
      if (plain && opened_[at->second[1]].insert(at->second).second) add_windows(*plain);
    }
  }
  void try_as_tag_key(const crypto::Secret<32>& key) {
    for (const auto& number : stored_.numbers)
      if (stored_.tags.contains(identity::number_tag(number, key))) found_numbers_.insert(number);
  }

  const Stored& stored_;
  std::vector<crypto::Bytes> epoch_files_;
  std::set<Key> known_;
  std::deque<Key> to_try_;
  std::map<std::uint8_t, std::set<crypto::Bytes>> opened_;  // by type
  std::set<crypto::Id> found_numbers_;
};

std::optional<crypto::Bytes> read(const std::filesystem::path& name) {
  std::ifstream file{name, std::ios::binary};
  if (!file) return std::nullopt;
  return crypto::Bytes{std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

int main(int count, char** arguments) {
  crypto::start();
  const auto stored = read_stored(std::cin);
  Thief thief{stored};
  for (std::filesystem::path name :
       std::span{arguments, static_cast<std::size_t>(count)}.subspan(1)) {
    const auto bytes = read(name);
    if (!bytes) {
      std::cerr << "open_with: " << name << " cannot be read\n";
      return 1;
    }
    thief.take(*bytes);
    const auto passphrase = read(name.replace_extension(".passphrase"));
    if (passphrase) thief.take_sealed(*bytes, *passphrase);
  }
  thief.try_all();
  thief.print();
}
