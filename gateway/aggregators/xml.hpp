#pragma once
// XML of requests and answers, read and written in memory that is wiped: it may name a number and
// hold a text. Nothing outside of the document is looked up, and no entity but XML's own five and
// those of characters is resolved. Values like any other; not shared between threads.

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/aggregators/aggregator.hpp"

namespace ishara::aggregators {

// An element of a document, or the document itself; empty if there is none. Its parts are found by
// paths of names below it, "message/from", of which the last may be an attribute's:
// "message/service/@timestamp". Of elements of one name the first is meant.
class Xml {
 public:
  // Elements in one another; a document that nests deeper is refused.
  static constexpr int max_depth = 32;

  Xml() = default;
  // Of a whole body; empty if that is no XML. Its bytes become UTF-8 as it declares them, and stay
  // as they are where it declares nothing: read_text repairs them.
  explicit Xml(std::string_view body);

  explicit operator bool() const noexcept { return place_ != nullptr; }
  Xml at(std::string_view path) const;
  // All elements of this name, right below this one.
  std::vector<Xml> all(std::string_view name) const;
  // The text that stands in an element, without that of elements in it; empty if nothing stands
  // there. Nothing if there is no such place.
  std::optional<crypto::WipedBuffer> text(std::string_view path) const;

 private:
  struct Place;
  explicit Xml(std::shared_ptr<const Place> place) : place_{std::move(place)} {}
  std::shared_ptr<const Place> place_;
};

// The XML that was posted, whatever type it claims: some post XML as the form that their client
// says it is. Refuses another method, and a body that is too large or no such thing.
Result<Xml> posted_xml(const http::Request& request);

// Text with all escaped that would end it, in an element or in an attribute.
crypto::WipedBuffer xml_escaped(std::string_view utf8);

// A POST of XML to `target`.
http::Request xml_post(std::string_view target, crypto::WipedBuffer body);

}  // namespace ishara::aggregators
