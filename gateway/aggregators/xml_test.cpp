// XML of outside bytes: what is read by which path, and what is not read at all.

#include "gateway/aggregators/xml.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ishara::aggregators {
namespace {

std::string shown(const std::optional<crypto::WipedBuffer>& text) {
  return text ? std::string{crypto::view(*text)} : "(none)";
}

std::string nested(int depth) {
  std::string out;
  for (int level = 0; level < depth; ++level) out += "<a>";
  out += "x";
  for (int level = 0; level < depth; ++level) out += "</a>";
  return out;
}

}  // namespace

TEST_CASE("texts and attributes are found by their path, the first of a name first") {
  const Xml xml{
      "<?xml version=\"1.0\"?><m at=\"1\"><b id='2' x=\"a&amp;b\">one<c>two</c>three</b><b>four</b>"
      "<d><![CDATA[<five>]]></d><e/><f> </f></m>"};
  REQUIRE(xml);
  CHECK(shown(xml.text("m/@at")) == "1");
  CHECK(shown(xml.text("/m/b/@id")) == "2");
  CHECK(shown(xml.text("m/b/@x")) == "a&b");
  CHECK(shown(xml.text("m/b")) == "onethree");
  CHECK(shown(xml.text("m/b/c")) == "two");
  CHECK(shown(xml.text("m/d")) == "<five>");
  CHECK(shown(xml.text("m/e")) == "");
  CHECK(shown(xml.text("m/f")) == " ");
  CHECK(shown(xml.at("m/b").text("c")) == "two");
  CHECK(shown(xml.at("m/b").text("@id")) == "2");
  CHECK(shown(xml.at("m").all("b").at(1).text("")) == "four");
  for (const auto* absent : {"b", "m/x", "m/b/@y", "m/x/@y", "m/b/c/d"}) {
    CAPTURE(std::string{absent});
    CHECK(shown(xml.text(absent)) == "(none)");
  }
  CHECK(xml.at("m").all("x").empty());
  CHECK(!xml.at("x"));
  CHECK(!xml.at("x").at("y"));
}

TEST_CASE("what is no XML is nothing") {
  for (const auto* wrong : {"", " ", "x", "<a>", "<a></b>", "<a", "<a b=></a>", "{\"a\":1}"}) {
    CAPTURE(std::string{wrong});
    CHECK(!Xml{wrong});
  }
  CHECK(!Xml{}.at("a"));
  CHECK(!Xml{}.text("a").has_value());
}

TEST_CASE("a document's own entities are not resolved") {
  const Xml xml{
      "<!DOCTYPE m [<!ENTITY e \"many\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>"
      "<m>&e;&f;&lt;&#65;&#x42;&quot;</m>"};
  REQUIRE(xml);
  CHECK(shown(xml.text("m")) == "&e;&f;<AB\"");
}

TEST_CASE("a document nests to a depth, and no deeper") {
  CHECK(Xml{nested(Xml::max_depth - 1)});
  CHECK(!Xml{nested(Xml::max_depth + 1)});
  CHECK(!Xml{nested(9'000)});
}

TEST_CASE("what was escaped is read as it was, in an element and in an attribute") {
  const std::string_view words = "a < b & \"c\" > 'd' ]]> \xC3\xA9 \n e";
  const auto escaped = std::string{crypto::view(xml_escaped(words))};
  const Xml xml{"<m>" + escaped + "</m>"};
  REQUIRE(xml);
  CHECK(shown(xml.text("m")) == words);
  const Xml in_attribute{"<m x=\"" + std::string{crypto::view(xml_escaped("a\"<&>b"))} + "\"/>"};
  CHECK(shown(in_attribute.text("m/@x")) == "a\"<&>b");
}

TEST_CASE("Latin-1 is read where it is declared") {
  const Xml xml{"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><m>\xE9t\xE9</m>"};
  REQUIRE(xml);
  CHECK(shown(xml.text("m")) == "\xC3\xA9t\xC3\xA9");
}

}  // namespace ishara::aggregators
