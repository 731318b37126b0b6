#pragma once
// The two-person rule (privacy.md section 10). What one person alone may not do is the same call by
// two: the first is answered 202 and leaves an intent, the second, within 24 hours, carries it out.
// A handler of such a call
//
//   1. finds its subject and answers 404 to whoever may not know of it, as every handler does;
//   2. says with `agreement` what makes two calls the same one, and whose intent counts;
//   3. gives that to a verb of storage, which does the one or the other, and answers with
//      `agreed_answer`.
//
// Its row in the table of endpoints has `persons = 2`.
//
// Threads: as for handlers.

#include <functional>

#include "gateway/crypto/primitives.hpp"
#include "gateway/desk/endpoints.hpp"

namespace ishara::desk {

// What two people decide on. Everything in it must be the same in both calls.
struct Decision {
  crypto::Id place{};      // queue or organisation whose people decide
  crypto::Id subject{};    // report or other thing
  crypto::Id object{};     // for example the other queue; zeros: none
  crypto::View arguments;  // whatever else is to be the same
};

// The caller's intent, and with whom it would be enough: with each other member of the rosters of
// whom `counts` is true. An intent of somebody who has lost that role meanwhile does not count.
storage::Agreement agreement(const Call& call, const Decision& decision,
                             const std::function<bool(const identity::Directory::Member&)>& counts);

// The same for what people of a queue decide: any two who work for it, one of them a lead.
storage::Agreement agreement_of_queue(const Call& call, const Decision& decision);

// 202 if it waits for a second person, 204 if it is done.
Answer agreed_answer(const storage::result<storage::Agreed>& agreed);
// The 202, where what is done has an answer of its own.
Answer waits_for_second_person(const storage::Agreed& agreed);

}  // namespace ishara::desk
