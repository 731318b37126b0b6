#pragma once
// How an opened report is shown: to people, or as one JSON object to programs. Consent class,
// urgency, hour, queue and withdrawal are those of signed records and rosters, never the desk's;
// what became of a reply is the desk's word.
//
// Pure functions, thread-safe. What they give holds the reporter's words.

#include "gateway/commands/caseworker.hpp"
#include "gateway/crypto/wipe.hpp"
#include "gateway/identity/exports.hpp"

namespace ishara::commands {

// Several lines, safe for a terminal. A line of its own says if the desk's row disagreed.
crypto::WipedBuffer report_text(const OpenedReport& report);

// One line: the unsigned rest of the desk's row; `queue` (null if no roster has it), `hour`,
// `class` and `urgent` as signed; `flagged`, the names of fields that the row had otherwise;
// `withdrawn`, `replies`, `texts`, `notes`; how many of them are not shown, and why.
crypto::WipedBuffer report_json(const OpenedReport& report);

// The same of an exported report that was verified.
crypto::WipedBuffer first_words_text(const identity::VerifiedReport& report);
crypto::WipedBuffer first_words_json(const identity::VerifiedReport& report);

// The versions of the rosters that something was verified with: one line, or a JSON object by
// "root" and the ids of organisations.
std::string rosters_text(const identity::Directory& directory);
std::string rosters_json(const identity::Directory& directory);

}  // namespace ishara::commands
