#include "gateway/desk/problem.hpp"

#include <boost/json.hpp>

namespace ishara::desk {

http::Response problem(unsigned status, std::string_view kind, std::string_view detail) {
  const boost::json::object document{{"type", "urn:ishara:problem:" + std::string{kind}},
                                     {"title", kind},
                                     {"status", status},
                                     {"detail", detail}};
  http::Response out;
  out.status = status;
  out.content_type = "application/problem+json";
  out.body = boost::json::serialize(document);
  return out;
}

}  // namespace ishara::desk
