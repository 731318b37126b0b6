#pragma once
// `ishara understand`, as functions of streams.

#include <iosfwd>

#include "routing/snapshot.hpp"
#include "routing/understand/evaluation.hpp"

namespace ishara::commands {

// For every line of `texts` one line of `answers`, as design.md section 3 fixes it. The texts live
// in wiped memory only; bytes that are not UTF-8 are repaired first.
void understand_lines(std::istream& texts, std::ostream& answers, const routing::Hints& hints,
                      const routing::Snapshot& snapshot);

// What `--evaluate` found, as tables for people and as one JSON object.
void print_report(const routing::Evaluation& found, std::ostream& out);
void print_json(const routing::Evaluation& found, std::ostream& out);

}  // namespace ishara::commands
