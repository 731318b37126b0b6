// One raw request through the parser of server and command line. Whatever it accepts must be parsed
// to the same request when it is written out again.

#include <cstdlib>
#include <string>

#include "gateway/http/form.hpp"
#include "gateway/http/parse.hpp"

namespace {

constexpr std::size_t body_limit = 4096;

std::string written(const ishara::http::Request& request) {
  using ishara::crypto::view;
  std::string bytes = "PUT ";
  bytes += view(request.target);
  bytes += " HTTP/1.0\r\n";
  for (const auto& [name, value] : request.fields) {
    if (name == "content-length" || name == "transfer-encoding") continue;
    bytes += name + ": ";
    bytes += view(value);
    bytes += "\r\n";
  }
  bytes += "content-length: " + std::to_string(request.body.size()) + "\r\n\r\n";
  bytes += view(request.body);
  return bytes;
}

void require(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara::http;
  const auto request = parse_request({reinterpret_cast<const char*>(data), size}, body_limit);
  if (!request) return 0;
  require(request->body.size() <= body_limit);
  (void)read_form(*request);
  if (request->target.empty()) return 0;  // only CONNECT has none
  const auto again = parse_request(written(*request), body_limit);
  // Writing a length where there was none adds a field, which may be one too many.
  if (!again) {
    require(again.error() == errc::head_too_large);
    return 0;
  }
  require(again->target == request->target && again->body == request->body);
  return 0;
}
