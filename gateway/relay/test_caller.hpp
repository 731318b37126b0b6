#pragma once
// A blocking caller of the relay's socket, for tests. One thread may send while another hears.

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>

#include "gateway/identity/relay_wire.hpp"

namespace ishara::relay {

class Caller {
 public:
  explicit Caller(const std::filesystem::path& path)
      : socket_{::socket(AF_UNIX, SOCK_SEQPACKET, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval limit{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Caller() { ::close(socket_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  bool connected() const { return connected_; }
  bool send(crypto::View packet) const {
    return ::send(socket_, packet.data(), packet.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(packet.size());
  }
  void ask(std::uint32_t call, const identity::RelayRequest& request) const {
    send(identity::encode_request(call, request));
  }
  // Nothing: the relay has hung up.
  std::optional<identity::RelayAnswer> hear() const {
    std::array<std::uint8_t, 1024> packet;
    const auto size = ::recv(socket_, packet.data(), packet.size(), 0);
    if (size <= 0) return std::nullopt;
    auto answer = identity::decode_answer(std::span{packet}.first(static_cast<std::size_t>(size)));
    if (!answer) return std::nullopt;
    return std::move(*answer);
  }

 private:
  int socket_;
  bool connected_ = false;
};

}  // namespace ishara::relay
