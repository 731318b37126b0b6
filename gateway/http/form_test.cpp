#include "gateway/http/form.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <vector>

namespace ishara::http {
namespace {

std::string text(const crypto::WipedBuffer& bytes) { return std::string{crypto::view(bytes)}; }

Request posted(std::string_view target, std::string_view type, std::string_view body) {
  Request request;
  request.method = Method::post;
  request.target = crypto::wiped_copy(target);
  request.fields.push_back({"content-type", crypto::wiped_copy(type)});
  request.body = crypto::wiped_copy(body);
  return request;
}

std::string listed(const Form& form) {
  std::string result;
  for (const auto& [name, value] : form.pairs()) {
    result += name;
    result += '=';
    result += value;
    result += ';';
  }
  return result;
}

static_assert(!std::is_copy_constructible_v<Form> && std::is_nothrow_move_constructible_v<Form>);

TEST_CASE("a form value is decoded, and a malformed percent sign stays") {
  struct Row {
    std::string_view encoded;
    std::string_view decoded;
  };
  const std::vector<Row> rows = {
      {"", ""},
      {"a+b", "a b"},
      {"a%2Bb", "a+b"},
      {"%41%6a%6A", "Ajj"},
      {"%00", std::string_view{"\0", 1}},
      {"%C3%A9%ff", "\xc3\xa9\xff"},
      {"%", "%"},
      {"%4", "%4"},
      {"%4g", "%4g"},
      {"%%41", "%A"},
      {"%+1", "% 1"},
      {"100%25", "100%"},
      {"100%", "100%"},
      {"\xd9\x85 raw", "\xd9\x85 raw"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.encoded);
    CHECK(crypto::view(form_decode(row.encoded)) == row.decoded);
  }
}

TEST_CASE("every byte survives encoding and decoding") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto encoded = percent_encode(all);
  CHECK(text(form_decode(crypto::view(encoded))) == all);
  CHECK(text(percent_encode("aZ09-._~ +&=%\xc3")) == "aZ09-._~%20%2B%26%3D%25%C3");
}

TEST_CASE("a form keeps the order of its pairs, repeated and empty ones too") {
  struct Row {
    std::string_view first;
    std::string_view second;
    std::string_view pairs;
  };
  const std::vector<Row> rows = {
      {"", "", ""},
      {"a=1&b=2", "", "a=1;b=2;"},
      {"a=1", "a=2&c=%26", "a=1;a=2;c=&;"},
      {"a", "=b&&c==d&", "a=;=b;c==d;"},
      {"&&&", "", ""},
      {"a%3D=b%26c", "", "a==b&c;"},
      {"from=+999&text=x;y", "", "from= 999;text=x;y;"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    auto form = Form::parse(row.first, row.second);
    REQUIRE(form.has_value());
    const Form moved = std::move(*form);
    CHECK(listed(moved) == row.pairs);
    CHECK(moved.empty() == row.pairs.empty());
  }
}

TEST_CASE("the value of a name is that of its first pair") {
  const auto form = Form::parse("text=one&text=two&Text=three&none");
  REQUIRE(form.has_value());
  CHECK(form->value("text") == "one");
  CHECK(form->value("Text") == "three");
  CHECK(form->value("none") == "");
  CHECK(form->value("absent") == std::nullopt);
}

TEST_CASE("a form has at most 256 fields, over query and body") {
  std::string many;
  for (std::size_t i = 0; i < Form::max_fields; ++i) many += "a=b&";
  CHECK(Form::parse(many)->pairs().size() == 256);
  CHECK(Form::parse(many + "a=b").error() == errc::too_many_fields);
  CHECK(Form::parse(many, "a=b").error() == errc::too_many_fields);
}

TEST_CASE("query and body are read together, the body only if it is a form") {
  const auto both =
      posted("/in?from=a&x=1", "application/x-www-form-urlencoded; charset=UTF-8", "text=b&x=2");
  CHECK(listed(*read_form(both)) == "from=a;x=1;text=b;x=2;");
  CHECK(listed(*read_form(posted("/in?from=a", "application/json", "text=b"))) == "from=a;");
  CHECK(listed(*read_form(Request{})).empty());
}

TEST_CASE("a media type is read without its case, its parameters and its quotes") {
  struct Row {
    std::string_view value;
    std::string_view name;
    std::string_view charset;
  };
  const std::vector<Row> rows = {
      {"", "", ""},
      {"text/plain", "text/plain", ""},
      {" Text/XML ; Charset=UTF-8", "text/xml", "utf-8"},
      {"text/plain;charset=\"iso-8859-1\"", "text/plain", "iso-8859-1"},
      {"a/b; x=\"; charset=no\"; charset=\"y\\\"es\"", "a/b", "y\"es"},
      {"a/b;charset", "a/b", ""},
      {"a/b;;charset=x;charset=y", "a/b", "x"},
      {"a/b;charset=\"", "a/b", "\""},
      {";charset=x", "", "x"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.value);
    const auto type = parse_media_type(row.value);
    CHECK(type.name == row.name);
    CHECK(type.charset == row.charset);
  }
}

TEST_CASE("forms, JSON and multipart are told by the media type alone") {
  CHECK(is_form(posted("/", "Application/X-WWW-Form-Urlencoded;charset=utf-8", "")));
  CHECK(!is_form(posted("/", "application/x-www-form-urlencoded2", "")));
  CHECK(!is_form(Request{}));
  CHECK(is_json(posted("/", "application/json; charset=utf-8", "")));
  CHECK(is_json(posted("/", "application/problem+json", "")));
  CHECK(!is_json(posted("/", "text/json5", "")));
  CHECK(is_multipart(posted("/", "multipart/form-data; boundary=x", "")));
}

}  // namespace
}  // namespace ishara::http
