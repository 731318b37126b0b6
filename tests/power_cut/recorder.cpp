// For LD_PRELOAD under a program with one thread: notes what it asks of the disk below the folder
// ISHARA_RECORD_FOLDER, in its order, in the file ISHARA_RECORD_LOG. record.hpp tells the form.

#include "tests/power_cut/record.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

using ishara::power_cut::Head;
using ishara::power_cut::Op;

std::array<bool, 1024> recorded{};  // by file descriptor

bool is_recorded(int file) {
  return file >= 0 && static_cast<std::size_t>(file) < recorded.size() &&
         recorded[static_cast<std::size_t>(file)];
}

bool is_recorded(const char* path) {
  static const char* const folder = std::getenv("ISHARA_RECORD_FOLDER");
  return folder != nullptr && std::string_view{path}.starts_with(folder);
}

int log_file() {
  static const int file =
      static_cast<int>(syscall(SYS_openat, AT_FDCWD, std::getenv("ISHARA_RECORD_LOG"),
                               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  return file;
}

void note(Op op, int file, const void* bytes, std::size_t size) {
  const int before = errno;
  const Head head{op, file, static_cast<std::uint32_t>(size)};
  if (syscall(SYS_write, log_file(), &head, sizeof head) != sizeof head ||
      syscall(SYS_write, log_file(), bytes, size) != static_cast<long>(size))
    std::abort();
  errno = before;
}

int open_noted(const char* path, int flags, unsigned mode) {
  const int file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (file < 0 || static_cast<std::size_t>(file) >= recorded.size()) return file;
  recorded[static_cast<std::size_t>(file)] = is_recorded(path);
  if (is_recorded(file)) note(Op::open, file, path, std::strlen(path));
  return file;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0U;
  va_end(rest);
  return open_noted(path, flags, mode);
}

ssize_t write(int file, const void* bytes, std::size_t size) {
  const auto count = syscall(SYS_write, file, bytes, size);
  if (count > 0 && is_recorded(file)) note(Op::write, file, bytes, static_cast<std::size_t>(count));
  return count;
}

int ftruncate(int file, off_t size) noexcept {
  const auto done = static_cast<int>(syscall(SYS_ftruncate, file, size));
  const auto kept = static_cast<std::uint64_t>(size);
  if (done == 0 && is_recorded(file)) note(Op::cut, file, &kept, sizeof kept);
  return done;
}

int fsync(int file) {
  const auto done = static_cast<int>(syscall(SYS_fsync, file));
  if (done == 0 && is_recorded(file)) note(Op::flush, file, nullptr, 0);
  return done;
}

int fdatasync(int file) {
  const auto done = static_cast<int>(syscall(SYS_fdatasync, file));
  if (done == 0 && is_recorded(file)) note(Op::flush, file, nullptr, 0);
  return done;
}

int unlink(const char* path) noexcept {
  const auto done = static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  if (done == 0 && is_recorded(path)) note(Op::unlink, -1, path, std::strlen(path));
  return done;
}

int mkdir(const char* path, mode_t mode) noexcept {
  const auto done = static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
  if (done == 0 && is_recorded(path)) note(Op::make_folder, -1, path, std::strlen(path));
  return done;
}
}
