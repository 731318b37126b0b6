#pragma once
// What leaves a deployment so that others can check it on a machine that has nothing but the file
// and the root key of the deployment. Two kinds, both lines of words with one space between them,
// each line ended by LF; bytes are base64 with padding. There is one way to write a file: any other
// byte makes it another file or none.
//
//   ishara-audit 1                          the audit chain (audit.hpp)
//   roster BYTES SIGNATURE                  the root's first, then one an organisation
//   entry ENTRY DETAIL                      in the order of their numbers
//   checkpoint CHECKPOINT                   each behind the entry that it is about
//   end LINES                               how many lines there are before this one
//
//   ishara-report 1                         the first words of one report, as they were received
//   roster BYTES SIGNATURE                  as above
//   record INTAKE                           what the gateway signed when it received them
//   message MESSAGE                         the sealed text, as it has been stored since
//   key K_M                                 opens this text and no other; here it is disclosed
//   signed KID SIGNATURE                    of who disclosed it, in the domain "ishara/v1/export",
//                                           over all lines before this one
//
// An exported report is as sensitive as the text in it: whoever has the file can read it. The root
// key is never taken from a file. Pure functions, thread-safe.

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/crypto/wipe.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/message_content.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::identity {

enum class export_errc {
  not_an_export = 1,   // not of the form above
  record_refused,      // no gateway of the rosters signed the record
  not_the_first_text,  // it was signed for a later text of a report
  other_text,          // the sealed text is not the one in the record
  other_key,           // the key is not the one that the text was sealed with
  not_opened,          // the key does not open the text, or it holds no message
  signer_unknown,      // nobody of the rosters disclosed it
  signer_no_lead,      // who disclosed it is not a lead
  signature_refused,   // and who is named did not sign this
};
const boost::system::error_category& export_category() noexcept;
inline boost::system::error_code make_error_code(export_errc code) noexcept {
  return {static_cast<int>(code), export_category()};
}

enum class ExportKind : std::uint8_t { audit, report };
// By the first line.
std::optional<ExportKind> export_kind(std::string_view file) noexcept;

// --- The audit chain

struct AuditExport {
  std::vector<SignedRoster> rosters;  // the root's first
  std::vector<storage::AuditRow> entries;
  std::vector<crypto::Bytes> checkpoints;
};
std::string write(const AuditExport& content);
// export_errc::not_an_export for anything that `write` could not have written. Nothing in the
// result is verified.
boost::system::result<AuditExport> read_audit_export(std::string_view file);

// The rosters of an export, verified; with them `verify_audit` judges the chain. They are as old as
// whoever made the file wants them to be, and a key that was revoked since is good in them: compare
// their versions with those that were seen before.
boost::system::result<Directory> directory_of(std::span<const SignedRoster> rosters,
                                              const crypto::PublicKey& root_key);

// --- One report

struct ReportExport {
  std::span<const SignedRoster> rosters;  // the root's first
  crypto::View record;                    // the first INTAKE
  crypto::View message;
  const crypto::Secret<32>& key;
};
crypto::WipedBuffer write(const ReportExport& content, const crypto::SigningKey& author);

struct VerifiedReport {
  IntakeRecord record;
  MessageContent content;
  crypto::Id signer{};  // member who disclosed it
  std::string queue;    // that the text was sealed for; empty: not in the rosters
  Directory directory;  // of the rosters in the file
};
// Checks every step from the root key to the words: roster_errc or export_errc for the first that
// does not hold. A lead of any organisation may have disclosed it: the report may have been given
// away since it was received.
boost::system::result<VerifiedReport> verify_report_export(std::string_view file,
                                                           const crypto::PublicKey& root_key);

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::export_errc> : std::true_type {};
