#include "gateway/identity/shares.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/layout.hpp"
#include "gateway/identity/wire.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::identity {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t data_size = 8;   // of a line
constexpr std::size_t check_size = 2;  // after it
constexpr std::size_t line_size = data_size + check_size;
constexpr std::size_t line_characters = line_size * 8 / 5;
constexpr std::size_t group = 4;  // characters
constexpr std::string_view letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t sheet_size = sheet_lines * data_size;

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ishara.shares"; }
  std::string message(int code) const override {
    switch (static_cast<shares_errc>(code)) {
      case shares_errc::same_sheet:
        return "both are the same sheet, and it takes two different ones";
      case shares_errc::different_keys:
        return "the two sheets belong to different keys";
      case shares_errc::different_sets:
        return "the two sheets are of one key, but were not made together";
      case shares_errc::wrong_key:
        return "the two sheets do not give the key that they name";
    }
    return "unknown";
  }
};

void append(crypto::WipedBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

crypto::Secret<32> exclusive_or(const crypto::Secret<32>& left, const crypto::Secret<32>& right) {
  crypto::Secret<32> out;
  std::ranges::transform(left.reveal(), right.reveal(), out.fill().begin(),
                         [](std::uint8_t a, std::uint8_t b) -> std::uint8_t { return a ^ b; });
  return out;
}

crypto::Secret<32> copy(const crypto::Secret<32>& secret) {
  return crypto::Secret<32>{secret.reveal()};
}

std::array<std::uint8_t, 5> mark_of(const HeldKey& key) {
  const auto kid = crypto::key_id(public_key_of(key.kind, key.seed));
  std::array<std::uint8_t, 5> mark;
  std::copy_n(kid.begin(), mark.size(), mark.begin());
  return mark;
}

std::array<std::uint8_t, check_size> check_of(std::size_t number, crypto::View head,
                                              crypto::View data) {
  const std::array<std::uint8_t, 1> number_byte{static_cast<std::uint8_t>(number)};
  const auto hash = crypto::hash16(
      {layout::tag("ishara/v1/sheet"), number_byte, number > 1 ? head : crypto::View{}, data});
  return {hash[0], hash[1]};
}

// The bytes of all lines, without their checks.
crypto::WipedBytes bytes_of(const Sheet& sheet) {
  crypto::WipedBytes bytes(sheet_size);
  Writer write{bytes};
  write.u8(version);
  write.u8(static_cast<std::uint8_t>(sheet.kind));
  write.u8(static_cast<std::uint8_t>(sheet.letter));
  write.bytes(sheet.mark);
  write.bytes(sheet.id);
  write.bytes(sheet.first.reveal());
  write.bytes(sheet.second.reveal());
  return bytes;
}

Sheet sheet_of(crypto::View bytes) {
  Sheet sheet;
  sheet.kind = static_cast<KeyKind>(bytes[1]);
  sheet.letter = static_cast<char>(bytes[2]);
  std::ranges::copy(bytes.subspan<3, 5>(), sheet.mark.begin());
  std::ranges::copy(bytes.subspan<8, 16>(), sheet.id.begin());
  sheet.first = crypto::Secret<32>{bytes.subspan<24, 32>()};
  sheet.second = crypto::Secret<32>{bytes.subspan<56, 32>()};
  return sheet;
}

bool is_head(crypto::View head) {
  return head[0] == version && head[1] >= static_cast<std::uint8_t>(KeyKind::root) &&
         head[1] <= static_cast<std::uint8_t>(KeyKind::recovery) && head[2] >= 'A' &&
         head[2] <= 'C';
}

// Nothing for a character that no line has.
std::optional<std::uint8_t> value_of(char typed) {
  if (typed >= 'a' && typed <= 'z') typed = static_cast<char>(typed - 'a' + 'A');
  if (typed == 'O') typed = '0';
  if (typed == 'I' || typed == 'L') typed = '1';
  const auto place = letters.find(typed);
  if (place == letters.npos) return std::nullopt;
  return static_cast<std::uint8_t>(place);
}

bool is_space(char c) { return c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n'; }

struct Line {
  crypto::WipedBytes data;
  std::string mistake;  // empty: there is none
};

Line decode_line(std::size_t number, crypto::View head, std::string_view typed) {
  crypto::WipedBytes values;
  for (const char c : typed) {
    if (is_space(c)) continue;
    const auto value = value_of(c);
    if (!value)
      return {{},
              "character " + std::to_string(values.size() + 1) + " is none that a sheet can have"};
    values.push_back(*value);
  }
  if (values.size() != line_characters)
    return {{}, "it has " + std::to_string(values.size()) + " characters and must have 16"};
  crypto::WipedBytes bytes(line_size);
  for (std::size_t bit = 0; bit < line_size * 8; ++bit)
    if ((values[bit / 5] >> (4 - bit % 5) & 1) != 0)
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | 0x80U >> bit % 8);
  const crypto::View all{bytes};
  const auto data = all.first(data_size);
  if (!crypto::equal(all.last(check_size), check_of(number, head, data)))
    return {{},
            number == 1 ? "it is mistyped, or is not the first line of a sheet"
                        : "it is mistyped, or belongs to another line or another sheet"};
  if (number == 1 && !is_head(data))
    return {{}, "this version of ishara does not know such sheets"};
  return {{data.begin(), data.end()}, {}};
}

// The number before a line, which is taken off; nothing for a line that has none.
std::optional<std::size_t> take_number(std::string_view& line) {
  auto rest = line;
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  std::size_t number = 0;
  std::size_t digits = 0;
  for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits)
    if (number <= sheet_lines) number = number * 10 + static_cast<std::size_t>(rest[digits] - '0');
  if (digits == 0 || digits == rest.size() || number < 1 || number > sheet_lines)
    return std::nullopt;
  constexpr std::string_view ends_number = ":.) \t";
  if (ends_number.find(rest[digits]) == ends_number.npos) return std::nullopt;
  line = rest.substr(digits + 1);
  return number;
}

std::string grouped(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i > 0 && i % 8 == 0) out += ' ';
    out += hex[i];
  }
  return out;
}

std::string_view purpose(KeyKind kind) {
  switch (kind) {
    case KeyKind::root:
      return "It signs which organisations and services belong to it.";
    case KeyKind::organisation:
      return "It signs who works for it, and in which queues.";
    case KeyKind::recovery:
      return "It opens its reports when nobody else can.";
    case KeyKind::user:
    case KeyKind::service:
      break;
  }
  return "";
}

}  // namespace

const boost::system::error_category& shares_category() noexcept {
  static const Category category;
  return category;
}

std::array<Sheet, 3> split(const HeldKey& key) {
  const auto one = crypto::random_secret<32>();
  const auto two = crypto::random_secret<32>();
  const auto three = exclusive_or(exclusive_or(key.seed, one), two);
  const auto mark = mark_of(key);
  return {Sheet{key.kind, 'A', key.id, mark, copy(one), copy(two)},
          Sheet{key.kind, 'B', key.id, mark, copy(two), copy(three)},
          Sheet{key.kind, 'C', key.id, mark, copy(three), copy(one)}};
}

boost::system::result<HeldKey> combine(const Sheet& left, const Sheet& right) {
  if (left.kind != right.kind || left.mark != right.mark || left.id != right.id)
    return shares_errc::different_keys;
  if (left.letter == right.letter) return shares_errc::same_sheet;
  // The one whose second part is the other's first: A before B, B before C, C before A.
  const bool in_order = (left.letter - 'A' + 1) % 3 == right.letter - 'A';
  const auto& before = in_order ? left : right;
  const auto& after = in_order ? right : left;
  if (!crypto::equal(before.second.reveal(), after.first.reveal()))
    return shares_errc::different_sets;
  HeldKey key{left.kind, left.id,
              exclusive_or(exclusive_or(before.first, before.second), after.second)};
  if (mark_of(key) != left.mark) return shares_errc::wrong_key;
  return key;
}

crypto::WipedBuffer sheet_line(const Sheet& sheet, std::size_t number) {
  const auto bytes = bytes_of(sheet);
  const auto data = crypto::View{bytes}.subspan((number - 1) * data_size, data_size);
  const auto check = check_of(number, crypto::View{bytes}.first(data_size), data);
  crypto::WipedBytes line{data.begin(), data.end()};
  line.insert(line.end(), check.begin(), check.end());
  crypto::WipedBuffer out;
  for (std::size_t i = 0; i < line_characters; ++i) {
    if (i > 0 && i % group == 0) out.push_back(' ');
    unsigned value = 0;
    for (std::size_t bit = i * 5; bit < i * 5 + 5; ++bit)
      value = value << 1 | (line[bit / 8] >> (7 - bit % 8) & 1U);
    out.push_back(letters[value]);
  }
  return out;
}

crypto::WipedBuffer printed(const Sheet& sheet, const SheetHeading& heading) {
  const auto hex = crypto::hex(heading.public_key);
  const auto words = key_fingerprint(sheet.kind, heading.public_key);
  // After the fourth word.
  std::size_t half = 0;
  for (int i = 0; i < 4; ++i) half = words.find(' ', half) + 1;
  const std::string letter{sheet.letter};
  crypto::WipedBuffer out;
  append(out, "ISHARA KEY SHEET " + letter + ", one of the three A, B and C\n\n");
  append(out, "Key:         " + std::string{name_of(sheet.kind)} + " key of " + heading.name +
                  "\n             " + std::string{purpose(sheet.kind)} + "\n");
  append(out, "Id:          " + crypto::hex(sheet.id) + "\n");
  append(out, "Public key:  " + grouped(hex.substr(0, 32)) + "\n             " +
                  grouped(hex.substr(32)) + "\n");
  append(out, "Words:       " + words.substr(0, half - 1) + "\n             " + words.substr(half) +
                  "\n");
  append(out, "Made on:     " + heading.day + "\n");
  append(out, "Holder:      " + (heading.holder.empty() ? std::string(40, '_') : heading.holder) +
                  "\n\n\n");
  for (std::size_t number = 1; number <= sheet_lines; ++number) {
    append(out, number < 10 ? "         " : "        ");
    append(out, std::to_string(number) + ":  ");
    append(out, crypto::view(sheet_line(sheet, number)));
    append(out, number == 3 || number == 7 ? "\n\n" : "\n");
  }
  append(out, R"(

How to keep it
  This sheet alone gives nothing away. Any two of the three give the key.
  - Seal it in an envelope, sign across the edge, and lock it away where no
    other sheet of this key lies.
  - Never copy, photograph, scan, send or read it out.
  - Once a year two holders rehearse, on a computer without network:
    ishara key check
  - If it is lost, or others have seen it, tell the two other holders at
    once. They make three new sheets with ishara key combine --new-sheets,
    and burn their old ones.

How to type it
  Type the 11 lines, each behind its number. Case, spaces and hyphens do
  not matter. No letter here is an I, L, O or U: it is a one or a zero.
  A mistyped line is found and named.
)");
  return out;
}

std::optional<std::string> SheetReader::take(std::string_view typed) {
  if (next_ > sheet_lines) return "all lines are there already";
  auto without_number = typed;
  // Whoever types the number too means the line.
  if (take_number(without_number) == next_ && typed.find(':') != typed.npos) typed = without_number;
  const auto head = crypto::View{bytes_}.first(std::min(bytes_.size(), data_size));
  auto line = decode_line(next_, head, typed);
  if (!line.mistake.empty()) return std::move(line.mistake);
  bytes_.insert(bytes_.end(), line.data.begin(), line.data.end());
  ++next_;
  return std::nullopt;
}

Sheet SheetReader::sheet() const { return sheet_of(bytes_); }

ReadSheet read_sheet(std::string_view text) {
  ReadSheet out;
  std::array<std::optional<std::string_view>, sheet_lines + 1> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto number = take_number(line);
    if (!number) continue;
    if (lines[*number])
      out.mistakes.push_back({*number, "it is there twice"});
    else
      lines[*number] = line;
  }
  if (std::ranges::none_of(lines, [](const auto& line) { return line.has_value(); }))
    return {{}, {{0, "there is no line that begins with a number, as those of a sheet do"}}};
  crypto::WipedBytes bytes(sheet_size);
  for (std::size_t number = 1; number <= sheet_lines; ++number) {
    if (!lines[number]) {
      out.mistakes.push_back({number, "it is missing"});
    } else {
      const auto line = decode_line(number, crypto::View{bytes}.first(data_size), *lines[number]);
      if (!line.mistake.empty()) out.mistakes.push_back({number, line.mistake});
      std::ranges::copy(line.data,
                        bytes.begin() + static_cast<std::ptrdiff_t>((number - 1) * data_size));
    }
    // Without the first line no other can be checked.
    if (number == 1 && !out.mistakes.empty()) return out;
  }
  if (out.mistakes.empty()) out.sheet = sheet_of(bytes);
  return out;
}

}  // namespace ishara::identity
