// The requests that a provider would make by its description, for `ishara simulate`, `channel test`
// and tests: each value at the first of its places, all that proves the request, and what makes the
// description's conditions true.

#include <time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/aggregators/external.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/proof.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::aggregators {
namespace {

using config::Condition;
using config::Content;
using config::External;
using config::Place;
using What = UssdStep::What;

// A document by its members: a value, or members of their own.
struct Node {
  std::string name;
  std::string value;
  std::vector<Node> members;

  Node& member(const std::string& its_name) {
    for (auto& node : members)
      if (node.name == its_name) return node;
    return members.emplace_back(Node{its_name, {}, {}});
  }
};

void write_json(const Node& node, JsonWriter& out) {
  if (node.members.empty()) {
    out.text(node.value);
    return;
  }
  const bool is_list = node.members.front().name == "0";
  out.open(is_list ? '[' : '{');
  for (const auto& member : node.members) {
    if (!is_list) out.name(member.name);
    write_json(member, out);
  }
  out.close(is_list ? ']' : '}');
}

void write_xml(const Node& node, crypto::WipedBuffer& out) {
  const auto add = [&out](std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
  };
  add(crypto::view(xml_escaped(node.value)));
  for (const auto& member : node.members) {
    const std::string_view name{member.name};
    if (name.starts_with('@')) continue;
    for (const auto text : {std::string_view{"<"}, name}) add(text);
    for (const auto& attribute : member.members)
      if (attribute.name.starts_with('@'))
        add(crypto::view(joined({" ", std::string_view{attribute.name}.substr(1), "=\"",
                                 crypto::view(xml_escaped(attribute.value)), "\""})));
    add(">");
    write_xml(member, out);
    for (const auto text : {std::string_view{"</"}, name, std::string_view{">"}}) add(text);
  }
}

// What is said where; of a place that is named twice the first word counts.
class Said {
 public:
  void put(const Place& place, std::string value, bool in_batch = true) {
    if (find(place) == nullptr) all_.push_back({place, std::move(value), in_batch});
  }
  void put(const config::Places& places, std::string value, bool in_batch = true) {
    if (!places.empty()) put(places.front(), std::move(value), in_batch);
  }
  void make_true(const config::Conditions& conditions) {
    if (conditions.empty()) return;
    const auto& first = conditions.front();
    auto said = first.words.empty() ? std::string{} : first.words.front();
    if (said.ends_with('*')) said.pop_back();
    if (first.test == Condition::Test::there || first.test == Condition::Test::is_not) said = "1";
    put(first.place, std::move(said));
  }
  void make_false(const config::Conditions& conditions) {
    for (const auto& condition : conditions) {
      if (condition.test == Condition::Test::is_not) put(condition.place, condition.words.front());
      if (condition.test != Condition::Test::is) continue;
      const auto& word = condition.words.front();
      put(condition.place, word == "true" ? "false" : word == "0" ? "1" : "other");
    }
  }

  http::Request request(const External& description, const ChannelSettings& settings,
                        bool by_get) const {
    const auto path = path_of(crypto::view(settings.url));
    http::Request out;
    if (description.content == Content::form) {
      std::vector<FormField> fields;
      for (const auto& [place, value, in_batch] : all_)
        if (!place.in_header) fields.push_back({place.name, value});
      out = by_get ? form_get(path, fields) : form_post(path, fields, {});
    } else {
      const auto root = tree(description);
      if (description.content == Content::json) {
        JsonWriter json;
        write_json(root, json);
        out = json_post(path, std::move(json).take(), {});
      } else {
        crypto::WipedBuffer body;
        write_xml(root, body);
        out = xml_post(path, std::move(body));
      }
    }
    for (const auto& [place, value, in_batch] : all_)
      if (place.in_header) out.fields.push_back({place.name, crypto::wiped_copy(value)});
    prove(out, description, settings);
    return out;
  }

 private:
  struct One {
    Place place;
    std::string value;
    bool in_batch = true;
  };

  const One* find(const Place& place) const {
    for (const auto& one : all_)
      if (one.place.name == place.name && one.place.in_header == place.in_header) return &one;
    return nullptr;
  }

  Node tree(const External& description) const {
    Node root;
    for (const auto& [place, value, in_batch] : all_) {
      if (place.in_header) continue;
      std::vector<std::string> steps;
      const bool is_json = description.content == Content::json;
      if (in_batch && description.batch) {
        steps = is_json ? description.batch->steps : path_steps(description.batch->name);
        if (is_json) steps.emplace_back("0");
      }
      for (auto& step : is_json ? place.steps : path_steps(place.name)) steps.push_back(step);
      auto* node = &root;
      for (const auto& step : steps) node = &node->member(step);
      node->value = value;
    }
    return root;
  }

  static std::vector<std::string> path_steps(std::string_view path) {
    std::vector<std::string> out;
    while (!path.empty()) {
      const auto step = path.substr(0, path.find('/'));
      if (!step.empty()) out.emplace_back(step);
      path.remove_prefix(std::min(path.size(), step.size() + 1));
    }
    return out;
  }

  static void prove(http::Request& out, const External& description,
                    const ChannelSettings& settings) {
    if (description.basic_login)
      out.fields.push_back(basic_login(settings.account, crypto::view(settings.secret)));
    if (description.hmac.empty()) return;
    const auto signature = signature_over(out, description, settings);
    const auto text = signature.empty() ? "" : signature_text(signature, description);
    const auto& place = *description.hmac_place;
    if (place.in_header) {
      out.fields.push_back({place.name, crypto::wiped_copy(text)});
    } else if (description.content == Content::form) {
      auto& form = out.method == http::Method::get ? out.target : out.body;
      form = joined({crypto::view(form), "&",
                     crypto::view(write_form(std::array{FormField{place.name, text}}))});
    }
  }

  std::vector<One> all_;
};

std::string time_text(std::chrono::sys_seconds at, const External& description) {
  using Format = External::TimeFormat;
  const auto seconds = at.time_since_epoch().count();
  if (description.time_format == Format::unix_seconds) return std::to_string(seconds);
  if (description.time_format == Format::unix_milliseconds) return std::to_string(seconds) + "000";
  if (description.time_format != Format::pattern) return utc_text(at);
  const auto local =
      static_cast<std::time_t>(seconds + std::chrono::seconds{description.time_offset}.count());
  std::tm parts{};
  std::array<char, 256> out{};
  (void)gmtime_r(&local, &parts);
  return {out.data(), strftime(out.data(), out.size(), description.time_pattern.c_str(), &parts)};
}

std::string encoded(const std::string& text, const External& description,
                    const ChannelSettings& settings) {
  using Encoding = External::TextEncoding;
  const auto bytes =
      settings.charset == i18n::Charset::utf16be ? utf16be(text) : crypto::wiped_copy(text);
  const auto plain = crypto::view(bytes);
  switch (description.text_encoding) {
    case Encoding::plain:
      break;
    case Encoding::hex:
      return crypto::hex(crypto::bytes_of(plain));
    case Encoding::base64:
      return crypto::base64(crypto::bytes_of(plain));
    case Encoding::percent:
      return std::string{crypto::view(http::percent_encode(plain))};
  }
  return std::string{plain};
}

std::string number_text(const std::string& number, const External& description) {
  return description.number_prefix +
         (description.full_numbers ? number.substr(number.starts_with('+') ? 1 : 0) : number);
}

void put_proof(Said& said, const External& description, const ChannelSettings& settings,
               std::chrono::sys_seconds at) {
  said.put(description.secret,
           description.secret_prefix + std::string{crypto::view(settings.secret)}, false);
  said.put(description.account, settings.account, false);
  if (description.hmac_time)
    said.put(*description.hmac_time, std::to_string(at.time_since_epoch().count()), false);
}

std::string input_of(const PhoneStep& step, const External& description) {
  if (!description.input_is_whole)
    return step.what == What::begin || step.inputs.empty() ? step.code : step.inputs.back();
  auto out = description.input_prefix;
  for (const auto& one : step.inputs) out += (out.empty() ? "" : description.input_separator) + one;
  return out;
}

}  // namespace

http::Request call_described(const External& description, const PhoneText& sms,
                             const ChannelSettings& settings, bool by_get) {
  Said said;
  put_proof(said, description, settings, sms.at);
  said.make_true(description.message_if);
  said.put(description.from, number_text(sms.from, description));
  said.put(description.to, number_text(sms.to, description));
  said.put(description.text, encoded(sms.text, description, settings));
  said.put(description.id, sms.id);
  said.put(description.time, time_text(sms.at, description));
  said.make_false(description.delivery_if);
  return said.request(description, settings, by_get);
}

http::Request dial_described(const External& description, const PhoneStep& step,
                             const ChannelSettings& settings) {
  if (step.what == What::close && description.close_if.empty())
    return {};  // it tells nothing of it
  Said said;
  put_proof(said, description, settings, settings.now);
  if (step.what == What::close) said.make_true(description.close_if);
  if (step.what == What::begin) said.make_true(description.begin_if);
  said.put(description.from, number_text(step.from, description));
  said.put(description.session, step.session);
  said.put(description.code, step.code);
  said.put(description.input, encoded(input_of(step, description), description, settings));
  if (step.what != What::begin) said.make_false(description.begin_if);
  if (step.what != What::close) said.make_false(description.close_if);
  return said.request(description, settings, false);
}

}  // namespace ishara::aggregators
