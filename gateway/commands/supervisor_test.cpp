#include "gateway/commands/supervisor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "gateway/commands/commands.hpp"

namespace ishara::commands {
namespace {

using namespace std::chrono_literals;

constexpr auto never = 3'600'000ms;

Role shell(RoleName name, const std::string& script) { return {name, {"/bin/sh", "-c", script}}; }

// Runs supervise() in a process of its own; the roles inherit a pipe as descriptor 3.
class Supervised {
 public:
  Supervised(std::vector<Role> roles, Patience patience) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], 3);
      ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
      ::_exit(supervise(roles, patience));
    }
    ::close(ends[1]);
    read_ = ends[0];
  }
  ~Supervised() {
    ::close(read_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;

  // One byte that a role wrote; 0 when all of them are gone; '?' when that takes for ever.
  char next() {
    pollfd ready{read_, POLLIN, 0};
    if (::poll(&ready, 1, 20'000) != 1) return '?';
    char byte = 0;
    return ::read(read_, &byte, 1) == 1 ? byte : '\0';
  }
  void signal(int number) { ::kill(pid_, number); }
  int exit_code() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  int read_ = -1;
};

const std::string until_asked =
    "trap 'printf s >&3; exit 0' TERM; printf r >&3; for i in $(seq 400); do sleep 0.05; done";

}  // namespace

TEST_CASE("roles run until the signal, stop by themselves, and all is good") {
  Supervised serve{{shell(RoleName::gateway, until_asked), shell(RoleName::desk, until_asked)}, {}};
  CHECK(serve.next() == 'r');
  CHECK(serve.next() == 'r');
  serve.signal(SIGTERM);
  CHECK(serve.next() == 's');
  CHECK(serve.next() == 's');
  CHECK(serve.next() == '\0');
  CHECK(serve.exit_code() == good);
}

TEST_CASE("a role that cannot start stops the others and fails the whole") {
  Supervised serve{
      {shell(RoleName::gateway, until_asked), shell(RoleName::desk, "read x <&3; exit 1")},
      {.settled_after = never}};
  CHECK(serve.exit_code() == failed);
  char last = '\0';
  for (char byte = serve.next(); byte == 'r' || byte == 's'; byte = serve.next()) last = byte;
  CHECK((last == 's' || last == '\0'));  // asked to stop, or stopped before it had set its trap
}

TEST_CASE("a program that does not exist fails the whole") {
  Supervised serve{{Role{RoleName::gateway, {"/nonexistent/ishara"}}}, {.settled_after = never}};
  CHECK(serve.exit_code() == failed);
}

TEST_CASE("a role that dies is started again") {
  Supervised serve{{shell(RoleName::gateway, "printf x >&3; kill -KILL $$")},
                   {.settled_after = 0ms, .first_pause = 1ms, .longest_pause = 1ms}};
  for (int i = 0; i < 5; ++i) CHECK(serve.next() == 'x');
  serve.signal(SIGINT);
  while (serve.next() == 'x') {
  }
  serve.exit_code();
}

TEST_CASE("a role that does not stop in time is killed, and the whole fails") {
  Supervised serve{{shell(RoleName::gateway, "trap '' TERM; printf r >&3; exec sleep 3600")},
                   {.stop_limit = 50ms}};
  CHECK(serve.next() == 'r');
  serve.signal(SIGTERM);
  CHECK(serve.next() == '\0');
  CHECK(serve.exit_code() == failed);
}

TEST_CASE("no role outlives a supervisor that is killed") {
  Supervised serve{{shell(RoleName::gateway, until_asked)}, {}};
  CHECK(serve.next() == 'r');
  serve.signal(SIGKILL);
  CHECK(serve.next() == 's');
  CHECK(serve.next() == '\0');
}

}  // namespace ishara::commands
