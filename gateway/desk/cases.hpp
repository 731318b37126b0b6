#pragma once
// What the API asks of storage. The desk's endpoints see this and not the store, so that their
// tests need no database. A call blocks; one thread at a time.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/store.hpp"

namespace ishara::desk {

// Each as the verb of the same name in storage::blocking::Store.
class Cases {
 public:
  virtual ~Cases() = default;
  virtual storage::result<std::vector<storage::QueueSummary>> summaries(
      std::span<const storage::Id> queues) = 0;
  virtual storage::result<std::vector<storage::ReportRow>> list(
      const storage::Id& queue, const std::optional<storage::Cursor>& from,
      std::uint32_t limit) = 0;
  virtual storage::result<std::optional<storage::ReportRow>> pull(
      std::span<const storage::Id> queues, const storage::Id& user,
      std::chrono::seconds duration) = 0;
  virtual storage::result<storage::Report> show(const storage::Id& report) = 0;
  virtual storage::result<storage::Lease> renew(const storage::Id& report, const storage::Id& user,
                                                std::chrono::seconds duration) = 0;
  virtual storage::result<void> release(const storage::Id& report, const storage::Id& user) = 0;
  virtual storage::result<void> close(const storage::Id& report, const storage::Id& user) = 0;
  virtual storage::result<std::vector<storage::Roster>> rosters() = 0;
  virtual storage::result<std::vector<storage::QueueGrant>> queue_grants(
      const storage::Id& user) = 0;
};

class StoredCases final : public Cases {
 public:
  // `store` outlives this.
  explicit StoredCases(storage::blocking::Store& store) : store_{store} {}

  storage::result<std::vector<storage::QueueSummary>> summaries(
      std::span<const storage::Id> queues) override {
    return store_.summaries(queues);
  }
  storage::result<std::vector<storage::ReportRow>> list(const storage::Id& queue,
                                                        const std::optional<storage::Cursor>& from,
                                                        std::uint32_t limit) override {
    return store_.list(queue, from, limit);
  }
  storage::result<std::optional<storage::ReportRow>> pull(std::span<const storage::Id> queues,
                                                          const storage::Id& user,
                                                          std::chrono::seconds duration) override {
    return store_.pull(queues, user, duration);
  }
  storage::result<storage::Report> show(const storage::Id& report) override {
    return store_.show(report);
  }
  storage::result<storage::Lease> renew(const storage::Id& report, const storage::Id& user,
                                        std::chrono::seconds duration) override {
    return store_.renew(report, user, duration);
  }
  storage::result<void> release(const storage::Id& report, const storage::Id& user) override {
    return store_.release(report, user);
  }
  storage::result<void> close(const storage::Id& report, const storage::Id& user) override {
    return store_.close(report, user);
  }
  storage::result<std::vector<storage::Roster>> rosters() override { return store_.rosters(); }
  storage::result<std::vector<storage::QueueGrant>> queue_grants(const storage::Id& user) override {
    return store_.queue_grants(user);
  }

 private:
  storage::blocking::Store& store_;
};

}  // namespace ishara::desk
