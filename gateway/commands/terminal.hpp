#pragma once
// What goes to and comes from a person's terminal. One thread.

#include <optional>
#include <string>
#include <string_view>

#include "gateway/crypto/wipe.hpp"

namespace boost::json {
class object;
}

namespace ishara::commands {

// Appends `utf8` so that no terminal acts on it: control characters of ASCII and of Unicode's C1,
// and the marks that turn the direction of writing, become \u{...}; broken UTF-8 becomes \x... A
// line feed stays, followed by `indent`.
void append_printable(crypto::WipedBuffer& out, std::string_view utf8, std::string_view indent);
// The same for what is not sensitive, on one line.
std::string printable(std::string_view utf8);

// Appends a JSON string with its quotes; `utf8` is valid.
void append_json(crypto::WipedBuffer& out, std::string_view utf8);

// Asks on the terminal, without echo. Empty if there is no terminal.
crypto::WipedBuffer ask_passphrase(std::string_view prompt);

// One line on standard output.
void print_json(const boost::json::object& object);

// --- The terminal itself, wherever standard input and output go
// False: there is none.
bool say(std::string_view text);
// With echo. Nothing at the end of input, or if there is no terminal.
std::optional<crypto::WipedBuffer> ask(std::string_view prompt);
// Takes away what stands on the screen, and what can be scrolled back to.
void clear_screen();

}  // namespace ishara::commands
