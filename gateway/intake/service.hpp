#pragma once
// The gateway role: the webhook listener, the writer behind it, and how the gateway learns and
// learns again: language packs at start, channels when a file changes, routing tables and rosters
// when the database says so. Until it has learnt everything it answers 503.
//
// Thread rule: one thread runs the io_context; one pool thread reads the database.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>

#include "gateway/aggregators/registry.hpp"
#include "gateway/config/config.hpp"
#include "gateway/intake/intake.hpp"

namespace ishara::intake {

class Service {
 public:
  // `config` and `registry` outlive this. Throws std::runtime_error if a language pack or the TLS
  // certificate cannot be used.
  Service(asio::io_context& context, const config::Config& config,
          const aggregators::Registry& registry, Keys keys);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Listens. Throws boost::system::system_error if an address cannot be bound.
  void start();
  // Finishes what was accepted, flushes the writer, and returns; `start` was called before.
  asio::awaitable<void> stop();
  std::uint16_t port() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace ishara::intake
