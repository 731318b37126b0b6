#include "gateway/aggregators/xml.hpp"

#include <cstddef>
#include <cstring>
#include <new>
#include <pugixml.hpp>
#include <string>

#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

// pugixml gives back what it asked for without its size, so that stands in front of each piece.
constexpr std::size_t in_front = alignof(std::max_align_t);
static_assert(in_front >= sizeof(std::size_t));

void* allocate(std::size_t size) {
  if (size > max_body * 64) return nullptr;  // no document here needs as much in one piece
  auto* const whole = static_cast<std::byte*>(
      crypto::wiping_resource().allocate(in_front + size, alignof(std::max_align_t)));
  std::memcpy(whole, &size, sizeof size);
  return whole + in_front;
}

void deallocate(void* piece) {
  auto* const whole = static_cast<std::byte*>(piece) - in_front;
  std::size_t size = 0;
  std::memcpy(&size, whole, sizeof size);
  crypto::wiping_resource().deallocate(whole, in_front + size, alignof(std::max_align_t));
}

// Before the first document, since it gives back each piece by what was set then.
void use_wiping_memory() {
  static const bool once = [] {
    pugi::set_memory_management_functions(allocate, deallocate);
    return true;
  }();
  (void)once;
}

bool nests_too_deep(const pugi::xml_node& document) {
  struct final : pugi::xml_tree_walker {
    bool for_each(pugi::xml_node&) override { return depth() < Xml::max_depth; }
  } walker;
  auto whole = document;
  return !whole.traverse(walker);
}

// The first step of a path, which is shortened by it.
std::string_view next_step(std::string_view& path) noexcept {
  while (path.starts_with('/')) path.remove_prefix(1);
  const auto step = path.substr(0, path.find('/'));
  path.remove_prefix(step.size());
  return step;
}

pugi::xml_node first_of(const pugi::xml_node& parent, std::string_view name) noexcept {
  for (const auto child : parent.children())
    if (child.name() == name && child.type() == pugi::node_element) return child;
  return {};
}

}  // namespace

struct Xml::Place {
  std::shared_ptr<const pugi::xml_document> document;
  pugi::xml_node node;
};

Xml::Xml(std::string_view body) {
  use_wiping_memory();
  auto document = std::make_shared<pugi::xml_document>();
  const auto parsed = document->load_buffer(body.data(), body.size(),
                                            pugi::parse_default | pugi::parse_ws_pcdata_single);
  if (!parsed || nests_too_deep(*document)) return;
  const pugi::xml_node whole = *document;
  place_ = std::make_shared<const Place>(Place{std::move(document), whole});
}

Xml Xml::at(std::string_view path) const {
  if (place_ == nullptr) return {};
  auto node = place_->node;
  for (auto step = next_step(path); !step.empty() && node; step = next_step(path))
    node = first_of(node, step);
  return node ? Xml{std::make_shared<const Place>(Place{place_->document, node})} : Xml{};
}

std::vector<Xml> Xml::all(std::string_view name) const {
  std::vector<Xml> out;
  if (place_ == nullptr) return out;
  for (const auto child : place_->node.children())
    if (child.name() == name && child.type() == pugi::node_element)
      out.push_back(Xml{std::make_shared<const Place>(Place{place_->document, child})});
  return out;
}

std::optional<crypto::WipedBuffer> Xml::text(std::string_view path) const {
  const auto mark = path.find('@');
  const auto element = at(path.substr(0, mark));
  if (!element) return std::nullopt;
  const auto& node = element.place_->node;
  if (mark != path.npos) {
    const auto name = path.substr(mark + 1);
    for (const auto attribute : node.attributes())
      if (attribute.name() == name) return crypto::wiped_copy(attribute.value());
    return std::nullopt;
  }
  crypto::WipedBuffer out;
  for (const auto child : node.children()) {
    if (child.type() != pugi::node_pcdata && child.type() != pugi::node_cdata) continue;
    const std::string_view words{child.value()};
    out.insert(out.end(), words.begin(), words.end());
  }
  return out;
}

Result<Xml> posted_xml(const http::Request& request) {
  if (const auto posted = is_posted(request); !posted) return posted.error();
  if (request.body.size() > max_body)
    return Refusal{errc::too_large, "the body is larger than 64 KiB"};
  auto xml = Xml{crypto::view(request.body)};
  if (!xml) return Refusal{errc::malformed, "the body is no XML document, or nests too deep"};
  return xml;
}

crypto::WipedBuffer xml_escaped(std::string_view utf8) {
  crypto::WipedBuffer out;
  for (const char c : utf8) {
    std::string_view words{&c, 1};
    if (c == '&') words = "&amp;";
    if (c == '<') words = "&lt;";
    if (c == '>') words = "&gt;";
    if (c == '"') words = "&quot;";
    if (c == '\r') words = "&#13;";
    out.insert(out.end(), words.begin(), words.end());
  }
  return out;
}

http::Request xml_post(std::string_view target, crypto::WipedBuffer body) {
  http::Request request;
  request.method = http::Method::post;
  request.target = crypto::wiped_copy(target);
  request.fields.push_back({"content-type", crypto::wiped_copy("text/xml; charset=utf-8")});
  request.body = std::move(body);
  return request;
}

}  // namespace ishara::aggregators
