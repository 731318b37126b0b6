#pragma once
// How languages bend the name of a place: endings ("Toshkentda", «в Хиве») and the little words
// that Arabic writes together with a name ("بالقاهرة"). Pure functions; the text stays in `memory`.

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

namespace ishara::routing {

// How the words around a name, or its own ending, speak of it.
enum class Cue : std::uint8_t {
  none,
  location,     // "in Huye"
  destination,  // "taken to Huye": a mere destination is no region
};

struct BaseForm {
  std::string_view name;
  Cue cue{};  // what the ending says by itself
};

// The names that `token` (folded) may be a form of, likelier ones first; the token itself is not
// among them. Most are no names: whoever asks looks them up. Cleared first, allocated in its own
// resource.
void base_forms(std::string_view token, std::pmr::vector<BaseForm>& forms);

}  // namespace ishara::routing
