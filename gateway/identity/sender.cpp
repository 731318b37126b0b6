#include "gateway/identity/sender.hpp"

#include <algorithm>
#include <string>

#include "gateway/identity/e164_table.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;

constexpr std::size_t longest_number = 15;  // E.164
constexpr std::size_t shortest_number = 7;  // the shortest that any plan gives, with calling code
constexpr std::size_t longest_code = 8;     // of a service
constexpr std::size_t shortest_code = 3;
constexpr std::size_t longest_name = 20;  // 11 at the operators; some gateways lengthen it

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_punctuation(char c) { return is_space(c) || c == '-' || c == '(' || c == ')' || c == '.'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The digits of what was written, on the stack and wiped when done.
struct Written {
  static constexpr std::size_t room = 32;  // 15 digits, with what people put in front of them

  Written() = default;
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  ~Written() { crypto::wipe(digits.data(), digits.size()); }

  std::string_view view() const noexcept { return {digits.data() + start, size - start}; }

  std::array<char, room> digits{};
  std::size_t size = 0;
  std::size_t start = 0;       // digits before this one have been dropped
  bool international = false;  // written with a plus, or with 00 in its place
};

// Keeps the digits of `text`, drops spaces and punctuation, reads plus, lost plus and 00.
boost::system::error_code read_digits(std::string_view text, Written& out) {
  // A plus that nobody escaped in a query arrives as a space (channels.md 1.4).
  const bool lost_plus = text.size() > 1 && text[0] == ' ' && is_digit(text[1]);
  out.international = lost_plus;
  for (const char c : trimmed(text)) {
    if (is_digit(c)) {
      if (out.size == Written::room) return sender_errc::too_long;
      out.digits[out.size++] = c;
    } else if (c == '+' && out.size == 0) {
      out.international = true;
    } else if (!is_punctuation(c)) {
      return sender_errc::not_a_number;
    }
  }
  if (out.size == 0) return sender_errc::empty;
  return {};
}

// Takes 00 for a plus; only where more than a short code is left.
void read_international_prefix(Written& written) {
  if (written.view().starts_with("00") && written.view().size() > longest_code) {
    written.start += 2;
    written.international = true;
  }
}

// The number in international form is `code` followed by `national`.
struct Reading {
  std::string_view code;
  std::string_view national;
};

// Reads digits that were written without a plus, in the country of `plan`. Texts come from mobile
// phones, so what fits a mobile number wins over what only fits a fixed one: in Italy, where mobile
// numbers begin with 3, ten digits from 39 on are a number of their own, twelve are one behind +39.
Reading read_national(std::string_view digits, const NumberPlan& plan) {
  const auto behind = [digits](std::string_view prefix) { return digits.size() - prefix.size(); };
  const bool trunk = !plan.trunk.empty() && digits.starts_with(plan.trunk);
  const bool coded = digits.starts_with(plan.calling_code);
  if (trunk && plan.any(behind(plan.trunk)))
    return {plan.calling_code, digits.substr(plan.trunk.size())};
  if (coded && plan.mobile(behind(plan.calling_code))) return {"", digits};
  if (plan.mobile(digits.size())) return {plan.calling_code, digits};
  if (coded && plan.any(behind(plan.calling_code))) return {"", digits};
  if (plan.any(digits.size())) return {plan.calling_code, digits};
  return {"", digits};  // a number of another country, without its plus
}

}  // namespace

const boost::system::error_category& sender_category() noexcept {
  static const struct final : boost::system::error_category {
    const char* name() const noexcept override { return "ishara.sender"; }
    std::string message(int code) const override {
      switch (static_cast<sender_errc>(code)) {
        case sender_errc::empty:
          return "no sender";
        case sender_errc::not_a_number:
          return "not a telephone number, short code or sender id";
        case sender_errc::too_long:
          return "too long for a telephone number or sender id";
        case sender_errc::too_short:
          return "too short for a telephone number or short code";
      }
      return "unknown";
    }
  } category;
  return category;
}

result<Msisdn> Msisdn::parse(std::string_view text, std::string_view country) {
  Written written;
  if (const auto error = read_digits(text, written)) return error;
  read_international_prefix(written);

  Reading reading{"", written.view()};
  // No calling code begins with 0: a plus before a national number is an operator's mistake.
  const bool national = written.view().front() == '0' || !written.international;
  const auto* plan = number_plan(country);
  if (national && plan != nullptr) reading = read_national(written.view(), *plan);

  const auto size = reading.code.size() + reading.national.size();
  if (size > longest_number) return sender_errc::too_long;
  if (size < shortest_number) return sender_errc::too_short;
  // Digits from 0 on that nobody called international belong to a country that we do not know.
  if (reading.code.empty() && reading.national.front() == '0' && !written.international)
    return sender_errc::not_a_number;

  Digits<longest_number> digits{reading.code, reading.national};
  return Msisdn{std::move(digits)};
}

result<Msisdn> Msisdn::of_digits(std::string_view digits) noexcept {
  if (digits.size() < shortest_number) return sender_errc::too_short;
  if (digits.size() > longest_number) return sender_errc::too_long;
  if (!std::ranges::all_of(digits, is_digit)) return sender_errc::not_a_number;
  return Msisdn{Digits<longest_number>{digits}};
}

result<Msisdn> Msisdn::from_fixed(std::span<const std::uint8_t, 16> bytes) noexcept {
  const std::size_t size = std::min<std::size_t>(bytes[0], longest_number);
  if (size != bytes[0] ||
      !std::ranges::all_of(bytes.subspan(1 + size), [](std::uint8_t byte) { return byte == 0; }))
    return sender_errc::not_a_number;
  return of_digits({reinterpret_cast<const char*>(bytes.data()) + 1, size});
}

crypto::Secret<16> Msisdn::fixed() const noexcept {
  crypto::Secret<16> out;
  reveal([&](std::string_view digits) {
    out.fill()[0] = static_cast<std::uint8_t>(digits.size());
    std::ranges::copy(digits, out.fill().begin() + 1);
  });
  return out;
}

result<Sender> parse_sender(std::string_view text, std::string_view country) {
  const auto name = trimmed(text);
  if (std::ranges::any_of(name, is_letter)) {
    if (name.size() > longest_name) return sender_errc::too_long;
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    if (!std::ranges::all_of(name, printable)) return sender_errc::not_a_number;
    return Sender{AlphanumericSender{name}};
  }

  Written written;
  if (const auto error = read_digits(text, written)) return error;
  const auto digits = written.view();
  if (digits.size() < shortest_code) return sender_errc::too_short;
  // Some operators put a plus before their short codes. Seven and eight digits are a short code
  // without a plus and a number with one: a service must never be answered, and a person's number
  // that short comes with its calling code from every aggregator that we know.
  if (digits.size() < shortest_number || (digits.size() <= longest_code && !written.international))
    return Sender{ShortCode{digits}};

  auto number = Msisdn::parse(text, country);
  if (number) return Sender{std::move(*number)};
  // A national number of a country that we do not know is no reason to lose a report: it stays as
  // sent and, like every sender id, cannot be answered.
  if (number.error() == sender_errc::not_a_number && name.size() <= longest_name)
    return Sender{AlphanumericSender{name}};
  return number.error();
}

}  // namespace ishara::identity
