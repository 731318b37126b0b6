#include "gateway/desk/strays.hpp"

#include <algorithm>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/statement.hpp"

namespace ishara::desk {
namespace {

constexpr std::uint32_t page_size = 100;

// The report with its owner, but without its messages; nothing if no gateway of the rosters signed
// it, if no TRANSFER of it counts, or if it was taken back: then nothing is handed on.
storage::result<std::optional<StrayReport>> read(Cases& cases, const crypto::Id& report,
                                                 const identity::Directory& directory) {
  StrayReport out;
  out.report_id = report;
  auto record = cases.first_record(report);
  if (!record && record.error() == storage::errc::not_found) return std::optional<StrayReport>{};
  if (!record) return record.error();
  auto statements = cases.statements(report);
  if (!statements) return statements.error();
  out.record = std::move(*record);
  out.statements = std::move(*statements);
  std::vector<crypto::View> views;
  for (const auto& statement : out.statements) views.emplace_back(statement.bytes);
  const auto ownership = identity::ownership(report, out.record, views, directory);
  if (!ownership || ownership->withdrawn || ownership->last == ownership->origin)
    return std::optional<StrayReport>{};
  out.ownership = *ownership;
  out.ownership.proof = {};  // a view into what moves now
  out.owner = directory.queue(out.ownership.owner);
  return std::optional{std::move(out)};
}

}  // namespace

const identity::Directory::Queue* first_reader(crypto::View wraps,
                                               const identity::Directory& directory) {
  if (wraps.size() < identity::box_envelope_size) return nullptr;
  const auto recipient = identity::wrap_recipient(wraps.first(identity::box_envelope_size));
  if (!recipient) return nullptr;
  const auto reader = directory.queue_by_kid(recipient->kid);
  return reader ? reader->queue : nullptr;
}

std::vector<crypto::Id> earlier_kids(std::span<const crypto::Id> queues,
                                     const identity::Directory& directory) {
  std::vector<crypto::Id> out;
  for (const auto& id : queues)
    if (const auto* queue = directory.queue(id))
      for (const auto& key : queue->earlier) out.push_back(key.kid);
  return out;
}

storage::result<storage::Bytes> police_proof(Cases& cases, const crypto::Id& report,
                                             const identity::Directory& directory) {
  const auto record = cases.first_record(report);
  if (!record && record.error() == storage::errc::not_found) return storage::Bytes{};
  if (!record) return record.error();
  const auto statements = cases.statements(report);
  if (!statements) return statements.error();
  std::vector<crypto::View> views;
  for (const auto& statement : *statements) views.emplace_back(statement.bytes);
  const auto ownership = identity::ownership(report, *record, views, directory);
  if (!ownership) return storage::Bytes{};
  return storage::Bytes{ownership->proof.begin(), ownership->proof.end()};
}

storage::result<Strays> find_strays(Cases& cases, const identity::Directory& directory,
                                    std::span<const crypto::Id> queues, const crypto::Id& first,
                                    const crypto::Id& last, std::uint32_t limit) {
  std::vector<storage::QueueKey> keys;
  for (const auto& id : queues)
    if (const auto* queue = directory.queue(id)) keys.push_back({queue->id, queue->kid});
  for (const auto& id : queues)
    for (const auto& kid : earlier_kids(std::span{&id, 1}, directory)) keys.push_back({id, kid});
  auto left = cases.left_behind(keys, first, last, limit + 1);
  if (!left) return left.error();

  Strays out;
  std::uint32_t reports = 0;
  for (auto message = left->begin(); message != left->end();) {
    const auto id = message->report_id;
    const auto end = std::find_if(message, left->end(),
                                  [&](const auto& other) { return other.report_id != id; });
    if (++reports > limit) {
      out.next = id;
      return out;
    }
    auto report = read(cases, id, directory);
    if (!report) return report.error();
    for (; message != end; ++message) {
      if (!*report || !(*report)->owner) continue;
      const auto* const holder = first_reader(message->wraps, directory);
      if (holder && holder != (*report)->owner) (*report)->messages.push_back(std::move(*message));
    }
    if (*report && !(*report)->messages.empty()) out.reports.push_back(std::move(**report));
  }
  return out;
}

storage::result<std::uint32_t> overdue_strays(Cases& cases, const identity::Directory& directory,
                                              std::uint32_t hour) {
  std::vector<crypto::Id> all;
  for (const auto& queue : directory.queues()) all.push_back(queue.id);
  std::uint32_t overdue = 0;
  for (std::optional<crypto::Id> from = crypto::Id{}; from;) {
    const auto page = find_strays(cases, directory, all, *from, last_id, page_size);
    if (!page) return page.error();
    for (const auto& report : page->reports) {
      std::uint32_t lost = 0;  // the hour in which the report last changed hands, or later
      for (const auto& statement : report.statements)
        if (const auto claimed = identity::claimed_statement(statement.bytes))
          lost = std::max(lost, claimed->hour);
      for (const auto& message : report.messages)
        overdue += std::max(lost, message.hour) + 1 < hour;
    }
    from = page->next;
  }
  return overdue;
}

}  // namespace ishara::desk
