#include "gateway/desk/desk.hpp"

#include <algorithm>

#include "gateway/desk/origin.hpp"
#include "gateway/desk/problem.hpp"
#include "gateway/log/log.hpp"

namespace ishara::desk {
namespace {

// What stood in the braces, if `path` has the form of `pattern`.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const auto open = pattern.find('{');
  if (open == pattern.npos)
    return path == pattern ? std::optional{path.substr(path.size())} : std::nullopt;
  const auto tail = pattern.substr(pattern.find('}') + 1);
  if (!path.starts_with(pattern.substr(0, open)) || !path.ends_with(tail) ||
      path.size() < open + tail.size())
    return std::nullopt;
  const auto argument = path.substr(open, path.size() - open - tail.size());
  if (argument.empty() || argument.find('/') != argument.npos) return std::nullopt;
  return argument;
}

bool has_role(const identity::Directory::Member& member, Role role) {
  const auto is = [&](std::string_view name) {
    return std::ranges::find(member.roles, name) != member.roles.end();
  };
  switch (role) {
    case Role::anyone:
    case Role::member:
      return true;
    case Role::caseworker:
      return is("caseworker") || is("lead");
    case Role::lead:
      return is("lead");
    case Role::admin:
      return is("admin");
    case Role::manager:
      return is("admin") || is("lead");
    case Role::overseer:
      return is("auditor") || is("admin");
  }
  return false;
}

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

http::Response health(bool good) {
  http::Response response;
  response.status = good ? 200 : 503;
  response.content_type = "text/plain";
  response.body = good ? "ok\n" : "not ready\n";
  return response;
}

http::Response too_many_texts() {
  auto response =
      problem(429, "fetch-limit", "You have fetched 200 texts in an hour or 1,000 in a day.");
  response.fields.emplace_back("Retry-After", "300");
  return response;
}

crypto::Digest digest_of(const http::Request& request) {
  const auto method = static_cast<std::uint8_t>(request.method);
  const auto target = crypto::hash32({crypto::bytes_of(crypto::view(request.target))});
  const auto condition = crypto::hash32({crypto::bytes_of(request.field("if-match").value_or(""))});
  return crypto::hash32(
      {crypto::View{&method, 1}, target, condition, crypto::bytes_of(crypto::view(request.body))});
}

}  // namespace

Desk::Desk(Runner run, std::function<std::uint64_t()> unix_time,
           std::vector<config::IpAddress> proxies)
    : run_{std::move(run)}, unix_time_{std::move(unix_time)}, proxies_{std::move(proxies)} {}

// Who calls, and whether she may; fills in the member.
std::optional<http::Response> Desk::refuse(const Endpoint& endpoint, const http::Request& request,
                                           Call& call) {
  if (endpoint.role == Role::anyone) return std::nullopt;
  if (!directory_)
    return problem(503, "no-rosters", "The desk has no valid rosters yet; an operator must look.");
  const auto header = request.field("ishara-signature");
  if (!header) return problem(401, "unsigned", "Sign the request: header Ishara-Signature.");
  const auto signature = parse_signature(*header);
  const auto* member = signature ? directory_->member_by_kid(signature->kid) : nullptr;
  if (member == nullptr || !signature_holds(*signature, request, member->signing_key))
    return problem(401, "signature-refused",
                   "The signature is not one of a rostered member over this request.");
  // Only after the signature: a stranger learns nothing about our clock or the nonces.
  const auto now = unix_time_();
  const auto apart = now > signature->time ? now - signature->time : signature->time - now;
  if (apart > static_cast<std::uint64_t>(signature_window.count()))
    return problem(401, "clock",
                   "The time of the signature is more than 60 seconds off; set the clock.");
  switch (nonces_.remember(signature->nonce, now)) {
    case NonceMemory::Answer::fresh:
      break;
    case NonceMemory::Answer::repeated:
      return problem(401, "repeated", "This signature was used before; sign each request anew.");
    case NonceMemory::Answer::full:
      return problem(503, "busy", "Too many requests; try again in a minute.");
  }
  if (!has_role(*member, endpoint.role)) return problem(403, "role", "Your role may not do this.");
  call.member = member;
  return std::nullopt;
}

boost::asio::awaitable<Answer> Desk::work(const Endpoint& endpoint, Call call) {
  // The handler's views point into the request and the directory; both outlive the call.
  // The job has a name because g++ destroys such a temporary twice (bug 107288).
  Answer answer;
  std::function<Answer(Cases&)> job = [&endpoint, call](Cases& cases) {
    return endpoint.handler(call, cases);
  };
  try {
    answer = co_await run_(std::move(job));
  } catch (...) {
    answer.response = problem(500, "defect", "The desk could not do this; the log has an entry.");
  }
  if (answer.response.status >= 500)
    log::write<log::Event::desk_request_failed>(&endpoint - endpoints().data(),
                                                answer.response.status);
  co_return answer;
}

// Somebody tries what she has not. If the store cannot be told now, the log alone has it.
boost::asio::awaitable<void> Desk::ring(std::uint64_t now, std::string detail) {
  std::function<Answer(Cases&)> job =
      [tell = identity::scribe_of({identity::AuditAction::alarm, now, {}, 0, std::move(detail)})](
          Cases& cases) {
        (void)cases.put_audit({}, {}, tell);
        return Answer{};
      };
  (void)co_await run_(std::move(job));
}

boost::asio::awaitable<http::Response> Desk::answer(http::Request request) {
  const auto method = request.method == http::Method::head ? http::Method::get : request.method;
  // Not rows of the table: they need neither a pool thread nor the database, so that a stranger who
  // asks all day costs nothing.
  if (method == http::Method::get && request.path() == "/healthz") co_return health(true);
  if (method == http::Method::get && request.path() == "/readyz") co_return health(ready_);
  const Endpoint* endpoint = nullptr;
  Call call;
  std::string allowed;
  for (const auto& row : endpoints()) {
    const auto argument = match(row.path, request.path());
    if (!argument) continue;
    allowed += (allowed.empty() ? "" : ", ") + std::string{name_of(row.method)};
    if (row.method != method) continue;
    endpoint = &row;
    call.argument = *argument;
    call.action = row.action;
  }
  if (endpoint == nullptr && allowed.empty())
    co_return problem(404, "not-found", "There is no such call.");
  if (endpoint == nullptr) {
    auto response = problem(405, "method", "This call takes another method.");
    response.fields.emplace_back("Allow", allowed);
    co_return response;
  }

  call.directory = directory_;
  call.query = request.query();
  call.condition = request.field("if-match").value_or("");
  call.body = crypto::view(request.body);
  call.now = unix_time_();
  call.origin = origin_of(request, proxies_);
  if (auto refusal = refuse(*endpoint, request, call)) {
    // Whoever signs nothing has strayed here, and tries nothing.
    if (refusal->status == 401 && request.field("ishara-signature")) {
      ++refused_;
      if (const auto count = signatures_.count_wrong(call.now)) {
        auto detail = R"({"kind":"signatures_refused","count":)" + std::to_string(*count) + '}';
        co_await ring(call.now, std::move(detail));
      }
    }
    co_return std::move(*refusal);
  }
  if (endpoint->conditional && call.condition.empty())
    co_return problem(428, "condition-missing",
                      "Say which state you mean: If-Match with the report's etag.");
  const auto charged_at = unix_time_();
  if (endpoint->fetches && !fetches_.charge(call.member->id, charged_at))
    co_return too_many_texts();

  // Who does not sign has no keys to remember: a stranger could fill the memory with them.
  std::string key;
  if (endpoint->method == http::Method::post && endpoint->role != Role::anyone) {
    key = request.field("idempotency-key").value_or("");
    if (!is_key(key))
      co_return problem(400, "idempotency-key",
                        "Name the request: Idempotency-Key with 1 to 64 visible characters.");
    const auto digest = digest_of(request);
    if (const auto known = repeats_.begin(call.member->id, key, digest, unix_time_())) {
      if (known->request != digest)
        co_return problem(422, "idempotency-key",
                          "This key was used for another request; take a new one.");
      if (!known->response)
        co_return problem(409, "in-progress", "The same request is being worked on.");
      co_return *known->response;
    }
  }
  const auto member = call.member != nullptr ? call.member->id : crypto::Id{};
  auto answer = co_await work(*endpoint, call);
  if (endpoint->fetches && !fetches_.settle(member, charged_at, answer.texts))
    co_return too_many_texts();
  if (endpoint->guessable && answer.response.status == 403 && codes_.count_wrong(charged_at)) {
    log::write<log::Event::enrolment_codes_guessed>(TrialAlarm::an_hour);
    std::string detail = R"({"kind":"enrolment_codes_guessed"})";
    co_await ring(charged_at, std::move(detail));
  }
  if (!key.empty()) {
    if (answer.response.status < 500)
      repeats_.finish(member, key, answer.response);
    else
      repeats_.forget(member, key);
  }
  co_return std::move(answer.response);
}

boost::system::result<std::shared_ptr<const identity::Directory>> read_directory(
    Cases& cases, const crypto::PublicKey& root_key, const identity::Directory* known) {
  const auto stored = cases.rosters();
  if (!stored) return stored.error();
  auto directory = identity::Directory::verified_rows(identity::rows_of(*stored), root_key);
  if (!directory) return directory.error();
  if (known != nullptr && directory->is_older_than(*known))
    return identity::roster_errc::older_version;
  return std::make_shared<const identity::Directory>(std::move(*directory));
}

}  // namespace ishara::desk
