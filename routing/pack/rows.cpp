#include "routing/pack/rows.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>

namespace ishara::routing {
namespace {

// The position of the first byte that is not UTF-8 (RFC 3629), or npos.
std::size_t first_invalid(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = [&](std::size_t i) {
      return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto lead = byte(at);
    std::size_t more = 0;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (lead < 0x80) {
      ++at;
      continue;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
      more = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      more = 2;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      more = 3;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return at;
    }
    if (byte(at + 1) < low || byte(at + 1) > high) return at;
    for (std::size_t i = 2; i <= more; ++i) {
      if (byte(at + i) < 0x80 || byte(at + i) > 0xBF) return at;
    }
    at += 1 + more;
  }
  return std::string_view::npos;
}

std::string trimmed(std::string text) {
  const auto last = text.find_last_not_of(' ');
  text.erase(last == std::string::npos ? 0 : last + 1);
  text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

// Reads cells one after another and knows where it is.
class Scanner {
 public:
  Scanner(const PackFile& file, std::vector<Mistake>& mistakes)
      : file_{file}, mistakes_{mistakes}, rest_{file.content} {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);  // spreadsheets like it
    separator_ = base_name(file.name).ends_with(".csv") ? ',' : '\t';
  }

  bool done() const noexcept { return rest_.empty(); }

  // The next row; nothing if its quotes are broken, which is a mistake, and the line is skipped.
  std::optional<Row> row() {
    Row cells;
    bool good = true;
    for (;;) {
      cells.push_back({{}, line_, column_});
      if (separator_ == ',' && !rest_.empty() && rest_.front() == '"') {
        good = quoted(cells.back()) && good;
      } else {
        good = plain(cells.back()) && good;
      }
      if (!rest_.empty() && rest_.front() == separator_) {
        take();
        continue;
      }
      break;
    }
    end_line();
    if (!good) return std::nullopt;
    return cells;
  }

 private:
  char take() noexcept {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\n') {
      ++line_;
      column_ = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++column_;  // continuation bytes belong to the character before them
    }
    return c;
  }

  bool at_line_end() const noexcept {
    return rest_.empty() || rest_.front() == '\n' || rest_.starts_with("\r\n");
  }

  void end_line() noexcept {
    while (!at_line_end()) take();
    while (!rest_.empty() && take() != '\n') {
    }
  }

  bool mistake(const char* message) {
    mistakes_.push_back({std::string{file_.name}, line_, column_, message, {}});
    return false;
  }

  bool plain(Cell& cell) {
    while (!at_line_end() && rest_.front() != separator_) {
      if (separator_ == ',' && rest_.front() == '"') {
        return mistake(
            "a quotation mark inside a cell: put the whole cell in quotation marks and "
            "double those inside");
      }
      if (static_cast<unsigned char>(rest_.front()) < 0x20) {
        return mistake("a control character");
      }
      cell.text += take();
    }
    cell.text = trimmed(std::move(cell.text));
    return true;
  }

  bool quoted(Cell& cell) {
    const auto line = line_;
    const auto column = column_;
    take();
    while (!rest_.empty()) {
      if (rest_.front() != '"') {
        cell.text += take();
        continue;
      }
      take();
      if (rest_.empty() || rest_.front() != '"') {
        cell.text = trimmed(std::move(cell.text));
        if (!at_line_end() && rest_.front() != separator_) {
          return mistake("text after the closing quotation mark");
        }
        return true;
      }
      cell.text += take();
    }
    mistakes_.push_back(
        {std::string{file_.name}, line, column, "this quotation mark is never closed", {}});
    return false;
  }

  const PackFile& file_;
  std::vector<Mistake>& mistakes_;
  std::string_view rest_;
  char separator_;
  unsigned line_{1};
  unsigned column_{1};
};

bool is_blank(const Row& row) {
  return std::all_of(row.begin(), row.end(), [](const Cell& cell) { return cell.text.empty(); });
}

// Letters to insert, drop, change or swap with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> previous(b.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{0});
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto change = previous[j - 1] + static_cast<std::size_t>(a[i - 1] != b[j - 1]);
      current[j] = std::min({change, previous[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

constexpr auto no_column = static_cast<std::size_t>(-1);

}  // namespace

std::string_view base_name(std::string_view name) noexcept {
  const auto slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

std::string_view folder_name(std::string_view name) noexcept {
  return name.substr(0, name.size() - base_name(name).size());
}

std::string closest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.empty() || text.size() > 64) return {};
  const auto lower = [](std::string_view mixed) {
    std::string result{mixed};
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
  };
  std::string_view best;
  auto fewest = text.size() / 3 + 2;
  for (const auto candidate : candidates) {
    if (candidate.size() > text.size() + fewest) continue;
    const auto edits = distance(lower(text), lower(candidate));
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return std::string{best};
}

void complain(std::vector<Mistake>& mistakes, const PackFile& file, const Cell& cell,
              std::string message, std::string suggestion) {
  mistakes.push_back(
      {std::string{file.name}, cell.line, cell.column, std::move(message), std::move(suggestion)});
}

std::vector<Row> read_rows(const PackFile& file, std::initializer_list<ColumnName> columns,
                           std::vector<Mistake>& mistakes) {
  if (const auto at = first_invalid(file.content); at != std::string_view::npos) {
    const auto line = 1 + std::count(file.content.begin(),
                                     file.content.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    mistakes.push_back({std::string{file.name},
                        static_cast<unsigned>(line),
                        0,
                        "not UTF-8 from here on: save the file again with the encoding UTF-8",
                        {}});
    return {};
  }
  Scanner scanner{file, mistakes};
  if (scanner.done()) {
    mistakes.push_back({std::string{file.name},
                        0,
                        0,
                        "the file is empty: its first row must name "
                        "the columns",
                        {}});
    return {};
  }
  const auto header = scanner.row();
  if (!header) return {};

  std::vector<std::string_view> names;
  for (const auto& column : columns) names.push_back(column.name);
  std::vector<std::size_t> place(header->size(), no_column);  // of each cell among `columns`
  bool usable = true;
  for (std::size_t i = 0; i < header->size(); ++i) {
    const auto& cell = (*header)[i];
    const auto found = std::find(names.begin(), names.end(), cell.text);
    if (found == names.end()) {
      complain(mistakes, file, cell,
               "there is no column '" + cell.text + "' in " + std::string{base_name(file.name)},
               closest(cell.text, names));
      usable = false;
      continue;
    }
    place[i] = static_cast<std::size_t>(found - names.begin());
    if (std::count(place.begin(), place.end(), place[i]) > 1) {
      complain(mistakes, file, cell, "the column '" + cell.text + "' stands here twice");
      usable = false;
    }
  }
  std::size_t index = 0;
  for (const auto& column : columns) {
    if (column.be_filled == Must::yes &&
        std::find(place.begin(), place.end(), index) == place.end()) {
      mistakes.push_back({std::string{file.name},
                          1,
                          1,
                          "the column '" + std::string{column.name} + "' is missing",
                          {}});
      usable = false;
    }
    ++index;
  }
  if (!usable) return {};

  std::vector<Row> rows;
  while (!scanner.done()) {
    auto cells = scanner.row();
    if (!cells || is_blank(*cells)) continue;
    if (cells->size() != header->size()) {
      complain(mistakes, file, cells->front(),
               "this row has " + std::to_string(cells->size()) + " cells, the header has " +
                   std::to_string(header->size()));
      continue;
    }
    Row row(columns.size(), Cell{{}, cells->back().line, cells->back().column});
    for (std::size_t i = 0; i < cells->size(); ++i) row[place[i]] = std::move((*cells)[i]);
    bool filled = true;
    index = 0;
    for (const auto& column : columns) {
      if (column.be_filled == Must::yes && row[index].text.empty()) {
        complain(mistakes, file, row[index],
                 "the cell '" + std::string{column.name} + "' must not be empty");
        filled = false;
      }
      ++index;
    }
    if (filled) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace ishara::routing
