#include "gateway/commands/process.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <exception>

#include "gateway/log/log.hpp"

namespace ishara::commands {
namespace {

[[noreturn]] void end_without_words() {
  static std::atomic<bool> entered = false;
  if (!entered.exchange(true)) log::write<log::Event::uncaught_exception>();
  std::abort();
}

// Locks pages as they are first touched. Under a finite limit a lock that succeeds now makes some
// later allocation fail, so only an unlimited or privileged process locks.
int lock_memory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return errno;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur != RLIM_INFINITY && ::geteuid() != 0) return EPERM;
  return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? 0 : errno;
}

}  // namespace

void harden_process(bool report_refusal) {
  std::set_terminate(end_without_words);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (const int error = lock_memory(); error != 0 && report_refusal)
    log::write<log::Event::memory_lock_refused>(error);
}

}  // namespace ishara::commands
