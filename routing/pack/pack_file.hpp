#pragma once
// What a loader takes and what it answers. Packs are edited by people in spreadsheets, so that
// every mistake names its place and, where we can guess, the word that was meant.

#include <string>
#include <string_view>

namespace ishara::routing {

// One file of a language pack or a country pack. The last two parts of `name` count:
// "rw/lexicon.tsv" is the lexicon of Kinyarwanda, "rw-demo/routes.csv" a route file.
// Both views must outlive the call that takes them, and nothing longer.
struct PackFile {
  std::string_view name;
  std::string_view content;
};

struct Mistake {
  std::string file;
  unsigned line{};    // from 1; 0 where the file as a whole is meant
  unsigned column{};  // from 1, in characters
  std::string message;
  std::string suggestion;  // empty, or the value that was probably meant
};

}  // namespace ishara::routing
