#pragma once
// The parts of the provider `external`, which reads and writes by a description
// (config/external.hpp): what stands at a place of a message, what one sends, and the requests that
// such a provider would make. external.cpp puts them together. Pure functions, for any thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/xml.hpp"
#include "gateway/config/external.hpp"
#include "gateway/http/form.hpp"

namespace ishara::aggregators {

// A message, or an entry of one that brings many. It may not outlive the message.
class Described {
 public:
  // The whole of a request; refuses what is not of the described content. A request without a body
  // is read from its query.
  static Result<Described> whole(const http::Request& request, config::Content content);
  // The whole of an answer; empty if it is not of that content.
  static Described whole(const http::Response& answer, config::Content content);
  // What is read one by one: the entries of the described batch, or the whole.
  std::vector<Described> entries(const config::External& description) const;

  std::optional<crypto::WipedBuffer> at(const config::Place& place) const;
  // The first that holds something; else the first that is there.
  std::optional<crypto::WipedBuffer> at(const config::Places& places) const;
  bool holds(const config::Conditions& conditions) const;

 private:
  std::optional<std::string_view> header(std::string_view lower_case) const;

  const http::Request* request_ = nullptr;
  const http::Response* answer_ = nullptr;
  // A shared form, since the entries of a batch share it.
  std::variant<std::monostate, std::shared_ptr<const http::Form>, Json, Xml, std::string_view>
      content_;
};

// Whether `said`, of any case, is one of the words, or begins as one that ends in a star does.
bool is_one_of(const config::Words& words, std::string_view said) noexcept;

// What a value says by its description; nothing if it says nothing.
std::optional<std::chrono::sys_seconds> time_in(std::string_view text,
                                                const config::External& description);
std::optional<Status> status_in(std::string_view said, const config::External& description);
// What was written: `text`, of an entry that may name its charset, else by `declared`.
identity::Text text_in(const Described& entry, std::string_view text, i18n::Charset declared,
                       const config::External& description, const ChannelSettings& settings);
// Which part of a long text an entry is.
std::optional<Part> part_in(const Described& entry, const config::External& description);
// What a screen says again of the request that it answers, and the value of one of its gaps.
crypto::WipedBuffer echo_of(const Described& entry, const config::External& description);
crypto::WipedBuffer echoed(std::string_view gap, std::string_view echo,
                           const config::External& description);

// The signature over a request, by the channel's method and secret; empty without a secret.
crypto::Bytes signature_over(const http::Request& request, const config::External& description,
                             const ChannelSettings& settings);
// As the request carries it, with what stands before it.
std::string signature_text(const crypto::Bytes& signature, const config::External& description);

Posting send_described(const config::ExternalSending& description, const Outgoing& message,
                       const SendingSettings& settings);
SendAnswer sent_described(const config::ExternalSending& description, const http::Response& answer);

http::Request call_described(const config::External& description, const PhoneText& sms,
                             const ChannelSettings& settings, bool by_get);
http::Request dial_described(const config::External& description, const PhoneStep& step,
                             const ChannelSettings& settings);

// The provider `external` with a description. Neither may be null.
std::shared_ptr<const Aggregator> described(std::shared_ptr<const config::External> receiving);
std::shared_ptr<const Aggregator> described(std::shared_ptr<const config::ExternalSending> sending);

}  // namespace ishara::aggregators
