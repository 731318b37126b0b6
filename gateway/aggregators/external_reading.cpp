// What stands where in a message of the provider `external`.

#include <algorithm>

#include "gateway/aggregators/external.hpp"
#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

using config::Condition;
using config::Content;

bool same_letter(char any, char lower_case) noexcept {
  return (any >= 'A' && any <= 'Z' ? any - 'A' + 'a' : any) == lower_case;
}

Json walk(Json json, const std::vector<std::string>& steps) {
  for (const auto& step : steps) {
    if (json.is_list()) {
      const auto entries = json.entries();
      const auto place = read_whole(step);
      json = place && *place < entries.size() ? entries[*place] : Json{};
    } else {
      json = json.at({step});
    }
  }
  return json;
}

}  // namespace

bool is_one_of(const config::Words& words, std::string_view said) noexcept {
  return std::ranges::any_of(words, [said](std::string_view word) {
    if (!word.ends_with('*')) return std::ranges::equal(said, word, same_letter);
    word.remove_suffix(1);
    return said.size() >= word.size() &&
           std::ranges::equal(said.substr(0, word.size()), word, same_letter);
  });
}

Result<Described> Described::whole(const http::Request& request, Content content) {
  Described out;
  out.request_ = &request;
  if (content == Content::form || request.body.empty()) {
    auto form = read_fields(request, true);
    if (!form) return form.error();
    out.content_ = std::make_shared<const http::Form>(std::move(*form));
    return out;
  }
  // Whatever type it claims: some post JSON or XML as the form that their client says it is.
  if (request.body.size() > max_body)
    return Refusal{errc::too_large, "the body is larger than 64 KiB"};
  if (content == Content::json) {
    Json json{crypto::view(request.body)};
    if (!json.is_object() && !json.is_list())
      return Refusal{errc::malformed, "the body is no JSON"};
    out.content_ = std::move(json);
  } else {
    Xml xml{crypto::view(request.body)};
    if (!xml) return Refusal{errc::malformed, "the body is no XML document, or nests too deep"};
    out.content_ = std::move(xml);
  }
  return out;
}

Described Described::whole(const http::Response& answer, Content content) {
  Described out;
  out.answer_ = &answer;
  if (answer.body.size() > max_body) return out;
  if (content == Content::json) out.content_ = Json{answer.body};
  if (content == Content::xml) out.content_ = Xml{answer.body};
  if (content == Content::text) out.content_ = std::string_view{answer.body};
  if (content == Content::form)
    if (auto form = http::Form::parse(answer.body))
      out.content_ = std::make_shared<const http::Form>(std::move(*form));
  return out;
}

std::vector<Described> Described::entries(const config::External& description) const {
  std::vector<Described> out;
  const auto add = [&](auto&& content) {
    out.push_back(*this);
    out.back().content_ = std::forward<decltype(content)>(content);
  };
  if (description.batch) {
    const auto& batch = *description.batch;
    if (const auto* json = std::get_if<Json>(&content_)) {
      const auto list = walk(*json, batch.steps);
      for (const auto& entry : list.entries()) add(entry);
      if (list.is_object()) add(list);
      return out;
    }
    if (const auto* xml = std::get_if<Xml>(&content_)) {
      const std::string_view path{batch.name};
      const auto last = path.rfind('/');
      const auto parent = last == path.npos ? *xml : xml->at(path.substr(0, last));
      for (const auto& entry : parent.all(path.substr(last == path.npos ? 0 : last + 1)))
        add(entry);
      return out;
    }
  }
  out.push_back(*this);
  return out;
}

std::optional<std::string_view> Described::header(std::string_view lower_case) const {
  if (request_ != nullptr) return request_->field(lower_case);
  for (const auto& [name, value] : answer_->fields)
    if (same_word(name, lower_case)) return value;
  return std::nullopt;
}

std::optional<crypto::WipedBuffer> Described::at(const config::Place& place) const {
  const auto copy = [](std::optional<std::string_view> text) {
    return text ? std::optional{crypto::wiped_copy(*text)} : std::nullopt;
  };
  if (place.in_header) return copy(header(place.name));
  if (const auto* form = std::get_if<std::shared_ptr<const http::Form>>(&content_))
    return copy((*form)->value(place.name));
  if (const auto* json = std::get_if<Json>(&content_)) return walk(*json, place.steps).text();
  if (const auto* xml = std::get_if<Xml>(&content_)) return xml->text(place.name);
  if (const auto* text = std::get_if<std::string_view>(&content_)) return copy(*text);
  return std::nullopt;
}

std::optional<crypto::WipedBuffer> Described::at(const config::Places& places) const {
  std::optional<crypto::WipedBuffer> out;
  for (const auto& place : places) {
    auto found = at(place);
    if (found && !found->empty()) return found;
    if (!out) out = std::move(found);
  }
  return out;
}

bool Described::holds(const config::Conditions& conditions) const {
  return std::ranges::any_of(conditions, [this](const Condition& condition) {
    const auto found = at(condition.place);
    const auto said = view_of(found).value_or("");
    switch (condition.test) {
      case Condition::Test::there:
        return !said.empty();
      case Condition::Test::empty:
        return said.empty();
      case Condition::Test::is:
        return found && is_one_of(condition.words, said);
      case Condition::Test::is_not:
        return found && !is_one_of(condition.words, said);
    }
    return false;
  });
}

}  // namespace ishara::aggregators
