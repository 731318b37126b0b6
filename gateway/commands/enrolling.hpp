#pragma once
// How a new person comes in (privacy.md section 9.2): the sheet of paper that her admin gives her,
// and the client with which she makes her key and shows its public half to the desk. Nothing that
// the desk says is needed or believed here. One thread; calls block.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/commands/desk_client.hpp"
#include "gateway/identity/sealed_key.hpp"

namespace ishara::commands {

// "0123 4567 ...": 16 bytes in eight groups of four hexadecimal digits.
std::string code_groups(const crypto::Id& code);
// As people type it: case, spaces and hyphens do not matter.
std::optional<crypto::Id> read_code(std::string_view typed);

struct EnrolmentSheet {
  std::string desk;  // as the new person reaches it
  crypto::PublicKey root_key{};
  crypto::Id user{};
  crypto::Id code{};
  std::string until;
};
// One page of 72 columns.
std::string printed(const EnrolmentSheet& sheet);

// Shows the desk the public halves of her key, with the proof that they are hers. The same again
// changes nothing. Throws CommandError.
void show_keys(const http::Origin& desk, const identity::HeldKey& key, const crypto::Id& code);

}  // namespace ishara::commands
