#pragma once
// What every process that touches secrets does first (privacy.md sections 3 and 14).

namespace ishara::commands {

// Call once, at the start of a role or of a command that opens keys, before any other thread: no
// core dumps, no reading of our memory by other processes of the same user, memory locked against
// swapping where the system allows it (else one warning in the log, if `report_refusal`), and a
// terminate handler that prints an event code and nothing of the exception.
void harden_process(bool report_refusal = true);

}  // namespace ishara::commands
