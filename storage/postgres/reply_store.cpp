#include "storage/reply_store.hpp"

#include "storage/postgres/session.hpp"

namespace ishara::storage::blocking {

using postgres::parameter;
using postgres::Row;
using postgres::Transaction;

namespace {

constexpr std::string_view columns =
    "o.reply_id, o.report_id, o.hour, o.reply, s.state, s.reason, s.pulled_hour";

OutboxReply reply_row(const Row& row) {
  OutboxReply reply{row[0].id(), row[1].id(), static_cast<std::uint32_t>(row[2].integer()),
                    row[3].bytes()};
  if (row[4].null) return reply;
  reply.state = static_cast<ReplyState>(row[4].integer());
  reply.reason = static_cast<std::int16_t>(row[5].integer());
  if (!row[6].null) reply.fetched_hour = static_cast<std::uint32_t>(row[6].integer());
  return reply;
}

}  // namespace

result<std::vector<OutboxReply>> ReplyStore::to_send(bool again, const Id& after,
                                                     std::uint32_t limit) {
  return session().transact([&](Transaction& transaction) {
    std::vector<OutboxReply> replies;
    for (const auto& row : transaction.execute(
             std::string{"SELECT "}.append(columns).append(
                 " FROM reply_outbox AS o LEFT JOIN reply_state AS s USING (reply_id)"
                 " WHERE o.reply_id > $1::uuid AND (s.state IS NULL"
                 " OR ($2::boolean AND s.state = 1))"
                 " ORDER BY o.reply_id LIMIT $3::integer"),
             {parameter(after), again ? "t" : "f", parameter(limit)}))
      replies.push_back(reply_row(row));
    return replies;
  });
}

result<std::vector<OutboxReply>> ReplyStore::replies_of(const Id& report) {
  return session().transact([&](Transaction& transaction) {
    std::vector<OutboxReply> replies;
    for (const auto& row : transaction.execute(
             std::string{"SELECT "}.append(columns).append(
                 " FROM reply_outbox AS o LEFT JOIN reply_state AS s USING (reply_id)"
                 " WHERE o.report_id = $1::uuid ORDER BY o.hour, o.reply_id"),
             {parameter(report)}))
      replies.push_back(reply_row(row));
    return replies;
  });
}

result<bool> ReplyStore::begin(const OutboxReply& reply, std::uint32_t hour) {
  return session().transact([&](Transaction& transaction) {
    return !transaction
                .execute(
                    "INSERT INTO reply_state AS s (reply_id, report_id, hour, state)"
                    " VALUES ($1::uuid, $2::uuid, $3::integer, 2)"
                    " ON CONFLICT (reply_id) DO UPDATE SET hour = EXCLUDED.hour, state = 2,"
                    " reason = 0"
                    " WHERE s.state = 1 RETURNING reply_id",
                    {parameter(reply.reply_id), parameter(reply.report_id), parameter(hour)})
                .empty();
  });
}

result<void> ReplyStore::settle(const OutboxReply& reply, const ReplyOutcome& outcome,
                                std::uint32_t hour) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute(
        "INSERT INTO reply_state AS s (reply_id, report_id, hour, state, reason, delivery, untold)"
        " VALUES ($1::uuid, $2::uuid, $3::integer, $4::smallint, $5::smallint,"
        " nullif($6, '')::uuid, CASE WHEN $4::smallint IN (3, 4) THEN $4::smallint END)"
        " ON CONFLICT (reply_id) DO UPDATE SET hour = EXCLUDED.hour, state = EXCLUDED.state,"
        " reason = EXCLUDED.reason, delivery = EXCLUDED.delivery, untold = EXCLUDED.untold WHERE "
        "s.state NOT IN (3, 4, 6)",
        {parameter(reply.reply_id), parameter(reply.report_id), parameter(hour),
         parameter(static_cast<std::int64_t>(outcome.state)), parameter(outcome.reason),
         outcome.delivery ? parameter(*outcome.delivery) : std::string{}});
  });
}

result<void> ReplyStore::fetched(const OutboxReply& reply, std::uint32_t hour) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute(
        "INSERT INTO reply_state AS s (reply_id, report_id, hour, state, pulled_hour)"
        " VALUES ($1::uuid, $2::uuid, $3::integer, 6, $3::integer)"
        " ON CONFLICT (reply_id) DO UPDATE SET hour = EXCLUDED.hour, state = 6,"
        " pulled_hour = EXCLUDED.pulled_hour"
        " WHERE s.state IN (1, 4, 5)",
        {parameter(reply.reply_id), parameter(reply.report_id), parameter(hour)});
  });
}

result<std::uint32_t> ReplyStore::give_up_on_sending() {
  return session().transact([&](Transaction& transaction) {
    return static_cast<std::uint32_t>(
        transaction
            .execute(
                "UPDATE reply_state SET state = 4, untold = 4 WHERE state = 2 RETURNING reply_id",
                {})
            .size());
  });
}

result<void> ReplyStore::delivered(std::span<const Id> hashes, std::int16_t state) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute(
        "UPDATE reply_state SET delivery_state = $2::smallint"
        " WHERE delivery = ANY($1::uuid[])"
        " AND (delivery_state IS NULL OR delivery_state < least($2::smallint, 3))",
        {parameter(hashes), parameter(state)});
  });
}

result<void> ReplyStore::forget_replies(std::uint32_t hashes, std::uint32_t states) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute(
        "UPDATE reply_state SET delivery = NULL"
        " WHERE delivery IS NOT NULL AND hour < $1::integer",
        {parameter(hashes)});
    transaction.execute("DELETE FROM reply_state WHERE hour < $1::integer", {parameter(states)});
  });
}

}  // namespace ishara::storage::blocking
