#pragma once
// Every line that a log of ours can hold. A new event is one enumerator and one row, in the same
// order; the names of its arguments stand in the row, and their number is checked at compile time.
//
// No event per message, and none with a report id, message id or ref: together with the exact
// second of a line it would undo the hour rounding of the rows (privacy.md section 14).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ishara::log {

enum class Level : std::uint8_t { info, warning, error };

enum class Event : std::uint16_t {
  uncaught_exception,
  memory_lock_refused,
  role_started,
  role_ended,
  role_restarting,
  role_given_up,
  role_killed,
  serve_stopping,
  serve_stopped,
  gateway_listening,
  gateway_stopping,
  gateway_stopped,
  desk_listening,
  desk_stopping,
  desk_stopped,
  desk_request_failed,
  roster_refused,
  answer_withheld,
  knowledge_loaded,
  knowledge_refused,
  knowledge_from_disk,
  knowledge_not_kept,
  database_away,
  database_back,
  spool_full,
  spool_failed,
  spool_rows_refused,
  channels_loaded,
  channels_refused,
  channel_silent,
  relay_connected,
  relay_lost,
  replies_unknown,
  channel_stopped,
  acknowledgements_withheld,
  relay_listening,
  relay_stopping,
  relay_stopped,
  relay_peers_refused,
  relay_alarm,
  epoch_created,
  epoch_destroyed,
  epoch_failed,
  addresses_swept,
  withdrawals_refused,
  strays_overdue,
  audit_broken,
  audit_failed,
  enrolment_codes_guessed,
  relay_stopped_by_panic,
  relay_waits_for_resume,
  rosters_awaited,
  service_key_refused,
  signatures_refused,
  texts_not_stored,
};

struct Row {
  Event event;
  Level level;
  std::string_view name;       // lower case, digits and underscores
  std::string_view arguments;  // their names, separated by one space
};

inline constexpr std::array rows{
    Row{Event::uncaught_exception, Level::error, "uncaught_exception", ""},
    Row{Event::memory_lock_refused, Level::warning, "memory_lock_refused", "errno"},
    Row{Event::role_started, Level::info, "role_started", "role pid"},
    Row{Event::role_ended, Level::warning, "role_ended", "role status signal"},
    Row{Event::role_restarting, Level::info, "role_restarting", "role after_ms"},
    Row{Event::role_given_up, Level::error, "role_given_up", "role"},
    Row{Event::role_killed, Level::error, "role_killed", "role after_s"},
    Row{Event::serve_stopping, Level::info, "serve_stopping", "signal"},
    Row{Event::serve_stopped, Level::info, "serve_stopped", "status"},
    Row{Event::gateway_listening, Level::info, "gateway_listening", "port"},
    Row{Event::gateway_stopping, Level::info, "gateway_stopping", "connections"},
    Row{Event::gateway_stopped, Level::info, "gateway_stopped", "status"},
    Row{Event::desk_listening, Level::info, "desk_listening", "port"},
    Row{Event::desk_stopping, Level::info, "desk_stopping", "connections"},
    Row{Event::desk_stopped, Level::info, "desk_stopped", "status"},
    Row{Event::desk_request_failed, Level::error, "desk_request_failed", "endpoint code"},
    Row{Event::roster_refused, Level::error, "roster_refused", "code"},
    Row{Event::answer_withheld, Level::error, "answer_withheld", "code"},
    Row{Event::knowledge_loaded, Level::info, "knowledge_loaded", "routing queues"},
    Row{Event::knowledge_refused, Level::error, "knowledge_refused", "code"},
    Row{Event::knowledge_from_disk, Level::info, "knowledge_from_disk", "routing queues"},
    Row{Event::knowledge_not_kept, Level::warning, "knowledge_not_kept", "code"},
    Row{Event::database_away, Level::warning, "database_away", ""},
    Row{Event::database_back, Level::info, "database_back", ""},
    Row{Event::spool_full, Level::error, "spool_full", ""},
    Row{Event::spool_failed, Level::error, "spool_failed", "code"},
    Row{Event::spool_rows_refused, Level::error, "spool_rows_refused", "rows"},
    Row{Event::channels_loaded, Level::info, "channels_loaded", "channels"},
    Row{Event::channels_refused, Level::error, "channels_refused", "mistakes"},
    Row{Event::channel_silent, Level::warning, "channel_silent", "channel hours"},
    Row{Event::relay_connected, Level::info, "relay_connected", ""},
    Row{Event::relay_lost, Level::warning, "relay_lost", ""},
    Row{Event::replies_unknown, Level::warning, "replies_unknown", "replies"},
    Row{Event::channel_stopped, Level::error, "channel_stopped", "channel"},
    Row{Event::acknowledgements_withheld, Level::warning, "acknowledgements_withheld",
        "acknowledgements"},
    Row{Event::relay_listening, Level::info, "relay_listening", ""},
    Row{Event::relay_stopping, Level::info, "relay_stopping", "connections"},
    Row{Event::relay_stopped, Level::info, "relay_stopped", "status"},
    Row{Event::relay_peers_refused, Level::error, "relay_peers_refused", "count"},
    Row{Event::relay_alarm, Level::error, "relay_alarm", "kind count"},
    Row{Event::epoch_created, Level::info, "epoch_created", "epoch"},
    Row{Event::epoch_destroyed, Level::info, "epoch_destroyed", "epoch"},
    Row{Event::epoch_failed, Level::error, "epoch_failed", "code"},
    Row{Event::addresses_swept, Level::info, "addresses_swept", "rolled removed"},
    Row{Event::withdrawals_refused, Level::error, "withdrawals_refused", "reports revealed"},
    Row{Event::strays_overdue, Level::warning, "strays_overdue", "messages"},
    Row{Event::audit_broken, Level::error, "audit_broken", "entry"},
    Row{Event::audit_failed, Level::error, "audit_failed", "code"},
    Row{Event::enrolment_codes_guessed, Level::error, "enrolment_codes_guessed", "wrong"},
    Row{Event::relay_stopped_by_panic, Level::error, "relay_stopped_by_panic", "keys code in_use"},
    Row{Event::relay_waits_for_resume, Level::error, "relay_waits_for_resume", ""},
    Row{Event::rosters_awaited, Level::warning, "rosters_awaited", ""},
    Row{Event::service_key_refused, Level::error, "service_key_refused", "last_hour"},
    Row{Event::signatures_refused, Level::warning, "signatures_refused", "count"},
    Row{Event::texts_not_stored, Level::error, "texts_not_stored", "texts dialogues late"},
};

constexpr const Row& row(Event event) { return rows[static_cast<std::size_t>(event)]; }

constexpr std::size_t argument_count(Event event) {
  const auto names = row(event).arguments;
  if (names.empty()) return 0;
  return static_cast<std::size_t>(std::count(names.begin(), names.end(), ' ')) + 1;
}

static_assert(
    [] {
      for (std::size_t i = 0; i < rows.size(); ++i)
        if (static_cast<std::size_t>(rows[i].event) != i) return false;
      return true;
    }(),
    "the rows stand in the order of the enumerators");

}  // namespace ishara::log
