// How one sends through a provider that a description tells of.

#include <algorithm>

#include "gateway/aggregators/external.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/filled.hpp"
#include "gateway/aggregators/proof.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::aggregators {
namespace {

using config::ExternalSending;

// Without the calling code. A number of another country keeps its plus, so that it is nobody's in
// this one.
crypto::WipedBuffer national(const identity::Msisdn& number, std::string_view calling_code) {
  return number.reveal([calling_code](std::string_view digits) {
    return digits.starts_with(calling_code) ? crypto::wiped_copy(digits.substr(calling_code.size()))
                                            : joined({"+", digits});
  });
}

crypto::WipedBuffer value_of(std::string_view gap, const ExternalSending& description,
                             const Outgoing& message, const SendingSettings& settings) {
  if (gap == "to") return with_plus(message.to);
  if (gap == "to_no_plus") return without_plus(message.to);
  if (gap == "to_national") return national(message.to, description.calling_code);
  if (gap == "text") return crypto::wiped_copy(message.text);
  if (gap == "text_hex")
    return crypto::hex_wiped(crypto::bytes_of(crypto::view(utf16be(message.text))));
  if (gap == "from") return crypto::wiped_copy(settings.from);
  if (gap == "account") return settings.account;
  if (gap == "token") return settings.token;
  if (gap == "password") return settings.password;
  if (gap == "basic") {
    const auto login =
        basic_login(crypto::view(settings.account), crypto::view(settings.password)).value;
    return crypto::wiped_copy(crypto::view(login).substr(6));
  }
  if (gap == "id") return crypto::wiped_copy(message.delivery_id);
  if (gap == "delivery_url") return settings.delivery_url;
  const auto seconds = message.validity.count();
  return crypto::wiped_copy(std::to_string(gap == "valid_minutes" ? seconds / 60 : seconds));
}

std::string lower_case(std::string name) {
  for (auto& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

std::optional<Taken> taken_by_error(const ExternalSending& description, const Described& said) {
  const auto error = said.at(description.error);
  if (!error) return std::nullopt;
  const auto word = crypto::view(*error);
  if (is_one_of(description.our_fault, word)) return Taken::our_fault;
  if (is_one_of(description.never, word)) return Taken::never;
  if (is_one_of(description.later, word)) return Taken::later;
  return std::nullopt;
}

}  // namespace

Posting send_described(const ExternalSending& description, const Outgoing& message,
                       const SendingSettings& settings) {
  const auto value = [&](std::string_view gap) {
    return value_of(gap, description, message, settings);
  };
  Posting out;
  out.origin = settings.origin;
  auto& request = out.request;
  using Method = ExternalSending::Method;
  request.method = description.method == Method::get   ? http::Method::get
                   : description.method == Method::put ? http::Method::put
                                                       : http::Method::post;
  request.target = filled(description.path, value);
  for (const auto& line : description.headers)
    request.fields.push_back({lower_case(line.name), filled(line.value, value)});
  if (description.method == Method::get) return out;
  request.fields.push_back({"content-type", crypto::wiped_copy(description.type)});
  request.body = filled(description.body, value);
  return out;
}

SendAnswer sent_described(const ExternalSending& description, const http::Response& answer) {
  auto out = by_status(answer);
  const auto said = Described::whole(answer, description.response_content);
  const auto& statuses = description.accepted_status;
  const bool is_good = statuses.empty() ? answer.status / 100 == 2
                                        : std::ranges::count(statuses, answer.status) != 0;
  const auto id = description.message_id.empty() ? std::nullopt : said.at(description.message_id);
  auto known = read_id(view_of(id));
  // By the surest of what is described: words, then statuses, then that there is an id at all.
  const bool is_taken = !description.accepted_if.empty() ? said.holds(description.accepted_if)
                        : !statuses.empty()              ? true
                                                         : !known.empty();
  if (is_good && is_taken) {
    out.taken = Taken::accepted;
    out.id = std::move(known);
    return out;
  }
  if (const auto taken = taken_by_error(description, said)) out.taken = *taken;
  return out;
}

}  // namespace ishara::aggregators
