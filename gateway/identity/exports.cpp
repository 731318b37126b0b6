#include "gateway/identity/exports.hpp"

#include <algorithm>
#include <initializer_list>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/ownership.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;

constexpr std::string_view audit_title = "ishara-audit 1\n";
constexpr std::string_view report_title = "ishara-report 1\n";
constexpr std::string_view export_domain = "ishara/v1/export";

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ishara.export"; }
  std::string message(int value) const override {
    switch (static_cast<export_errc>(value)) {
      case export_errc::not_an_export:
        return "the file is no export, or it was cut or altered outside of what is signed";
      case export_errc::record_refused:
        return "no gateway of this deployment signed the record";
      case export_errc::not_the_first_text:
        return "the record is not of the first text of a report";
      case export_errc::other_text:
        return "the sealed text is not the one that the gateway received";
      case export_errc::other_key:
        return "the key is not the one that the text was sealed with";
      case export_errc::not_opened:
        return "the key does not open the text";
      case export_errc::signer_unknown:
        return "nobody of this deployment disclosed it";
      case export_errc::signer_no_lead:
        return "who disclosed it is no lead, and may not";
      case export_errc::signature_refused:
        return "it is not what its signer disclosed";
    }
    return "unknown";
  }
};

template <class Buffer>
void append(Buffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

template <class Buffer>
void append_line(Buffer& out, std::string_view name, std::initializer_list<crypto::View> words) {
  append(out, name);
  for (const auto word : words) {
    append(out, " ");
    auto text = crypto::base64(word);
    append(out, text);
    crypto::wipe(text.data(), text.size());
  }
  append(out, "\n");
}

template <class Buffer>
void append_rosters(Buffer& out, std::span<const SignedRoster> rosters) {
  for (const auto& roster : rosters) append_line(out, "roster", {roster.bytes, roster.signature});
}

// A line without its end; the words behind its name are still base64.
struct Line {
  std::string_view name;
  std::vector<std::string_view> words;
};

class Lines {
 public:
  explicit Lines(std::string_view text) : rest_{text} {}

  bool at_end() const noexcept { return rest_.empty(); }
  std::size_t count() const noexcept { return count_; }
  std::size_t left() const noexcept { return rest_.size(); }
  // Nothing for a line that does not end.
  std::optional<Line> next() {
    const auto end = rest_.find('\n');
    if (end == rest_.npos) return std::nullopt;
    auto line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    ++count_;
    Line out;
    const auto word = [&] {
      const auto found = line.substr(0, line.find(' '));
      const bool last = found.size() == line.size();
      line.remove_prefix(found.size() + (last ? 0 : 1));
      return std::pair{found, last};
    };
    auto [name, last] = word();
    out.name = name;
    while (!last) {
      const auto [found, is_last] = word();
      out.words.push_back(found);
      last = is_last;
    }
    return out;
  }

 private:
  std::string_view rest_;
  std::size_t count_ = 0;
};

std::optional<SignedRoster> roster_of(const Line& line) {
  if (line.words.size() != 2) return std::nullopt;
  auto bytes = crypto::from_base64(line.words[0]);
  const auto signature = crypto::from_base64(line.words[1]);
  SignedRoster out;
  if (!bytes || !signature || signature->size() != out.signature.size()) return std::nullopt;
  out.bytes = std::move(*bytes);
  std::ranges::copy(*signature, out.signature.begin());
  return out;
}

// The one word of a line of this name.
std::optional<crypto::WipedBytes> bytes_of(const std::optional<Line>& line, std::string_view name) {
  if (!line || line->name != name || line->words.size() != 1) return std::nullopt;
  return crypto::from_base64_wiped(line->words[0]);
}

}  // namespace

const boost::system::error_category& export_category() noexcept {
  static const Category category;
  return category;
}

std::optional<ExportKind> export_kind(std::string_view file) noexcept {
  if (file.starts_with(audit_title)) return ExportKind::audit;
  if (file.starts_with(report_title)) return ExportKind::report;
  return std::nullopt;
}

result<Directory> directory_of(std::span<const SignedRoster> rosters,
                               const crypto::PublicKey& root_key) {
  if (rosters.empty()) return roster_errc::missing_root;
  return Directory::verified(rosters.front(), rosters.subspan(1), root_key);
}

// --- The audit chain

std::string write(const AuditExport& content) {
  std::string out{audit_title};
  append_rosters(out, content.rosters);
  auto checkpoint = content.checkpoints.begin();
  // A checkpoint has its number where an entry has it.
  const auto number = [](crypto::View bytes) {
    return bytes.size() == checkpoint_size ? crypto::Bytes(bytes.begin() + 8, bytes.begin() + 16)
                                           : crypto::Bytes{};
  };
  for (const auto& row : content.entries) {
    if (row.origin.empty())
      append_line(out, "entry", {row.entry, crypto::bytes_of(row.detail)});
    else
      append_line(out, "entry", {row.entry, crypto::bytes_of(row.detail), row.origin});
    for (; checkpoint != content.checkpoints.end() && number(*checkpoint) <= number(row.entry);
         ++checkpoint)
      append_line(out, "checkpoint", {*checkpoint});
  }
  for (; checkpoint != content.checkpoints.end(); ++checkpoint)
    append_line(out, "checkpoint", {*checkpoint});
  return out + "end " + std::to_string(std::ranges::count(out, '\n')) + '\n';
}

result<AuditExport> read_audit_export(std::string_view file) {
  if (export_kind(file) != ExportKind::audit) return export_errc::not_an_export;
  AuditExport out;
  Lines lines{file};
  (void)lines.next();
  for (;;) {
    const auto before = lines.count();
    const auto line = lines.next();
    if (!line) return export_errc::not_an_export;
    if (line->name == "end") {
      if (line->words.size() != 1 || line->words[0] != std::to_string(before) || !lines.at_end())
        return export_errc::not_an_export;
      // There is one order of lines, too.
      if (write(out) != file) return export_errc::not_an_export;
      return out;
    }
    if (line->name == "roster") {
      auto roster = roster_of(*line);
      if (!roster) return export_errc::not_an_export;
      out.rosters.push_back(std::move(*roster));
    } else if (line->name == "entry" && (line->words.size() == 2 || line->words.size() == 3)) {
      auto entry = crypto::from_base64(line->words[0]);
      const auto detail = crypto::from_base64(line->words[1]);
      auto origin = line->words.size() == 3 ? crypto::from_base64(line->words[2]) : crypto::Bytes{};
      if (!entry || !detail || !origin) return export_errc::not_an_export;
      const auto decoded = decode_audit_entry(*entry);
      out.entries.push_back({decoded ? decoded->seq : 0, std::move(*entry),
                             std::string{detail->begin(), detail->end()}, std::move(*origin)});
    } else if (line->name == "checkpoint" && line->words.size() == 1) {
      auto checkpoint = crypto::from_base64(line->words[0]);
      if (!checkpoint) return export_errc::not_an_export;
      out.checkpoints.push_back(std::move(*checkpoint));
    } else {
      return export_errc::not_an_export;
    }
  }
}

// --- One report

crypto::WipedBuffer write(const ReportExport& content, const crypto::SigningKey& author) {
  crypto::WipedBuffer out{report_title.begin(), report_title.end()};
  append_rosters(out, content.rosters);
  append_line(out, "record", {content.record});
  append_line(out, "message", {content.message});
  append_line(out, "key", {content.key.reveal()});
  const auto signature = crypto::sign(export_domain, {crypto::bytes_of(crypto::view(out))}, author);
  append_line(out, "signed", {crypto::key_id(author.public_key), signature});
  return out;
}

result<VerifiedReport> verify_report_export(std::string_view file,
                                            const crypto::PublicKey& root_key) {
  if (export_kind(file) != ExportKind::report) return export_errc::not_an_export;
  Lines lines{file};
  (void)lines.next();
  std::vector<SignedRoster> rosters;
  auto line = lines.next();
  for (; line && line->name == "roster"; line = lines.next()) {
    auto roster = roster_of(*line);
    if (!roster) return export_errc::not_an_export;
    rosters.push_back(std::move(*roster));
  }
  const auto record = bytes_of(line, "record");
  const auto message = bytes_of(lines.next(), "message");
  const auto key_bytes = bytes_of(lines.next(), "key");
  const auto signed_size = file.size() - lines.left();
  const auto last = lines.next();
  if (!record || !message || !key_bytes || key_bytes->size() != 32 || !last ||
      last->name != "signed" || last->words.size() != 2 || !lines.at_end())
    return export_errc::not_an_export;
  const auto kid = crypto::from_base64(last->words[0]);
  const auto signature_bytes = crypto::from_base64(last->words[1]);
  crypto::Id signer_kid{};
  crypto::Signature signature{};
  if (!kid || !signature_bytes || kid->size() != signer_kid.size() ||
      signature_bytes->size() != signature.size())
    return export_errc::not_an_export;
  std::ranges::copy(*kid, signer_kid.begin());
  std::ranges::copy(*signature_bytes, signature.begin());

  const auto directory = directory_of(rosters, root_key);
  if (!directory) return directory.error();
  const auto intake = verify_intake(*record, *directory);
  if (!intake) return export_errc::record_refused;
  if (!intake->first) return export_errc::not_the_first_text;
  if (intake->message_digest != envelope_digest(*message)) return export_errc::other_text;
  const auto message_id = claimed_message_id(*message);
  const crypto::Secret<32> key{crypto::View{*key_bytes}.first<32>()};
  if (!message_id || message_id_of(key) != *message_id) return export_errc::other_key;
  const auto plain = open_text(*message, intake->hour, intake->report_id, *message_id, key);
  if (!plain) return export_errc::not_opened;
  auto content = decode_message(*plain);
  if (!content) return export_errc::not_opened;
  const auto* const signer = directory->member_by_kid(signer_kid);
  if (signer == nullptr) return export_errc::signer_unknown;
  if (!crypto::verify(export_domain, {crypto::bytes_of(file.substr(0, signed_size))}, signature,
                      signer->signing_key))
    return export_errc::signature_refused;
  if (std::ranges::find(signer->roles, "lead") == signer->roles.end())
    return export_errc::signer_no_lead;

  VerifiedReport out;
  out.record = *intake;
  out.content = std::move(*content);
  out.signer = signer->id;
  if (const auto* const queue = directory->queue(intake->queue_id)) out.queue = queue->name;
  out.directory = *directory;
  return out;
}

}  // namespace ishara::identity
