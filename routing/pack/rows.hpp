#pragma once
// Tables as spreadsheets write them: CSV (RFC 4180, UTF-8) and plain TSV, told apart by the file's
// suffix. The first row names the columns, in any order. Pure functions without state.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/pack/pack_file.hpp"

namespace ishara::routing {

struct Cell {
  std::string text;  // without the spaces around it
  unsigned line{};
  unsigned column{};  // in characters, from 1
};

// The cells of a row in the order in which the columns were asked for; a cell of a column that the
// file does not have is empty and points to the row's end.
using Row = std::vector<Cell>;

enum class Must : bool { no, yes };

struct ColumnName {
  std::string_view name;
  Must be_filled{Must::yes};
};

// All rows below the header that are good as such: empty lines are skipped, and every mistake is
// added to `mistakes` (a column that is missing, unknown or doubled, too many or too few cells, an
// empty cell that must be filled, broken quotes, bytes that are not UTF-8).
std::vector<Row> read_rows(const PackFile& file, std::initializer_list<ColumnName> columns,
                           std::vector<Mistake>& mistakes);

// The part of a file's name behind its last slash.
std::string_view base_name(std::string_view name) noexcept;

// The part before it, with the slash: the files of one pack share it.
std::string_view folder_name(std::string_view name) noexcept;

// The candidate that differs from `text` by few letters, for "did you mean"; empty if none does.
std::string closest(std::string_view text, std::span<const std::string_view> candidates);

// Adds a mistake at a cell.
void complain(std::vector<Mistake>& mistakes, const PackFile& file, const Cell& cell,
              std::string message, std::string suggestion = {});

}  // namespace ishara::routing
