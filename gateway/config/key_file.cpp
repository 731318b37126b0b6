#include "gateway/config/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>

#include "gateway/config/descriptor.hpp"

namespace ishara::config {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ishara.key_file"; }
  std::string message(int code) const override {
    switch (static_cast<key_file_errc>(code)) {
      case key_file_errc::missing:
        return "the file does not exist or its folder cannot be entered";
      case key_file_errc::not_a_file:
        return "the path is not an ordinary file";
      case key_file_errc::wrong_mode:
        return "the file is open to others, its mode must be 0600";
      case key_file_errc::wrong_owner:
        return "the file belongs to another user";
      case key_file_errc::linked:
        return "the file has a second name (hard link)";
      case key_file_errc::wrong_size:
        return "the file has the wrong size";
      case key_file_errc::unreadable:
        return "the file cannot be read or written";
      case key_file_errc::exists:
        return "the file exists already";
    }
    return "unknown";
  }
};

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
}

// Ours, or, for root, its folder's: root lays out and looks through what belongs to the services.
bool has_right_owner(const struct stat& status, const std::filesystem::path& file) {
  if (status.st_uid == ::geteuid()) return true;
  struct stat folder {};
  return ::geteuid() == 0 && ::stat(folder_of(file).c_str(), &folder) == 0 &&
         status.st_uid == folder.st_uid;
}

boost::system::result<crypto::WipedBytes> read_checked(const std::filesystem::path& file,
                                                       std::size_t least, std::size_t most) {
  // Without O_NONBLOCK the open of a named pipe would wait for a writer.
  const Descriptor opened{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (opened.get() < 0) {
    if (errno == ELOOP) return key_file_errc::not_a_file;
    if (errno == ENOENT || errno == ENOTDIR) return key_file_errc::missing;
    return key_file_errc::unreadable;
  }
  // All checks on the open file: what is checked is what is read.
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) return key_file_errc::unreadable;
  if (!S_ISREG(status.st_mode)) return key_file_errc::not_a_file;
  const auto mode = status.st_mode & 07777;
  if (mode != 0600 && mode != 0400) return key_file_errc::wrong_mode;
  if (!has_right_owner(status, file)) return key_file_errc::wrong_owner;
  // None at all: another process has put a new file in its place since it was opened.
  if (status.st_nlink > 1) return key_file_errc::linked;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < least || size > most) return key_file_errc::wrong_size;

  crypto::WipedBytes bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const auto count = ::read(opened.get(), bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return key_file_errc::unreadable;
    if (count == 0) return key_file_errc::wrong_size;  // it shrank under our hands
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

// What root writes into a service's folder is the service's.
bool give_to_owner_of_folder(const Descriptor& created, const std::filesystem::path& file) {
  if (::geteuid() != 0) return true;
  struct stat folder {};
  return ::stat(folder_of(file).c_str(), &folder) == 0 &&
         ::fchown(created.get(), folder.st_uid, folder.st_gid) == 0;
}

bool write_all(int descriptor, crypto::View bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

// A name is durable only when its folder is.
bool sync_folder_of(const std::filesystem::path& file) {
  const Descriptor folder{::open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return folder.get() >= 0 && ::fsync(folder.get()) == 0;
}

// Nothing is left of what the file held, as far as its file system tells.
bool overwrite(const std::filesystem::path& file) {
  {
    // A file of mode 0400 is not to be written, not even by whom it belongs to.
    const Descriptor looked_at{
        ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
    if (looked_at.get() >= 0) ::fchmod(looked_at.get(), 0600);
  }
  // Without O_NONBLOCK the open of a named pipe would wait for a reader.
  const Descriptor opened{::open(file.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (opened.get() < 0 || ::fstat(opened.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return false;
  for (auto left = static_cast<std::size_t>(status.st_size); left > 0;) {
    const auto noise = crypto::random_bytes<4096>();
    const auto size = std::min(left, noise.size());
    if (!write_all(opened.get(), crypto::View{noise}.first(size))) return false;
    left -= size;
  }
  return ::fdatasync(opened.get()) == 0;
}

}  // namespace

const boost::system::error_category& key_file_category() noexcept {
  static const Category category;
  return category;
}

boost::system::result<crypto::WipedBytes> read_key_file(const std::filesystem::path& file,
                                                        std::size_t size) {
  return read_checked(file, size, size);
}

boost::system::result<crypto::WipedBytes> read_secret_file(const std::filesystem::path& file,
                                                           std::size_t limit) {
  return read_checked(file, 0, limit);
}

boost::system::result<void> write_key_file(const std::filesystem::path& file, crypto::View bytes) {
  const Descriptor created{
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (created.get() < 0) {
    if (errno == EEXIST) return key_file_errc::exists;
    if (errno == ENOENT || errno == ENOTDIR) return key_file_errc::missing;
    return key_file_errc::unreadable;
  }
  // The umask of the caller may have taken bits away.
  if (!give_to_owner_of_folder(created, file) || ::fchmod(created.get(), 0600) != 0 ||
      !write_all(created.get(), bytes) || ::fsync(created.get()) != 0) {
    ::unlink(file.c_str());
    return key_file_errc::unreadable;
  }
  if (!sync_folder_of(file)) return key_file_errc::unreadable;
  return {};
}

boost::system::result<void> replace_key_file(const std::filesystem::path& file,
                                             crypto::View bytes) {
  auto fresh = file;
  fresh += "." + std::to_string(::getpid());
  ::unlink(fresh.c_str());  // of a process that died here and had this number
  if (const auto written = write_key_file(fresh, bytes); !written) return written.error();
  if (::rename(fresh.c_str(), file.c_str()) != 0) {
    ::unlink(fresh.c_str());
    return key_file_errc::unreadable;
  }
  if (!sync_folder_of(file)) return key_file_errc::unreadable;
  return {};
}

boost::system::result<void> destroy_key_file(const std::filesystem::path& file) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) return {};
  const bool overwritten = overwrite(file);
  if (::unlink(file.c_str()) != 0 || !sync_folder_of(file) || !overwritten)
    return key_file_errc::unreadable;
  return {};
}

}  // namespace ishara::config
