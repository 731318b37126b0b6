#include "gateway/log/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <iterator>
#include <memory>
#include <mutex>

#include "gateway/log/captured.hpp"

namespace ishara::log {
namespace {

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::unique_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink) {
  auto logger = std::make_unique<spdlog::logger>("ishara", std::move(sink));
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%SZ %l %v", spdlog::pattern_time_type::utc));
  logger->flush_on(spdlog::level::info);
  // spdlog's own handler prints the text of the exception.
  logger->set_error_handler([](const std::string&) {});
  return logger;
}

// Lives until the process ends, so that destructors of other statics may still write.
spdlog::logger& standard_error() {
  static auto* const logger =
      make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>()).release();
  return *logger;
}

// Hands whole lines to the CapturedLog that lives now.
class CapturingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void capture(std::vector<std::string>* lines) {
    const std::lock_guard lock{mutex_};
    lines_ = lines;
  }
  std::vector<std::string> copy(const std::vector<std::string>& lines) {
    const std::lock_guard lock{mutex_};
    return lines;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lines_ == nullptr) return;
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    lines_->emplace_back(line.data(), line.size());
  }
  void flush_() override {}

 private:
  std::vector<std::string>* lines_ = nullptr;
};

struct Capture {
  std::shared_ptr<CapturingSink> sink = std::make_shared<CapturingSink>();
  std::unique_ptr<spdlog::logger> logger = make_logger(sink);
  std::atomic<bool> active = false;
};

Capture& capture() {
  static auto* const instance = new Capture;
  return *instance;
}

}  // namespace

void detail::write(Event event, std::span<const Value> values) noexcept try {
  const auto& entry = row(event);
  fmt::memory_buffer line;
  const auto out = std::back_inserter(line);
  fmt::format_to(out, "{}", entry.name);
  auto names = entry.arguments;
  for (const auto& value : values) {
    const auto end = std::min(names.find(' '), names.size());
    fmt::format_to(out, " {}=", names.substr(0, end));
    if (!value.name.empty())
      fmt::format_to(out, "{}", value.name);
    else
      fmt::format_to(out, "{}{}", value.negative ? "-" : "", value.magnitude);
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  auto& logger = capture().active ? *capture().logger : standard_error();
  logger.log(level_of(entry.level), spdlog::string_view_t{line.data(), line.size()});
} catch (...) {
  // Out of memory: a lost line is better than a lost process.
}

CapturedLog::CapturedLog() {
  capture().sink->capture(&lines_);
  capture().active = true;
}

CapturedLog::~CapturedLog() {
  capture().active = false;
  capture().sink->capture(nullptr);
}

std::vector<std::string> CapturedLog::lines() const { return capture().sink->copy(lines_); }

bool CapturedLog::has(Event event) const {
  const auto name = " " + std::string{row(event).name};
  for (const auto& line : lines()) {
    const auto at = line.find(name);
    if (at != std::string::npos &&
        (line[at + name.size()] == ' ' || line[at + name.size()] == '\n'))
      return true;
  }
  return false;
}

}  // namespace ishara::log
