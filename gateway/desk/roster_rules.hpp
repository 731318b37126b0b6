#pragma once
// What no roster of an organisation may do, whoever brings it: the desk asks it of what an admin
// publishes, `ishara org import` of what an operator carries. Threads as of the store.

#include <optional>
#include <string>

#include "gateway/identity/roster.hpp"
#include "storage/people_store.hpp"

namespace ishara::desk {

// Nobody can seal anything to a key of low order.
bool is_usable(const crypto::PublicKey& box_key);

struct BrokenRule {
  unsigned status = 422;  // of the desk's answer
  const char* type = "bad-roster";
  std::string detail;
};
// The first rule that `next` breaks after `present`, nothing if it keeps all: its keys are keys, it
// has an admin, and no key or queue goes while anything stored needs it. `present` is empty for the
// first roster of an organisation. Both are verified.
storage::result<std::optional<BrokenRule>> broken_rule(const identity::OrganisationRoster& present,
                                                       const identity::OrganisationRoster& next,
                                                       storage::blocking::PeopleStore& store);

}  // namespace ishara::desk
