// For LD_PRELOAD under a test Postgres: every flush to disk takes 5 ms longer, as on a small
// server's disk.

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace {

void wait() { std::this_thread::sleep_for(std::chrono::milliseconds{5}); }

}  // namespace

extern "C" {

int fsync(int file) {
  wait();
  return static_cast<int>(syscall(SYS_fsync, file));
}

int fdatasync(int file) {
  wait();
  return static_cast<int>(syscall(SYS_fdatasync, file));
}
}
