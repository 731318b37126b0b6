// sign_roster KEY_FILE PASSPHRASE_FILE: signs what stands on its standard input as the holder of a
// stolen key would, whatever it is, and prints the signature in hexadecimal digits.

#include <fstream>
#include <iostream>
#include <iterator>

#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/sealed_key.hpp"

namespace {

using namespace ishara;

crypto::Bytes read(std::istream& in) {
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

crypto::Bytes read_file(const char* name) {
  std::ifstream file{name, std::ios::binary};
  return read(file);
}

}  // namespace

int main(int count, char** arguments) {
  crypto::start();
  if (count != 3) {
    std::cerr << "usage: sign_roster KEY_FILE PASSPHRASE_FILE < ROSTER\n";
    return 2;
  }
  const auto passphrase = read_file(arguments[2]);
  const auto key = identity::blocking_open_sealed_key(
      read_file(arguments[1]),
      {reinterpret_cast<const char*>(passphrase.data()), passphrase.size()});
  if (!key) {
    std::cerr << "sign_roster: " << key.error().message() << '\n';
    return 1;
  }
  const auto roster = read(std::cin);
  const auto signature = crypto::sign("ishara/v1/roster", {roster}, crypto::signing_key(key->seed));
  std::cout << crypto::hex(signature) << '\n';
}
