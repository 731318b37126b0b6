#pragma once
// What the API asks of storage. The desk's endpoints see this and not the store, so that their
// tests need no database. A call blocks; one thread at a time.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/desk_store.hpp"

namespace ishara::desk {

// Each as the verb of the same name in storage::blocking::DeskStore.
class Cases {
 public:
  virtual ~Cases() = default;
  virtual storage::result<std::vector<storage::QueueSummary>> summaries(
      std::span<const storage::Id> queues) = 0;
  virtual storage::result<std::vector<storage::ReportRow>> list(
      const storage::Id& queue, const std::optional<storage::Cursor>& from, std::uint32_t limit,
      const storage::AuditScribe& scribe) = 0;
  virtual storage::result<std::optional<storage::ReportRow>> pull(
      std::span<const storage::Id> queues, const storage::Id& user, std::chrono::seconds duration,
      const storage::AuditScribe& scribe) = 0;
  virtual storage::result<storage::Report> show(const storage::Id& report) = 0;
  virtual storage::result<storage::Lease> renew(const storage::Id& report, const storage::Id& user,
                                                std::chrono::seconds duration,
                                                const storage::AuditScribe& scribe) = 0;
  virtual storage::result<void> release(const storage::Id& report, const storage::Id& user,
                                        const storage::AuditScribe& scribe) = 0;
  virtual storage::result<void> close(const storage::Id& report, const storage::Id& user,
                                      const storage::AuditScribe& scribe) = 0;
  virtual storage::result<std::vector<storage::Roster>> rosters() = 0;
  virtual storage::result<std::vector<storage::QueueGrant>> queue_grants(
      const storage::Id& user) = 0;
  virtual storage::result<std::vector<storage::Statement>> statements(
      const storage::Id& report) = 0;
  virtual storage::result<std::vector<storage::EpochKey>> epochs(std::uint32_t from) = 0;
  virtual storage::result<std::vector<storage::Note>> notes(const storage::Id& report) = 0;
  virtual storage::result<std::vector<storage::ReplySummary>> replies(
      const storage::Id& report) = 0;
  virtual storage::result<std::vector<storage::SameSenderLink>> same_senders(
      const storage::Id& report) = 0;
  virtual storage::result<void> put_note(const storage::Note& note,
                                         const storage::AuditScribe& scribe) = 0;
  virtual storage::result<void> put_reply(const storage::OutboxReply& reply,
                                          const std::optional<storage::Note>& note,
                                          const storage::AuditScribe& scribe) = 0;
  virtual storage::result<storage::Agreed> transfer(const storage::Transfer& transfer,
                                                    const storage::AuditScribe& scribe) = 0;
  virtual storage::result<std::vector<storage::LeftBehind>> left_behind(
      std::span<const storage::QueueKey> queues, const storage::Id& first, const storage::Id& last,
      std::uint32_t limit) = 0;
  virtual storage::result<void> hand_on(const storage::HandedOn& handed_on,
                                        const storage::AuditScribe& scribe) = 0;
  virtual storage::result<std::vector<storage::StoredWrap>> wraps_for(
      std::span<const storage::Id> kids, const storage::Id& first, std::uint32_t limit) = 0;
  virtual storage::result<void> renew_wraps(std::span<const storage::RenewedWrap> wraps,
                                            const storage::Id& user,
                                            const storage::AuditScribe& scribe) = 0;
  virtual storage::result<std::vector<storage::FormerWrap>> former_wraps(
      const storage::Id& queue, const storage::FormerPlace& after, std::uint32_t limit) = 0;
  virtual storage::result<void> settle_former_wraps(const storage::Id& queue,
                                                    std::span<const storage::ComparedWrap> wraps,
                                                    const storage::AuditScribe& compared,
                                                    const storage::AuditScribe& mended) = 0;
  virtual storage::result<std::vector<storage::ElsewhereCount>> elsewhere(
      std::span<const storage::Id> reports, std::span<const storage::Id> others) = 0;
  virtual storage::result<std::vector<storage::Withdrawn>> withdrawn(const storage::Id& after,
                                                                     std::uint32_t limit) = 0;
  virtual storage::result<std::vector<storage::Withdrawn>> hidden(
      std::span<const storage::Id> queues, const storage::Id& first, std::uint32_t limit) = 0;
  virtual storage::result<void> hide(const storage::Id& report, std::uint32_t until) = 0;
  virtual storage::result<void> hold(const storage::Id& report, bool held,
                                     const storage::AuditScribe& scribe) = 0;
  virtual storage::result<storage::Agreed> hold_legally(const storage::Id& report, bool held,
                                                        const storage::Agreement& agreement,
                                                        const storage::AuditScribe& scribe) = 0;
  virtual storage::result<void> erase(const storage::Id& report, std::uint32_t hour,
                                      bool even_held) = 0;
  virtual storage::result<storage::Agreed> delete_report(const storage::Id& report,
                                                         std::uint32_t hour,
                                                         const storage::Agreement& agreement,
                                                         const storage::AuditScribe& scribe) = 0;
  virtual storage::result<bool> is_deleted(const storage::Id& report) = 0;
  virtual storage::result<storage::Bytes> first_record(const storage::Id& report) = 0;
  virtual storage::result<std::vector<storage::Intent>> intents(std::span<const storage::Id> places,
                                                                std::uint32_t after) = 0;
  virtual storage::result<void> put_audit(const storage::Id& subject, const storage::Id& object,
                                          const storage::AuditScribe& scribe) = 0;
  // Rosters, invitations and grants. Their rules are the database's, so there is nothing between.
  virtual storage::blocking::PeopleStore& people() = 0;
  virtual storage::result<std::vector<storage::AuditRow>> audit_with_origins(
      std::uint64_t after, std::uint32_t limit) = 0;
  virtual storage::result<std::vector<storage::StoredCheckpoint>> checkpoints(
      std::uint64_t after, std::uint64_t last) = 0;
};

class StoredCases final : public Cases {
 public:
  // `store` outlives this.
  explicit StoredCases(storage::blocking::DeskStore& store) : store_{store} {}

  storage::result<std::vector<storage::QueueSummary>> summaries(
      std::span<const storage::Id> queues) override {
    return store_.summaries(queues);
  }
  storage::result<std::vector<storage::ReportRow>> list(
      const storage::Id& queue, const std::optional<storage::Cursor>& from, std::uint32_t limit,
      const storage::AuditScribe& scribe) override {
    return store_.list(queue, from, limit, scribe);
  }
  storage::result<std::optional<storage::ReportRow>> pull(
      std::span<const storage::Id> queues, const storage::Id& user, std::chrono::seconds duration,
      const storage::AuditScribe& scribe) override {
    return store_.pull(queues, user, duration, scribe);
  }
  storage::result<storage::Report> show(const storage::Id& report) override {
    return store_.show(report);
  }
  storage::result<storage::Lease> renew(const storage::Id& report, const storage::Id& user,
                                        std::chrono::seconds duration,
                                        const storage::AuditScribe& scribe) override {
    return store_.renew(report, user, duration, scribe);
  }
  storage::result<void> release(const storage::Id& report, const storage::Id& user,
                                const storage::AuditScribe& scribe) override {
    return store_.release(report, user, scribe);
  }
  storage::result<void> close(const storage::Id& report, const storage::Id& user,
                              const storage::AuditScribe& scribe) override {
    return store_.close(report, user, scribe);
  }
  storage::result<std::vector<storage::Roster>> rosters() override { return store_.rosters(); }
  storage::result<std::vector<storage::QueueGrant>> queue_grants(const storage::Id& user) override {
    return store_.queue_grants(user);
  }
  storage::result<std::vector<storage::Statement>> statements(const storage::Id& report) override {
    return store_.statements(report);
  }
  storage::result<std::vector<storage::EpochKey>> epochs(std::uint32_t from) override {
    return store_.epochs(from);
  }
  storage::result<std::vector<storage::Note>> notes(const storage::Id& report) override {
    return store_.notes(report);
  }
  storage::result<std::vector<storage::ReplySummary>> replies(const storage::Id& report) override {
    return store_.replies(report);
  }
  storage::result<std::vector<storage::SameSenderLink>> same_senders(
      const storage::Id& report) override {
    return store_.same_senders(report);
  }
  storage::result<void> put_note(const storage::Note& note,
                                 const storage::AuditScribe& scribe) override {
    return store_.put_note(note, scribe);
  }
  storage::result<void> put_reply(const storage::OutboxReply& reply,
                                  const std::optional<storage::Note>& note,
                                  const storage::AuditScribe& scribe) override {
    return store_.put_reply(reply, note, scribe);
  }
  storage::result<storage::Agreed> transfer(const storage::Transfer& transfer,
                                            const storage::AuditScribe& scribe) override {
    return store_.transfer(transfer, scribe);
  }
  storage::result<std::vector<storage::LeftBehind>> left_behind(
      std::span<const storage::QueueKey> queues, const storage::Id& first, const storage::Id& last,
      std::uint32_t limit) override {
    return store_.left_behind(queues, first, last, limit);
  }
  storage::result<void> hand_on(const storage::HandedOn& handed_on,
                                const storage::AuditScribe& scribe) override {
    return store_.hand_on(handed_on, scribe);
  }
  storage::result<std::vector<storage::StoredWrap>> wraps_for(std::span<const storage::Id> kids,
                                                              const storage::Id& first,
                                                              std::uint32_t limit) override {
    return store_.wraps_for(kids, first, limit);
  }
  storage::result<void> renew_wraps(std::span<const storage::RenewedWrap> wraps,
                                    const storage::Id& user,
                                    const storage::AuditScribe& scribe) override {
    return store_.renew_wraps(wraps, user, scribe);
  }
  storage::result<std::vector<storage::FormerWrap>> former_wraps(const storage::Id& queue,
                                                                 const storage::FormerPlace& after,
                                                                 std::uint32_t limit) override {
    return store_.former_wraps(queue, after, limit);
  }
  storage::result<void> settle_former_wraps(const storage::Id& queue,
                                            std::span<const storage::ComparedWrap> wraps,
                                            const storage::AuditScribe& compared,
                                            const storage::AuditScribe& mended) override {
    return store_.settle_former_wraps(queue, wraps, compared, mended);
  }
  storage::result<std::vector<storage::ElsewhereCount>> elsewhere(
      std::span<const storage::Id> reports, std::span<const storage::Id> others) override {
    return store_.elsewhere(reports, others);
  }
  storage::result<std::vector<storage::Withdrawn>> withdrawn(const storage::Id& after,
                                                             std::uint32_t limit) override {
    return store_.withdrawn(after, limit);
  }
  storage::result<std::vector<storage::Withdrawn>> hidden(std::span<const storage::Id> queues,
                                                          const storage::Id& first,
                                                          std::uint32_t limit) override {
    return store_.hidden(queues, first, limit);
  }
  storage::result<void> hide(const storage::Id& report, std::uint32_t until) override {
    return store_.hide(report, until);
  }
  storage::result<void> hold(const storage::Id& report, bool held,
                             const storage::AuditScribe& scribe) override {
    return store_.hold(report, held, scribe);
  }
  storage::result<storage::Agreed> hold_legally(const storage::Id& report, bool held,
                                                const storage::Agreement& agreement,
                                                const storage::AuditScribe& scribe) override {
    return store_.hold_legally(report, held, agreement, scribe);
  }
  storage::result<void> erase(const storage::Id& report, std::uint32_t hour,
                              bool even_held) override {
    return store_.erase(report, hour, even_held);
  }
  storage::result<storage::Agreed> delete_report(const storage::Id& report, std::uint32_t hour,
                                                 const storage::Agreement& agreement,
                                                 const storage::AuditScribe& scribe) override {
    return store_.delete_report(report, hour, agreement, scribe);
  }
  storage::result<bool> is_deleted(const storage::Id& report) override {
    return store_.is_deleted(report);
  }
  storage::result<storage::Bytes> first_record(const storage::Id& report) override {
    return store_.first_record(report);
  }
  storage::result<std::vector<storage::Intent>> intents(std::span<const storage::Id> places,
                                                        std::uint32_t after) override {
    return store_.intents(places, after);
  }
  storage::result<void> put_audit(const storage::Id& subject, const storage::Id& object,
                                  const storage::AuditScribe& scribe) override {
    return store_.put_audit(subject, object, scribe);
  }
  storage::blocking::PeopleStore& people() override { return store_; }
  storage::result<std::vector<storage::AuditRow>> audit_with_origins(std::uint64_t after,
                                                                     std::uint32_t limit) override {
    return store_.audit_with_origins(after, limit);
  }
  storage::result<std::vector<storage::StoredCheckpoint>> checkpoints(std::uint64_t after,
                                                                      std::uint64_t last) override {
    return store_.checkpoints(after, last);
  }

 private:
  storage::blocking::DeskStore& store_;
};

}  // namespace ishara::desk
