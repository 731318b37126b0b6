// usage: ishara_vectors write FOLDER     writes the vectors of this build
//        ishara_vectors compare FOLDER   whether the files there are what this build would write
//        ishara_vectors check FILE...    opens every case of the files

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "gateway/crypto/encoding.hpp"
#include "tests/vectors/generate.hpp"
#include "tests/vectors/openers.hpp"

namespace {

using namespace ishara;

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) throw std::runtime_error{file.string() + ": cannot be read"};
  return {std::istreambuf_iterator<char>{in}, {}};
}

int write(const std::filesystem::path& folder) {
  for (const auto& [name, content] : test::generate_vectors()) {
    std::ofstream out{folder / name, std::ios::binary};
    if (!out.write(content.data(), static_cast<std::streamsize>(content.size())))
      throw std::runtime_error{name + ": cannot be written"};
  }
  return 0;
}

int compare(const std::filesystem::path& folder) {
  int different = 0;
  for (const auto& [name, content] : test::generate_vectors()) {
    if (content_of(folder / name) == content) continue;
    std::printf("%s: this build writes other bytes\n", name.c_str());
    ++different;
  }
  return different == 0 ? 0 : 1;
}

int check(int count, char** files) {
  int opened = 0;
  int refused = 0;
  int wrong = 0;
  for (int i = 0; i < count; ++i) {
    const auto parsed = boost::json::parse(content_of(files[i]));
    for (const auto& value : parsed.as_object().at("cases").as_array()) {
      const auto& entry = value.as_object();
      const std::string type{entry.at("type").as_string()};
      const auto bytes = crypto::from_hex(std::string_view{entry.at("bytes").as_string()});
      const auto found = test::open_case(type, bytes.value(), entry.at("with").as_object());
      ++(found.is_null() ? refused : opened);
      if (found == entry.at("opens")) continue;
      std::printf("%s, %s: gives %s\n", type.c_str(), entry.at("name").as_string().c_str(),
                  boost::json::serialize(found).c_str());
      ++wrong;
    }
  }
  std::printf("C++: %d opened, %d refused, %d not as expected\n", opened, refused, wrong);
  return wrong == 0 && opened > 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    crypto::start();
    const std::string command = count > 2 ? arguments[1] : "";
    if (command == "write") return write(arguments[2]);
    if (command == "compare") return compare(arguments[2]);
    if (command == "check") return check(count - 2, arguments + 2);
    std::fputs("usage: ishara_vectors write FOLDER | compare FOLDER | check FILE...\n", stderr);
    return 2;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
