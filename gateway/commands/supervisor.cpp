#include "gateway/commands/supervisor.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "gateway/commands/commands.hpp"

namespace ishara::commands {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Watched {
  const Role* role;
  pid_t pid = 0;  // 0: not running
  Clock::time_point started{};
  Clock::time_point next_start{};
  milliseconds pause{};
  bool settled = false;  // has once run long enough to count as started
};

class Signals {
 public:
  Signals() {
    ::sigemptyset(&set_);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&set_, signal);
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  ~Signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The next signal; nothing when `until` comes first.
  std::optional<int> wait(std::optional<Clock::time_point> until) const {
    int signal = -1;
    if (until) {
      const auto left = std::max(Clock::duration::zero(), *until - Clock::now());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      const timespec limit{
          seconds.count(),
          std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds).count()};
      signal = ::sigtimedwait(&set_, nullptr, &limit);
    } else {
      signal = ::sigwaitinfo(&set_, nullptr);
    }
    if (signal < 0) return std::nullopt;
    return signal;
  }
  const sigset_t& before() const { return before_; }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

void start(Watched& watched, const Signals& signals) {
  std::vector<char*> arguments;
  for (const auto& word : watched.role->command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (::getppid() != parent) ::_exit(failed);  // it died before the line above
    // A signal that waits must end this child, not run a handler of the program it was forked from.
    for (const int signal : {SIGTERM, SIGINT}) ::signal(signal, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &signals.before(), nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(failed);
  }
  watched.started = Clock::now();
  watched.pid = std::max(pid, 0);
  if (pid > 0) {
    log::write<log::Event::role_started>(watched.role->name, pid);
  } else {
    watched.next_start = watched.started + watched.pause;  // no process to be had now
  }
}

class Supervisor {
 public:
  Supervisor(std::span<const Role> roles, const Patience& patience) : patience_{patience} {
    for (const auto& role : roles)
      all_.push_back({.role = &role, .next_start = Clock::now(), .pause = patience.first_pause});
  }

  int run() {
    for (;;) {
      if (!stop_at_) start_due();
      if (stop_at_ && !running()) break;
      const auto signal = signals_.wait(next_event());
      if (signal == SIGTERM || signal == SIGINT) {
        log::write<log::Event::serve_stopping>(*signal);
        stop();
      }
      reap();
      if (stop_at_ && Clock::now() >= *stop_at_) kill_hanging();
    }
    log::write<log::Event::serve_stopped>(status_);
    return status_;
  }

 private:
  bool running() const {
    return std::any_of(all_.begin(), all_.end(), [](auto& watched) { return watched.pid > 0; });
  }

  void start_due() {
    for (auto& watched : all_)
      if (watched.pid == 0 && watched.next_start <= Clock::now()) start(watched, signals_);
  }

  std::optional<Clock::time_point> next_event() const {
    if (stop_at_) return stop_at_;
    std::optional<Clock::time_point> next;
    for (const auto& watched : all_)
      if (watched.pid == 0 && (!next || watched.next_start < *next)) next = watched.next_start;
    return next;
  }

  void stop() {
    if (!stop_at_) stop_at_ = Clock::now() + patience_.stop_limit;
    for (const auto& watched : all_)
      if (watched.pid > 0) ::kill(watched.pid, SIGTERM);
  }

  void reap() {
    for (auto& watched : all_) {
      int status = 0;
      if (watched.pid > 0 && ::waitpid(watched.pid, &status, WNOHANG) == watched.pid)
        ended(watched, status);
    }
  }

  void ended(Watched& watched, int status) {
    const auto now = Clock::now();
    const auto ran = now - watched.started;
    watched.pid = 0;
    log::write<log::Event::role_ended>(watched.role->name,
                                       WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    if (stop_at_) {
      if (!WIFEXITED(status) || WEXITSTATUS(status) != good) status_ = failed;
      return;
    }
    if (!watched.settled && ran < patience_.settled_after) {
      log::write<log::Event::role_given_up>(watched.role->name);
      status_ = failed;
      stop();
      return;
    }
    watched.settled = true;
    if (ran >= patience_.forgiven_after) watched.pause = patience_.first_pause;
    watched.next_start = now + watched.pause;
    log::write<log::Event::role_restarting>(watched.role->name, watched.pause.count());
    watched.pause = std::min(watched.pause * 2, patience_.longest_pause);
  }

  void kill_hanging() {
    for (const auto& watched : all_) {
      if (watched.pid == 0) continue;
      log::write<log::Event::role_killed>(watched.role->name, patience_.stop_limit.count() / 1000);
      ::kill(watched.pid, SIGKILL);
    }
    status_ = failed;
    stop_at_ = Clock::time_point::max();  // what is killed ends; nothing more to do but to wait
  }

  const Patience patience_;
  const Signals signals_;
  std::vector<Watched> all_;
  std::optional<Clock::time_point> stop_at_;  // set: stopping; then the watchdog bites
  int status_ = good;
};

}  // namespace

int supervise(std::span<const Role> roles, const Patience& patience) {
  return Supervisor{roles, patience}.run();
}

}  // namespace ishara::commands
