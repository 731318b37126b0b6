#pragma once
// What a person's command stops with. Thread-safe, as values are.

#include <stdexcept>
#include <string>
#include <utility>

namespace ishara::commands {

// What happened and what to do, for people; `complain` (commands.hpp) tells both.
class CommandError : public std::runtime_error {
 public:
  CommandError(const std::string& what, std::string what_to_do)
      : std::runtime_error{what}, what_to_do_{std::move(what_to_do)} {}
  const std::string& what_to_do() const noexcept { return what_to_do_; }

 private:
  std::string what_to_do_;
};

}  // namespace ishara::commands
