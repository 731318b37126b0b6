#include "gateway/commands/key_files.hpp"

#include <algorithm>

#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"

namespace ishara::commands {
namespace {

constexpr std::size_t longest_sheet_file = 64 * 1024;

std::string advice(identity::shares_errc error) {
  switch (error) {
    case identity::shares_errc::same_sheet:
      return "take sheets with different letters: A and B, B and C, or C and A";
    case identity::shares_errc::different_keys:
      return "compare the name, the id and the words at the head of the two sheets";
    case identity::shares_errc::different_sets:
      return "compare the days on which they were made; one is of an older set, to be burnt";
    case identity::shares_errc::wrong_key:
      return "one of the two is not a sheet that ishara printed: try each with the third, and ask "
             "its holder";
  }
  return "";
}

}  // namespace

identity::UserFile read_sealed_key(const std::filesystem::path& file) {
  const auto bytes = config::read_key_file(file, identity::user_file_size);
  if (!bytes)
    throw CommandError{file.string() + ": " + bytes.error().message(),
                       bytes.error() == config::key_file_errc::wrong_size
                           ? "give a sealed key file, as `ishara key` makes them"
                           : "it must be a file of yours with mode 0600 and no second name"};
  if (const auto head = identity::read_sealed_key_head(*bytes); !head)
    throw CommandError{file.string() + ": " + head.error().message(),
                       "give a sealed key file, as `ishara key` makes them"};
  identity::UserFile out;
  std::ranges::copy(*bytes, out.begin());
  return out;
}

identity::HeldKey open_sealed_key(const std::filesystem::path& file, std::string_view passphrase) {
  auto key = identity::blocking_open_sealed_key(read_sealed_key(file), passphrase);
  if (!key)
    throw CommandError{file.string() + ": " + key.error().message(),
                       "type all six words, or all 24 digits, as they were shown"};
  return std::move(*key);
}

identity::Sheet read_sheet_file(const std::filesystem::path& file) {
  const auto bytes = config::read_secret_file(file, longest_sheet_file);
  if (!bytes)
    throw CommandError{file.string() + ": " + bytes.error().message(),
                       "it must be a file of yours with mode 0600 and no second name"};
  auto read = identity::read_sheet({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (read.sheet) return std::move(*read.sheet);
  std::string mistakes;
  for (const auto& mistake : read.mistakes) {
    if (!mistakes.empty()) mistakes += "\n  ";
    if (mistake.line > 0) mistakes += "line " + std::to_string(mistake.line) + ": ";
    mistakes += mistake.what;
  }
  throw CommandError{file.string() + ": " + mistakes, "compare these lines with the paper"};
}

identity::HeldKey combine_sheets(const identity::Sheet& left, const identity::Sheet& right) {
  auto key = identity::combine(left, right);
  if (!key)
    throw CommandError{key.error().message(),
                       advice(static_cast<identity::shares_errc>(key.error().value()))};
  return std::move(*key);
}

namespace {

identity::Sheet typed_sheet(const char* which) {
  if (!say("The " + std::string{which} + " sheet. Type its 11 lines as they stand there.\n"))
    throw CommandError{"there is no terminal to type the sheets on",
                       "name two files with --sheet, each with the 11 lines of a sheet"};
  identity::SheetReader reader;
  while (reader.next() <= identity::sheet_lines) {
    const auto number = reader.next();
    const auto line = ask((number < 10 ? "   " : "  ") + std::to_string(number) + ": ");
    if (!line) throw CommandError{"the sheet was not typed to its end", "run it again"};
    if (const auto mistake = reader.take(crypto::view(*line)))
      say("Line " + std::to_string(number) + ": " + *mistake + ".\n");
  }
  clear_screen();
  return reader.sheet();
}

}  // namespace

identity::HeldKey key_of_two_sheets(const std::vector<std::filesystem::path>& files) {
  if (files.size() > 2)
    throw CommandError{"any two sheets give the key, and --sheet names a third",
                       "name two of them"};
  const auto left = files.empty() ? typed_sheet("first") : read_sheet_file(files[0]);
  const auto right = files.size() < 2 ? typed_sheet("other") : read_sheet_file(files[1]);
  return combine_sheets(left, right);
}

}  // namespace ishara::commands
