#pragma once
// Where a test keeps its files.

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace ishara::tests {

// A new folder that only this user may enter, and that goes with its test. Declare it before
// whatever writes there, so that the writers' threads have ended when it goes.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "ishara-test-XXXXXX";
    if (!::mkdtemp(name.data())) throw std::runtime_error{"no room for temporary files"};
    path_ = name;
  }
  ~Folder() {
    std::error_code left_behind;
    std::filesystem::remove_all(path_, left_behind);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace ishara::tests
