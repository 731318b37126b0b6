#pragma once
// `ishara route explain`, without the command line around it.

#include <chrono>
#include <iosfwd>
#include <string>

#include "routing/snapshot.hpp"

namespace ishara::commands {

struct Explain {
  std::string region{};    // a code of the region tree; empty for none known
  std::string category{};  // its three letters
  std::string language{};
  bool urgent = false;
  std::string consent = "ngo";  // or police
  std::string text{};           // looked at for exclusions, officials and words of self-harm only
  std::chrono::sys_seconds now{};
};

// Prints one line of JSON, as design.md section 3 fixes it, to `answers` and returns `good`; of
// what is urgent also the helpline that would be named, and what stands against each other one. Or
// says on `errors` what is wrong with the question and returns `bad_usage`.
int explain(const Explain& asked, const routing::Snapshot& snapshot, std::ostream& answers,
            std::ostream& errors);

}  // namespace ishara::commands
