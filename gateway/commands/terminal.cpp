#include "gateway/commands/terminal.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>

#include "gateway/config/descriptor.hpp"

namespace ishara::commands {
namespace {

constexpr std::size_t longest_line = 1024;  // that a person types

void append(crypto::WipedBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

// Takes one code point off the front of `rest`; nothing, and one byte less, for broken UTF-8.
std::optional<std::uint32_t> take(std::string_view& rest) {
  const auto lead = static_cast<std::uint8_t>(rest[0]);
  const std::size_t size = lead < 0x80   ? 1
                           : lead < 0xC2 ? 0
                           : lead < 0xE0 ? 2
                           : lead < 0xF0 ? 3
                           : lead < 0xF5 ? 4
                                         : 0;
  std::uint32_t value = size <= 1 ? lead : lead & (0x7FU >> size);
  bool good = size > 0 && size <= rest.size();
  for (std::size_t i = 1; good && i < size; ++i) {
    const auto next = static_cast<std::uint8_t>(rest[i]);
    good = (next & 0xC0) == 0x80;
    value = value << 6 | (next & 0x3FU);
  }
  rest.remove_prefix(good ? size : 1);
  if (!good) return std::nullopt;
  return value;
}

bool acts(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x61C || code == 0x200E ||
         code == 0x200F || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

template <class Number>
void append_escape(crypto::WipedBuffer& out, const char* format, Number number) {
  char buffer[16];
  const int size = std::snprintf(buffer, sizeof buffer, format, number);
  append(out, {buffer, static_cast<std::size_t>(size)});
}

class Terminal : public config::Descriptor {
 public:
  Terminal() : Descriptor{::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)} {}
};

bool write_to(const Terminal& terminal, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(terminal.get(), text.data(), text.size());
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Without its end. Nothing if the input ends before the line has begun.
std::optional<crypto::WipedBuffer> read_line(const Terminal& terminal) {
  crypto::WipedBuffer out;
  char byte = 0;
  bool read = false;
  while (out.size() < longest_line && ::read(terminal.get(), &byte, 1) == 1) {
    read = true;
    if (byte == '\n') break;
    out.push_back(byte);
  }
  crypto::wipe(&byte, 1);
  if (!read) return std::nullopt;
  return out;
}

}  // namespace

void append_printable(crypto::WipedBuffer& out, std::string_view utf8, std::string_view indent) {
  while (!utf8.empty()) {
    const auto before = utf8;
    const auto code = take(utf8);
    if (!code) {
      append_escape(out, "\\x%02x", static_cast<unsigned>(static_cast<std::uint8_t>(before[0])));
    } else if (*code == '\n') {
      append(out, "\n");
      append(out, indent);
    } else if (acts(*code)) {
      append_escape(out, "\\u{%x}", static_cast<unsigned>(*code));
    } else {
      append(out, before.substr(0, before.size() - utf8.size()));
    }
  }
}

std::string printable(std::string_view utf8) {
  crypto::WipedBuffer out;
  append_printable(out, utf8, "");
  std::string line{out.begin(), out.end()};
  for (char& c : line)
    if (c == '\n') c = ' ';
  return line;
}

void append_json(crypto::WipedBuffer& out, std::string_view utf8) {
  append(out, "\"");
  for (const char c : utf8) {
    if (c == '"' || c == '\\') append(out, "\\");
    if (static_cast<std::uint8_t>(c) < 0x20)
      append_escape(out, "\\u%04x", static_cast<unsigned>(static_cast<std::uint8_t>(c)));
    else
      out.push_back(c);
  }
  append(out, "\"");
}

void print_json(const boost::json::object& object) {
  std::printf("%s\n", boost::json::serialize(object).c_str());
}

crypto::WipedBuffer ask_passphrase(std::string_view prompt) {
  const Terminal terminal;
  termios before{};
  if (::tcgetattr(terminal.get(), &before) != 0) return {};
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal.get(), TCSAFLUSH, &silent);
  auto line = write_to(terminal, prompt) ? read_line(terminal) : std::nullopt;
  write_to(terminal, "\n");
  ::tcsetattr(terminal.get(), TCSAFLUSH, &before);
  return line ? std::move(*line) : crypto::WipedBuffer{};
}

bool say(std::string_view text) { return write_to(Terminal{}, text); }

std::optional<crypto::WipedBuffer> ask(std::string_view prompt) {
  const Terminal terminal;
  if (!write_to(terminal, prompt)) return std::nullopt;
  return read_line(terminal);
}

void clear_screen() { say("\x1b[H\x1b[2J\x1b[3J"); }

}  // namespace ishara::commands
