#pragma once
// `ishara sms measure`, as a function of two streams.

#include <iosfwd>

namespace ishara::commands {

// For every line of `texts` one line of `answers`:
// {"encoding":"gsm7|ucs2","units":n,"segments":n,"forced_by":"’"}, with null for gsm7. A text is
// everything up to the line feed: a carriage return before it counts.
void measure_lines(std::istream& texts, std::ostream& answers);

}  // namespace ishara::commands
