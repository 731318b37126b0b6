#pragma once
// Errors of the API: problem documents (RFC 9457). Pure, thread-safe.

#include <string_view>

#include "gateway/http/message.hpp"

namespace ishara::desk {

// An answer of type application/problem+json. `kind` is a short stable word for programs
// ("not-found"); `detail` is for people and says what to do. Neither holds anything of the request.
http::Response problem(unsigned status, std::string_view kind, std::string_view detail);

}  // namespace ishara::desk
