#include "gateway/identity/shares.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::identity {
namespace {

HeldKey new_key(KeyKind kind) {
  return {kind, crypto::random_bytes<16>(), crypto::random_secret<32>()};
}

std::string text(const crypto::WipedBuffer& buffer) { return {buffer.begin(), buffer.end()}; }

std::string page(const Sheet& sheet, const HeldKey& key) {
  return text(printed(
      sheet, {"Umoja Trust", "Officer A", "2026-11-22", public_key_of(key.kind, key.seed)}));
}

// The 11 lines alone, as somebody types them.
std::string lines_of(const Sheet& sheet) {
  std::string out;
  for (std::size_t number = 1; number <= sheet_lines; ++number)
    out += std::to_string(number) + ": " + text(sheet_line(sheet, number)) + "\n";
  return out;
}

std::string with_line(const std::string& lines, std::size_t number, const std::string& line) {
  const auto begin = lines.find(std::to_string(number) + ": ");
  const auto end = lines.find('\n', begin);
  return lines.substr(0, begin) + line + lines.substr(end);
}

void check_one_mistake(const std::string& lines, std::size_t line, std::string_view what) {
  const auto read = read_sheet(lines);
  CHECK_FALSE(read.sheet.has_value());
  REQUIRE(read.mistakes.size() == 1);
  CHECK(read.mistakes[0].line == line);
  CHECK(read.mistakes[0].what == what);
}

TEST_CASE("Any two of the three printed sheets, in either order, give the key back") {
  for (const auto kind : {KeyKind::root, KeyKind::organisation, KeyKind::recovery}) {
    const auto key = new_key(kind);
    const auto sheets = split(key);
    for (const auto& [left, right] : {std::pair{0, 1}, {1, 2}, {2, 0}, {1, 0}, {2, 1}, {0, 2}}) {
      CAPTURE(name_of(kind));
      CAPTURE(left);
      CAPTURE(right);
      const auto one = read_sheet(page(sheets[static_cast<std::size_t>(left)], key));
      const auto other = read_sheet(page(sheets[static_cast<std::size_t>(right)], key));
      const auto rebuilt = combine(one.sheet.value(), other.sheet.value()).value();
      CHECK(rebuilt.kind == kind);
      CHECK(rebuilt.id == key.id);
      CHECK(crypto::equal(rebuilt.seed.reveal(), key.seed.reveal()));
    }
  }
}

// P28: what a caseworker sealed away can be opened when she and all her colleagues are gone.
TEST_CASE(
    "Recovery rehearsal: sheets AB, BC and CA open a report by its grant, one sheet does not") {
  const auto recovery = new_key(KeyKind::recovery);
  const auto recovery_public = public_key_of(KeyKind::recovery, recovery.seed);

  const auto queue = crypto::random_bytes<16>();
  const auto queue_seed = crypto::random_secret<32>();
  const auto queue_public = queue_box_key(queue_seed).public_key;
  const auto grant = seal_queue_grant(queue_seed, queue, recovery.id, 0, recovery_public).value();
  const auto report = crypto::random_bytes<16>();
  const std::string json = R"({"k":"msg","ch":"sms","t":"canary 7f3k help"})";
  const auto sealed = seal_text(500'000, report, crypto::bytes_of(json));
  const auto sender = crypto::box_key();
  const QueueKeyId queue_kid{crypto::key_id(queue_public), 0};
  const auto wrap =
      wrap_key(sealed.key, report, sealed.message_id, queue_kid,
               {sender.public_key, *crypto::shared_key(queue_public, sender.secret_key)});

  const auto sheets = split(recovery);
  for (const auto& [left, right] : {std::pair{0, 1}, {1, 2}, {2, 0}}) {
    CAPTURE(left);
    const auto one = read_sheet(page(sheets[static_cast<std::size_t>(left)], recovery));
    const auto other = read_sheet(page(sheets[static_cast<std::size_t>(right)], recovery));
    const auto rebuilt = combine(*one.sheet, *other.sheet).value();
    const auto opened_seed =
        open_queue_grant(grant, queue, rebuilt.id, 0, crypto::box_key(rebuilt.seed)).value();
    const auto queue_key = queue_box_key(opened_seed);
    CHECK(queue_key.public_key == queue_public);
    const auto key = open_key_wrap(wrap, report, sealed.message_id, queue_kid, queue_key).value();
    const auto opened = open_text(sealed.envelope, 500'000, report, sealed.message_id, key).value();
    CHECK(std::string{opened.begin(), opened.end()} == json);
  }

  for (const auto& sheet : sheets) {
    CAPTURE(sheet.letter);
    crypto::Secret<32> both;
    std::ranges::transform(sheet.first.reveal(), sheet.second.reveal(), both.fill().begin(),
                           [](std::uint8_t a, std::uint8_t b) -> std::uint8_t { return a ^ b; });
    for (const auto* guess :
         std::initializer_list<const crypto::Secret<32>*>{&sheet.first, &sheet.second, &both})
      CHECK_FALSE(
          open_queue_grant(grant, queue, recovery.id, 0, crypto::box_key(*guess)).has_value());
    const auto copy = read_sheet(page(sheet, recovery));
    CHECK(combine(sheet, *copy.sheet).error() == shares_errc::same_sheet);
  }
}

TEST_CASE("Sheets that another program printed are read, and ours are the same") {
  const auto one = read_sheet(
      "1: 040M 3Z7N 3C5G RD58\n"
      "2: 0M2G A185 0M2G BEGJ\n"
      "3: 0M2G A185 0M2G AP3H\n"
      "4: 248H 248H 248H 2N4G\n"
      "5: 248H 248H 248H 3C7K\n"
      "6: 248H 248H 248H 2SN6\n"
      "7: 248H 248H 248H 338Y\n"
      "8: 48H2 48H2 48H2 56H3\n"
      "9: 48H2 48H2 48H2 5QPT\n"
      "10: 48H2 48H2 48H2 4DXA\n"
      "11: 48H2 48H2 48H2 4E03\n");
  const auto other = read_sheet(
      "1: 040M 7Z7N 3C5G R5SX\n"
      "2: 0M2G A185 0M2G BCS3\n"
      "3: 0M2G A185 0M2G B39J\n"
      "4: 8H24 8H24 8H24 9APG\n"
      "5: 8H24 8H24 8H24 9ZHJ\n"
      "6: 8H24 8H24 8H24 93P2\n"
      "7: 8H24 8H24 8H24 9EAY\n"
      "8: 248H 248H 248H 29ZV\n"
      "9: 248H 248H 248H 36N5\n"
      "10: 248H 248H 248H 3E1B\n"
      "11: 248H 248H 248H 3FYC\n");
  const auto key = combine(one.sheet.value(), other.sheet.value()).value();
  CHECK(key.kind == KeyKind::root);
  CHECK(std::ranges::count(key.id, 5) == 16);
  CHECK(std::ranges::count(key.seed.reveal(), 0x77) == 32);
  CHECK(one.sheet->letter == 'A');
  CHECK(text(sheet_line(*one.sheet, 11)) == "48H2 48H2 48H2 4E03");
}

TEST_CASE("One sheet fits every key equally well") {
  const auto key = new_key(KeyKind::root);
  const auto sheets = split(key);
  // Whatever key one thinks of, there is a third part which makes it the key of this sheet.
  const auto other_key = crypto::random_secret<32>();
  for (const auto& sheet : sheets) {
    std::array<std::uint8_t, 32> third;
    for (std::size_t i = 0; i < third.size(); ++i)
      third[i] = sheet.first.reveal()[i] ^ sheet.second.reveal()[i] ^ other_key.reveal()[i];
    CHECK_FALSE(crypto::equal(third, other_key.reveal()));
    CHECK_FALSE(crypto::equal(sheet.first.reveal(), key.seed.reveal()));
    CHECK_FALSE(crypto::equal(sheet.second.reveal(), key.seed.reveal()));
  }
  // The parts are drawn anew each time.
  CHECK_FALSE(crypto::equal(split(key)[0].first.reveal(), sheets[0].first.reveal()));
}

TEST_CASE("Sheets that do not belong together are told apart") {
  const auto key = new_key(KeyKind::organisation);
  const auto sheets = split(key);
  CHECK(combine(sheets[0], sheets[0]).error() == shares_errc::same_sheet);

  const auto other = split(new_key(KeyKind::organisation));
  CHECK(combine(sheets[0], other[1]).error() == shares_errc::different_keys);
  CHECK(combine(sheets[0], other[0]).error() == shares_errc::different_keys);
  HeldKey same_seed{KeyKind::root, key.id, crypto::Secret<32>{key.seed.reveal()}};
  CHECK(combine(sheets[0], split(same_seed)[1]).error() == shares_errc::different_keys);

  const auto later = split(key);
  CHECK(combine(sheets[0], later[1]).error() == shares_errc::different_sets);
  CHECK(combine(sheets[2], later[1]).error() == shares_errc::different_sets);

  auto forged = split(key);
  forged[1].second = crypto::random_secret<32>();
  CHECK(combine(forged[0], forged[1]).error() == shares_errc::wrong_key);
  CHECK(combine(forged[1], forged[0]).error() == shares_errc::wrong_key);
}

TEST_CASE("Lines are read however they are typed") {
  const auto sheets = split(new_key(KeyKind::root));
  const auto lines = lines_of(sheets[0]);
  auto lower = lines;
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  std::string alike = lines;
  for (std::size_t i = 0; i < alike.size(); ++i) {
    const bool in_number = alike.find(':', i) < alike.find('\n', i);
    if (in_number) continue;
    if (alike[i] == '0') alike[i] = i % 2 == 0 ? 'o' : 'O';
    if (alike[i] == '1') alike[i] = i % 2 == 0 ? 'l' : 'I';
  }
  auto close = lines;
  for (auto gap = close.find(' '); gap != close.npos; gap = close.find(' ', gap))
    close.erase(gap, 1);
  auto hyphens = lines;
  std::ranges::replace(hyphens, ' ', '-');
  auto points = lines;
  std::ranges::replace(points, ':', ')');
  std::string reversed;
  for (std::size_t number = sheet_lines; number >= 1; --number)
    reversed += "  " + std::to_string(number) + " " + text(sheet_line(sheets[0], number)) + "\r\n";
  for (const auto& typed : {lower, alike, close, hyphens, points, reversed,
                            "Umoja 3 sheets\n2026-11-22\n" + lines + "\nThe end."}) {
    CAPTURE(typed);
    const auto read = read_sheet(typed);
    REQUIRE(read.sheet.has_value());
    CHECK(lines_of(*read.sheet) == lines);
  }
}

TEST_CASE("Every wrong character is found, and the line is named") {
  const auto lines = lines_of(split(new_key(KeyKind::root))[1]);
  std::size_t found = 0;
  std::size_t number = 0;
  bool in_line = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == ':') ++number;
    in_line = lines[i] == ':' || (in_line && lines[i] != '\n');
    if (!in_line || lines[i] == ':' || lines[i] == ' ') continue;
    auto typed = lines;
    typed[i] = typed[i] == '7' ? '8' : '7';
    const auto read = read_sheet(typed);
    REQUIRE(read.mistakes.size() == 1);
    CHECK(read.mistakes[0].line == number);
    ++found;
  }
  CHECK(found == sheet_lines * 16);
}

TEST_CASE("Each way to mistype a line is named for what it is") {
  const auto key = new_key(KeyKind::root);
  const auto sheets = split(key);
  const auto lines = lines_of(sheets[0]);
  const auto line = [&](std::size_t number) { return text(sheet_line(sheets[0], number)); };
  const std::string elsewhere = "it is mistyped, or belongs to another line or another sheet";

  check_one_mistake(with_line(lines, 5, "5: " + line(5).substr(1)), 5,
                    "it has 15 characters and must have 16");
  check_one_mistake(with_line(lines, 5, "5: " + line(5) + "7"), 5,
                    "it has 17 characters and must have 16");
  check_one_mistake(with_line(lines, 5, "5: U" + line(5).substr(1)), 5,
                    "character 1 is none that a sheet can have");
  check_one_mistake(with_line(lines, 9, "9: ABC?" + line(9).substr(4)), 9,
                    "character 4 is none that a sheet can have");
  check_one_mistake(with_line(lines, 9, ""), 9, "it is missing");
  check_one_mistake(lines + "9: " + line(9) + "\n", 9, "it is there twice");
  check_one_mistake(with_line(lines, 9, "9: " + line(10)), 9, elsewhere);
  // Sheet C has A's first part, but as its second.
  check_one_mistake(with_line(lines, 4, "4: " + text(sheet_line(sheets[2], 8))), 4, elsewhere);
  check_one_mistake(with_line(lines, 4, "4: " + text(sheet_line(sheets[1], 4))), 4, elsewhere);
  check_one_mistake(with_line(lines, 1, "1: " + line(2)), 1,
                    "it is mistyped, or is not the first line of a sheet");
  check_one_mistake("Dear all,\n", 0,
                    "there is no line that begins with a number, as those of a sheet do");
  check_one_mistake("", 0, "there is no line that begins with a number, as those of a sheet do");

  // All at once, so that nobody types a sheet eleven times.
  auto several = with_line(lines, 3, "3: " + line(4));
  several = with_line(several, 11, "");
  CHECK(read_sheet(several).mistakes.size() == 2);
}

TEST_CASE("Somebody who types is told at once which line to type again") {
  const auto sheets = split(new_key(KeyKind::recovery));
  SheetReader reader;
  for (std::size_t number = 1; number <= sheet_lines; ++number) {
    CAPTURE(number);
    CHECK(reader.next() == number);
    auto wrong = text(sheet_line(sheets[0], number));
    wrong[6] = wrong[6] == '7' ? '8' : '7';
    CHECK(reader.take(wrong).has_value());
    CHECK(reader.take("").has_value());
    CHECK(reader.next() == number);
    const auto line = text(sheet_line(sheets[0], number));
    CHECK_FALSE(reader.take(number % 2 == 0 ? line : std::to_string(number) + ": " + line));
  }
  CHECK(reader.take("more").has_value());
  CHECK(lines_of(reader.sheet()) == lines_of(sheets[0]));
}

TEST_CASE("The page says which key it is, for whom, and how to keep it, and fits on paper") {
  HeldKey key{KeyKind::root, {}, {}};
  key.seed.fill()[0] = 7;
  const auto sheets = split(key);
  const auto words = key_fingerprint(KeyKind::root, public_key_of(KeyKind::root, key.seed));
  const auto first = page(sheets[0], key);
  CHECK(first.find("KEY SHEET A,") != first.npos);
  CHECK(page(sheets[2], key).find("KEY SHEET C,") != std::string::npos);
  CHECK(first.find("root key of Umoja Trust\n") != first.npos);
  CHECK(first.find("Officer A") != first.npos);
  CHECK(first.find("2026-11-22") != first.npos);
  for (std::size_t i = 0; i < words.size();) {
    const auto end = std::min(words.find(' ', i), words.size());
    CHECK(first.find(words.substr(i, end - i)) != first.npos);
    i = end + 1;
  }
  CHECK(std::ranges::count(first, '\n') <= 60);
  for (std::size_t i = 0; i < first.size();) {
    const auto end = first.find('\n', i);
    CHECK(end - i <= 76);
    i = end + 1;
  }
}

}  // namespace
}  // namespace ishara::identity
