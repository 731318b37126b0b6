#include <boost/json.hpp>

#include "gateway/desk/endpoints.hpp"
#include "gateway/desk/signature.hpp"

namespace ishara::desk {
namespace {

namespace json = boost::json;

// The parts of the document that do not follow from the table of endpoints.
constexpr std::string_view components = R"({
  "securitySchemes": {
    "signature": {"type": "apiKey", "in": "header", "name": "Ishara-Signature",
      "description": "kid=<hex>, time=<decimal>, nonce=<base64url>, sig=<base64url>: Ed25519 by the caller's rostered key over method, target, BLAKE2b-256 of the body, time, nonce and BLAKE2b-256 of If-Match; 60 seconds, once"}
  },
  "schemas": {
    "Id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "Base64": {"type": "string", "contentEncoding": "base64"},
    "Next": {"type": ["string", "null"], "description": "cursor of the next page, or null"},
    "Problem": {"type": "object", "required": ["type", "title", "status", "detail"], "properties": {
      "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}}},
    "QueueList": {"type": "object", "required": ["queues", "next"], "properties": {
      "queues": {"type": "array", "items": {"$ref": "#/components/schemas/Queue"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Queue": {"type": "object", "required": ["id", "name", "generation", "waiting", "urgent_waiting", "held", "oldest_hour"], "properties": {
      "id": {"$ref": "#/components/schemas/Id"}, "name": {"type": "string"}, "generation": {"type": "integer"},
      "waiting": {"type": "integer"}, "urgent_waiting": {"type": "integer"}, "held": {"type": "integer"},
      "oldest_hour": {"type": "integer", "description": "hours since 1970 of the longest waiting report, 0 if none waits"}}},
    "Lease": {"type": ["object", "null"], "required": ["user", "until"], "properties": {
      "user": {"$ref": "#/components/schemas/Id"}, "until": {"type": "integer", "description": "unix time, full minutes"}}},
    "Report": {"type": "object", "required": ["id", "queue", "hour", "stage", "urgent", "class", "lease", "etag"], "properties": {
      "id": {"$ref": "#/components/schemas/Id"}, "queue": {"type": ["string", "null"]}, "hour": {"type": "integer"},
      "stage": {"enum": ["waiting", "opened", "closed"]}, "urgent": {"type": "boolean"},
      "class": {"enum": [0, 1], "description": "0 helpers only, 1 helpers and police"},
      "lease": {"$ref": "#/components/schemas/Lease"}, "etag": {"type": "string", "description": "for If-Match"},
      "with_former": {"type": "integer", "description": "in lists and of a whole report: its texts that are still sealed for another queue"},
      "with_former_since": {"type": "integer", "description": "in lists: hours since 1970 of the oldest of them, 0 if there is none"}}},
    "ReportList": {"type": "object", "required": ["reports", "next"], "properties": {
      "reports": {"type": "array", "items": {"$ref": "#/components/schemas/Report"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "SealedReport": {"allOf": [{"$ref": "#/components/schemas/Report"}, {"type": "object", "required": ["texts"], "properties": {
      "texts": {"type": "array", "items": {"$ref": "#/components/schemas/SealedText"}}}}]},
    "SealedText": {"type": "object", "required": ["record", "message", "wraps"], "properties": {
      "record": {"$ref": "#/components/schemas/Base64"}, "message": {"$ref": "#/components/schemas/Base64"}, "wraps": {"$ref": "#/components/schemas/Base64"}}},
    "History": {"type": "object", "required": ["statements", "notes", "replies", "same_sender"], "properties": {
      "statements": {"type": "array", "items": {"$ref": "#/components/schemas/Base64"}},
      "notes": {"type": "array", "items": {"$ref": "#/components/schemas/SealedNote"}},
      "replies": {"type": "array", "items": {"$ref": "#/components/schemas/Reply"}},
      "same_sender": {"type": "array", "items": {"$ref": "#/components/schemas/SameSender"}}}},
    "SameSender": {"type": "object", "required": ["link", "record", "statements"], "properties": {
      "link": {"$ref": "#/components/schemas/Base64", "description": "the relay's signed word that another report of the same owner came from the same number"},
      "record": {"$ref": "#/components/schemas/Base64", "description": "the first INTAKE of that report"},
      "statements": {"type": "array", "items": {"$ref": "#/components/schemas/Base64"}}}},
    "SealedNote": {"type": "object", "required": ["author", "note", "wraps"], "properties": {
      "author": {"$ref": "#/components/schemas/Id"}, "note": {"$ref": "#/components/schemas/Base64"}, "wraps": {"$ref": "#/components/schemas/Base64"}}},
    "Reply": {"type": "object", "required": ["id", "hour", "state", "reason", "delivery"], "properties": {
      "id": {"$ref": "#/components/schemas/Id"}, "hour": {"type": "integer"},
      "state": {"enum": ["submitted", "waiting", "sending", "sent", "unknown", "kept", "fetched", "refused"]},
      "reason": {"type": "integer", "description": "the verdict of the outbound gate"},
      "delivery": {"type": "integer", "description": "0 nothing known, 1 queued, 2 sent, 3 delivered, 4 failed"}}},
    "NewNote": {"type": "object", "required": ["note", "wraps"], "properties": {
      "note": {"$ref": "#/components/schemas/Base64"}, "wraps": {"$ref": "#/components/schemas/Base64"}}},
    "NewReply": {"type": "object", "required": ["reply"], "properties": {
      "reply": {"$ref": "#/components/schemas/Base64"}, "note": {"$ref": "#/components/schemas/Base64"}, "wraps": {"$ref": "#/components/schemas/Base64"}}},
    "NewWraps": {"type": "object", "required": ["id", "wraps"], "properties": {
      "id": {"$ref": "#/components/schemas/Id"}, "wraps": {"$ref": "#/components/schemas/Base64"}}},
    "NewTransfer": {"type": "object", "required": ["statement", "wraps", "texts", "notes"], "properties": {
      "statement": {"$ref": "#/components/schemas/Base64"},
      "wraps": {"$ref": "#/components/schemas/Base64", "description": "of the first text"},
      "texts": {"type": "array", "items": {"$ref": "#/components/schemas/NewWraps"}},
      "notes": {"type": "array", "items": {"$ref": "#/components/schemas/NewWraps"}}}},
    "StrayList": {"type": "object", "required": ["strays", "next"], "properties": {
      "strays": {"type": "array", "items": {"$ref": "#/components/schemas/Stray"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Stray": {"type": "object", "required": ["report", "record", "statements", "texts"], "properties": {
      "report": {"$ref": "#/components/schemas/Id"},
      "record": {"$ref": "#/components/schemas/Base64", "description": "the first INTAKE of the report"},
      "statements": {"type": "array", "items": {"$ref": "#/components/schemas/Base64"}},
      "texts": {"type": "array", "items": {"$ref": "#/components/schemas/NewWraps"}, "description": "texts and notes, each with the caller's own wrap alone"}}},
    "HandedOn": {"type": "object", "required": ["texts"], "properties": {
      "texts": {"type": "array", "items": {"$ref": "#/components/schemas/NewWraps"}}}},
    "OutdatedList": {"type": "object", "required": ["wraps", "next"], "properties": {
      "wraps": {"type": "array", "items": {"$ref": "#/components/schemas/Outdated"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Outdated": {"type": "object", "required": ["part", "place", "wrap", "proof"], "properties": {
      "part": {"enum": ["first", "text", "note"]}, "place": {"type": "integer", "description": "among the wraps of its message"},
      "wrap": {"$ref": "#/components/schemas/Base64"},
      "proof": {"type": ["string", "null"], "contentEncoding": "base64", "description": "for the police: the INTAKE or CONSENT that lets them read; null: nothing does, and their wrap goes"}}},
    "Renewed": {"type": "object", "required": ["wraps"], "properties": {
      "wraps": {"type": "array", "maxItems": 50, "items": {"$ref": "#/components/schemas/RenewedWrap"}}}},
    "RenewedWrap": {"type": "object", "required": ["part", "place", "old", "new"], "properties": {
      "part": {"enum": ["first", "text", "note"]}, "place": {"type": "integer"},
      "old": {"$ref": "#/components/schemas/Base64"},
      "new": {"type": ["string", "null"], "contentEncoding": "base64", "description": "null: the police may not read it any more"}}},
    "FormerWrapList": {"type": "object", "required": ["wraps", "next"], "properties": {
      "wraps": {"type": "array", "items": {"$ref": "#/components/schemas/FormerWrap"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "FormerWrap": {"type": "object", "required": ["part", "wrap", "user", "place", "now"], "properties": {
      "part": {"enum": ["first", "text", "note"]}, "wrap": {"$ref": "#/components/schemas/Base64"},
      "user": {"$ref": "#/components/schemas/Id", "description": "who sealed it anew"},
      "place": {"type": ["integer", "null"], "description": "of the queue's wrap among those of its message; null: it has none there any more, or may not read it"},
      "now": {"type": ["string", "null"], "contentEncoding": "base64", "description": "that wrap"}}},
    "ComparedWraps": {"type": "object", "required": ["wraps"], "properties": {
      "wraps": {"type": "array", "maxItems": 200, "items": {"$ref": "#/components/schemas/ComparedWrap"}}}},
    "ComparedWrap": {"type": "object", "required": ["wrap", "mended"], "properties": {
      "wrap": {"$ref": "#/components/schemas/Base64", "description": "the former one"},
      "mended": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/RenewedWrap"}], "description": "for at most 50 of them"}}},
    "WithdrawnList": {"type": "object", "required": ["reports", "next"], "properties": {
      "reports": {"type": "array", "items": {"$ref": "#/components/schemas/Withdrawn"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Withdrawn": {"type": "object", "required": ["id", "queue", "until", "held", "legally_held"], "properties": {
      "id": {"$ref": "#/components/schemas/Id"}, "queue": {"type": ["string", "null"]},
      "until": {"type": "integer", "description": "hours since 1970: it is deleted then, unless it is held; 0: nobody has withdrawn it"},
      "held": {"type": "boolean", "description": "a life is at risk"}, "legally_held": {"type": "boolean"}}},
    "SecondPerson": {"type": "object", "required": ["needs", "until"], "properties": {
      "needs": {"const": "second person"}, "until": {"type": "integer", "description": "hours since 1970: so long another person can make the same call"}}},
    "IntentList": {"type": "object", "required": ["intents", "next"], "properties": {
      "intents": {"type": "array", "items": {"$ref": "#/components/schemas/Intent"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Intent": {"type": "object", "required": ["action", "queue", "subject", "to", "user", "until"], "properties": {
      "action": {"type": "string", "description": "as in the audit"},
      "queue": {"type": ["string", "null"], "description": "whose people decide; null: those of the organisation"},
      "subject": {"$ref": "#/components/schemas/Id"},
      "to": {"type": ["string", "null"], "description": "the other queue of a transfer"},
      "user": {"$ref": "#/components/schemas/Id", "description": "who wants it"},
      "until": {"type": "integer", "description": "hours since 1970"}}},
    "EpochList": {"type": "object", "required": ["epochs", "next"], "properties": {
      "epochs": {"type": "array", "items": {"$ref": "#/components/schemas/Base64"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "RosterList": {"type": "object", "required": ["rosters", "next"], "properties": {
      "rosters": {"type": "array", "items": {"$ref": "#/components/schemas/Roster"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Roster": {"type": "object", "required": ["issuer", "version", "bytes", "signature"], "properties": {
      "issuer": {"$ref": "#/components/schemas/Id"}, "version": {"type": "integer"},
      "bytes": {"$ref": "#/components/schemas/Base64"}, "signature": {"$ref": "#/components/schemas/Base64"}}},
    "GrantList": {"type": "object", "required": ["grants", "next"], "properties": {
      "grants": {"type": "array", "items": {"$ref": "#/components/schemas/Grant"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Grant": {"type": "object", "required": ["queue", "generation", "envelope"], "properties": {
      "queue": {"$ref": "#/components/schemas/Id"}, "generation": {"type": "integer"}, "envelope": {"$ref": "#/components/schemas/Base64"}}},
    "PublishedRoster": {"type": "object", "required": ["version"], "properties": {"version": {"type": "integer"}}},
    "NewRoster": {"type": "object", "required": ["bytes", "signature"], "properties": {
      "bytes": {"$ref": "#/components/schemas/Base64", "description": "at most 160 KiB"}, "signature": {"$ref": "#/components/schemas/Base64"}}},
    "ProposedRosterList": {"type": "object", "required": ["rosters", "next"], "properties": {
      "rosters": {"type": "array", "items": {"$ref": "#/components/schemas/ProposedRoster"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "ProposedRoster": {"type": "object", "required": ["version", "bytes", "signature", "user", "until"], "properties": {
      "version": {"type": "integer"}, "bytes": {"$ref": "#/components/schemas/Base64"}, "signature": {"$ref": "#/components/schemas/Base64"},
      "user": {"$ref": "#/components/schemas/Id", "description": "who wants it"}, "until": {"type": "integer", "description": "unix time"}}},
    "TransferList": {"type": "object", "required": ["transfers", "next"], "properties": {
      "transfers": {"type": "array", "items": {"$ref": "#/components/schemas/Base64"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Key": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "NewInvitation": {"type": "object", "required": ["code_hash"], "properties": {
      "code_hash": {"$ref": "#/components/schemas/Key", "description": "BLAKE2b-256 of ishara/v1/code, a zero byte and the 16 bytes of the code"}}},
    "Invitation": {"type": "object", "required": ["user", "until"], "properties": {
      "user": {"$ref": "#/components/schemas/Id"}, "until": {"type": "integer", "description": "unix time"}}},
    "NewKeys": {"type": "object", "required": ["code", "sign_pk", "box_pk", "proof"], "properties": {
      "code": {"$ref": "#/components/schemas/Id"}, "sign_pk": {"$ref": "#/components/schemas/Key"}, "box_pk": {"$ref": "#/components/schemas/Key"},
      "proof": {"$ref": "#/components/schemas/Base64", "description": "Ed25519 by sign_pk over ishara/v1/enrol, a zero byte, the user id, box_pk and the hash of the code"}}},
    "EnrolmentList": {"type": "object", "required": ["enrolments", "next"], "properties": {
      "enrolments": {"type": "array", "items": {"$ref": "#/components/schemas/Enrolment"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "Enrolment": {"type": "object", "required": ["user", "until", "sign_pk", "box_pk"], "properties": {
      "user": {"$ref": "#/components/schemas/Id"}, "until": {"type": "integer", "description": "unix time"},
      "sign_pk": {"type": ["string", "null"]}, "box_pk": {"type": ["string", "null"]}}},
    "NewGrant": {"type": "object", "required": ["queue", "user", "generation", "envelope"], "properties": {
      "queue": {"$ref": "#/components/schemas/Id"}, "user": {"$ref": "#/components/schemas/Id", "description": "the organisation's id: its recovery key"},
      "generation": {"type": "integer"}, "envelope": {"$ref": "#/components/schemas/Base64"},
      "kid": {"$ref": "#/components/schemas/Id", "description": "of a key that is to be the next generation: the recovery key may have its grant before it is rostered"}}},
    "Generation": {"type": "object", "required": ["generation"], "properties": {"generation": {"type": "integer"}}},
    "AuditPage": {"type": "object", "required": ["entries", "checkpoints", "next"], "properties": {
      "entries": {"type": "array", "items": {"$ref": "#/components/schemas/AuditEntry"}},
      "checkpoints": {"type": "array", "items": {"$ref": "#/components/schemas/Base64"}}, "next": {"$ref": "#/components/schemas/Next"}}},
    "AuditEntry": {"type": "object", "required": ["entry", "detail"], "properties": {
      "entry": {"$ref": "#/components/schemas/Base64"}, "detail": {"type": "string", "description": "JSON; its hash stands in the entry"},
      "origin": {"$ref": "#/components/schemas/Base64", "description": "for auditors, for 90 days: salt and address of who acted, which the detail commits to"}}},
    "Document": {"type": "object", "description": "an OpenAPI 3.1 document"}
  }
})";

json::object parameter(std::string_view name, std::string_view in, bool required,
                       json::object schema) {
  return {{"name", name}, {"in", in}, {"required", required}, {"schema", std::move(schema)}};
}

json::object problem_response(std::string_view description) {
  return {
      {"description", description},
      {"content",
       {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
}

json::object operation(const Endpoint& endpoint) {
  json::array parameters;
  if (const auto open = endpoint.path.find('{'); open != endpoint.path.npos) {
    const auto name = endpoint.path.substr(open + 1, endpoint.path.find('}') - open - 1);
    parameters.push_back(parameter(name, "path", true, {{"type", "string"}}));
  }
  if (endpoint.paged) {
    parameters.push_back(parameter("cursor", "query", false, {{"type", "string"}}));
    parameters.push_back(parameter("limit", "query", false,
                                   {{"type", "integer"}, {"minimum", 1}, {"maximum", 200}}));
  }
  if (endpoint.method == http::Method::post && endpoint.role != Role::anyone)
    parameters.push_back(parameter("Idempotency-Key", "header", true,
                                   {{"type", "string"}, {"minLength", 1}, {"maxLength", 64}}));
  if (endpoint.conditional)
    parameters.push_back(parameter("If-Match", "header", true, {{"type", "string"}}));

  json::object responses;
  if (!endpoint.schema.empty())
    responses[endpoint.creates ? "201" : "200"] = json::object{
        {"description", "good"},
        {"content",
         {{"application/json",
           {{"schema", {{"$ref", "#/components/schemas/" + std::string{endpoint.schema}}}}}}}}};
  if (endpoint.method == http::Method::post &&
      !(endpoint.conditional && !endpoint.schema.empty()) && !endpoint.creates)
    responses["204"] = json::object{{"description", "good, and nothing to say"}};
  if (endpoint.persons > 1)
    responses["202"] = json::object{
        {"description", "nothing is done before another person makes the same call"},
        {"content",
         {{"application/json", {{"schema", {{"$ref", "#/components/schemas/SecondPerson"}}}}}}}};
  if (endpoint.path.starts_with("/api/v1/reports/"))
    responses["410"] = problem_response("the report was taken back by its reporter, or deleted");
  responses["default"] = problem_response("a problem (RFC 9457)");

  json::object out{{"operationId", endpoint.name},
                   {"summary", endpoint.summary},
                   {"parameters", std::move(parameters)},
                   {"responses", std::move(responses)}};
  if (!endpoint.request.empty())
    out["requestBody"] = json::object{
        {"required", true},
        {"content",
         {{"application/json",
           {{"schema", {{"$ref", "#/components/schemas/" + std::string{endpoint.request}}}}}}}}};
  if (endpoint.role != Role::anyone)
    out["security"] = json::array{json::object{{"signature", json::array{}}}};
  return out;
}

}  // namespace

std::string openapi_document() {
  json::object paths;
  for (const auto& endpoint : endpoints()) {
    auto& path = paths[endpoint.path];
    if (!path.is_object()) path = json::object{};
    path.as_object()[endpoint.method == http::Method::post ? "post" : "get"] = operation(endpoint);
  }
  return json::serialize(json::object{{"openapi", "3.1.0"},
                                      {"info", {{"title", "Ishara desk"}, {"version", "1"}}},
                                      {"paths", std::move(paths)},
                                      {"components", json::parse(components)}});
}

}  // namespace ishara::desk
