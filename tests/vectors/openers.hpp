#pragma once
// How C++ opens the cases of the vector files. A case has a type, bytes, what it is opened `with`,
// and what it `opens` to: null if it must be refused. The names and values are those of the
// JavaScript beside this file.

#include <boost/json.hpp>
#include <string_view>

#include "gateway/crypto/primitives.hpp"

namespace ishara::test {

// Null for what is refused; throws for a type or a field that this does not know.
boost::json::value open_case(std::string_view type, crypto::View bytes,
                             const boost::json::object& with);

}  // namespace ishara::test
