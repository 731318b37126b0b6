#pragma once
// What an aggregator would send for a text from a phone, and what the phone would then show. Pure
// functions, for `ishara simulate`; the numbers and texts are those of a test.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.hpp"

namespace ishara::commands {

struct PhoneText {
  std::string from;
  std::string to;
  std::string text;  // UTF-8
  std::string id;    // 32 hexadecimal digits
  std::chrono::system_clock::time_point at;
};

// How a channel is set up at the provider.
struct ProviderSetup {
  std::string provider;  // africastalking, kannel or twilio
  std::string url;       // of the channel, as the provider calls it
  std::string token;     // Twilio signs with it; empty: no signature
  std::string account;   // Twilio's AccountSid; may be empty
  bool post = false;     // Kannel: post-url in place of get-url
};

// The path of a URL; "/" if it has none.
std::string_view path_of(std::string_view url) noexcept;

http::Request aggregator_request(const ProviderSetup& setup, const PhoneText& sms);

// The text that the aggregator makes of our answer; nothing if the phone gets none.
std::optional<std::string> phone_reply(std::string_view provider, const http::Response& answer);

// What the provider takes for success.
bool is_success(std::string_view provider, unsigned status) noexcept;

}  // namespace ishara::commands
