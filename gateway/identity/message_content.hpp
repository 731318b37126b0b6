#pragma once
// The JSON inside a MESSAGE (privacy.md section 6): the text as received, and what the gateway made
// of it. Category and region are stored nowhere else. Pure functions, thread-safe.

#include <boost/system/result.hpp>
#include <chrono>
#include <string>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/text.hpp"

namespace ishara::identity {

struct MessageContent {
  MessageContent() = default;
  MessageContent(MessageContent&&) noexcept = default;
  MessageContent& operator=(MessageContent&&) noexcept = default;
  ~MessageContent();  // wipes category and region too, which are sealed like the text

  std::string kind = "msg";     // msg, or ans for a bare answer
  std::string channel = "sms";  // sms or ussd
  std::chrono::sys_time<std::chrono::minutes> at;
  std::string via = "new";  // new, sitting, number, ref
  Text text;
  std::string category;
  std::string region;  // empty: unknown
};

// UTF-8 JSON in wiping memory.
crypto::WipedBytes encode(const MessageContent& content);
// envelope_errc::refused for anything that `encode` could not have written.
boost::system::result<MessageContent> decode_message(crypto::View json);

}  // namespace ishara::identity
