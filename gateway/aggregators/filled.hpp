#pragma once
// Templates (config/template.hpp) filled, and read again. A text is walked once: what is put into a
// gap is escaped for the place where the gap stands, and never read as a gap itself. Pure
// functions, for any thread; the results live in wiped memory.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/template.hpp"
#include "gateway/crypto/wipe.hpp"

namespace ishara::aggregators {

// `value` gives that of a gap by its name. A value with a control character leaves its gap in a
// header empty.
crypto::WipedBuffer filled(const config::Template& text,
                           const std::function<crypto::WipedBuffer(std::string_view)>& value);

// The other way, for those who play the provider: what stands in the gap `text` of a template that
// was filled to be `whole`; nothing if it cannot have been.
std::optional<std::string> unfilled(const config::Template& text, std::string_view whole);

}  // namespace ishara::aggregators
