#pragma once
// Writes a Response as bytes of HTTP/1.1. For the sources of this folder and their tests.

#include <string_view>

#include "gateway/crypto/wipe.hpp"
#include "gateway/http/message.hpp"

namespace ishara::http {

struct Framing {
  bool without_body;  // the answer to HEAD: the length stays
  bool keep_alive;
  bool http_11;  // what the request said
};

// Appends the whole answer to `out`. Throws std::invalid_argument if a field holds a line end or a
// NUL: a bug of the handler that would let somebody write fields of his own.
void append_answer(crypto::WipedBuffer& out, const Response& response, Framing framing);

// The words that belong to a status code (RFC 9110 15).
std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace ishara::http
