#pragma once
// For tests: while a CapturedLog lives, lines go to it and not to stderr. One at a time; threads
// may write while it lives, and none may still be writing when it goes.

#include <string>
#include <vector>

#include "gateway/log/events.hpp"

namespace ishara::log {

class CapturedLog {
 public:
  CapturedLog();
  ~CapturedLog();
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  // The lines so far, each with its line feed.
  std::vector<std::string> lines() const;
  bool has(Event event) const;

 private:
  std::vector<std::string> lines_;
};

}  // namespace ishara::log
