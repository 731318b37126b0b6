#pragma once
// The files of a country pack as one sequence of bytes, as routing versions are stored:
//
//   "ishara pack 1" LF *( name LF size LF content )      size: bytes of content, decimal
//
// Pure functions, thread-safe.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/pack/pack_file.hpp"

namespace ishara::routing {

// Names hold no line feed.
std::string bundle(std::span<const PackFile> files);

// Views into `bytes`; nothing if they are no bundle.
std::optional<std::vector<PackFile>> unbundle(std::string_view bytes);

}  // namespace ishara::routing
