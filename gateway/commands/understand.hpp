#pragma once
// `ishara understand`, as a function of two streams.

#include <iosfwd>

#include "routing/snapshot.hpp"

namespace ishara::commands {

// For every line of `texts` one line of `answers`, as design.md section 3 fixes it. The texts live
// in wiped memory only; bytes that are not UTF-8 are repaired first.
void understand_lines(std::istream& texts, std::ostream& answers, const routing::Hints& hints,
                      const routing::Snapshot& snapshot);

}  // namespace ishara::commands
