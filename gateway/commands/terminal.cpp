#include "gateway/commands/terminal.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <optional>

namespace ishara::commands {
namespace {

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

crypto::WipedBuffer ask_passphrase(std::string_view prompt) {
  crypto::WipedBuffer out;
  const int terminal = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios before{};
  if (terminal < 0 || ::tcgetattr(terminal, &before) != 0) {
    if (terminal >= 0) ::close(terminal);
    return out;
  }
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal, TCSAFLUSH, &silent);
  const auto say = [terminal](std::string_view text) {
    return ::write(terminal, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  if (say(prompt)) {
    char byte = 0;
    while (out.size() < 1024 && ::read(terminal, &byte, 1) == 1 && byte != '\n')
      out.push_back(byte);
    crypto::wipe(&byte, 1);
    say("\n");
  }
  ::tcsetattr(terminal, TCSAFLUSH, &before);
  ::close(terminal);
  return out;
}

}  // namespace ishara::commands
