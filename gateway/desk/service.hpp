#pragma once
// The desk role: the API's listener, a few database threads behind it, rosters that are read again
// when one is published and every five seconds, so that a revoked member is out at once, and the
// removal of what reporters have taken back.
//
// Thread rule: one thread runs the io_context; the pool's threads read and write the database.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>

#include "gateway/config/config.hpp"

namespace ishara::desk {

class Service {
 public:
  // `config` outlives this. Throws boost::system::system_error if the certificate cannot be used.
  Service(boost::asio::io_context& context, const config::Config& config);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Listens. Throws boost::system::system_error if the address cannot be bound.
  void start();
  // Finishes what was accepted and returns; `start` was called before.
  boost::asio::awaitable<void> stop();
  std::uint16_t port() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace ishara::desk
