#pragma once
// The committed vectors: made from fixed inputs, so that the same bytes come out each time.

#include <map>
#include <string>

namespace ishara::test {

// The content of each file by its name.
std::map<std::string, std::string> generate_vectors();

}  // namespace ishara::test
