// Answers, signatures and multipart headers that no golden request shows.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/registry.hpp"
#include "gateway/http/form.hpp"

namespace ishara::aggregators {
namespace {

const Registry registry;

http::Request request(http::Method method, std::string_view target, std::string_view body = {}) {
  http::Request out;
  out.method = method;
  out.target = crypto::wiped_copy(target);
  out.body = crypto::wiped_copy(body);
  return out;
}

void add(http::Request& request, const char* name, std::string_view value) {
  request.fields.push_back({name, crypto::wiped_copy(value)});
}

struct Signed {
  std::string url;
  std::string target;
  std::string type;
  std::string body;
  std::string signature;
};

bool authentic(const Signed& sent, std::string_view account = {},
               http::Method method = http::Method::post) {
  ChannelSettings settings;
  settings.token = crypto::wiped_copy("tok_twilio_1");
  settings.url = crypto::wiped_copy(sent.url);
  settings.account = account;
  auto made = request(method, sent.target, sent.body);
  if (!sent.type.empty()) add(made, "content-type", sent.type);
  if (!sent.signature.empty()) add(made, "x-twilio-signature", sent.signature);
  return registry.find("twilio")->authentic(made, settings, {}).has_value();
}

const std::string form = "application/x-www-form-urlencoded";
const Signed t1{"https://ishara.example/in/tw?k=1", "/in/tw?k=1", form,
                "MessageSid=SM00000000000000000000000000000001&From=%2B254700000001"
                "&To=%2B254700000002&Body=maji+%2B+chakula+%C3%A9&NumMedia=0",
                "qHL6Oh5fYGWNxsZjCEOorlXOiUQ="};
const Signed t2{"https://ishara.example/in/tw", "/in/tw", form, "A=2&A=1&A=2&B=x",
                "eFL1QLOk3FF94KLTP9tgrgCcNrY="};
const std::string hash =
    "?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
const Signed t3{"https://ishara.example/in/tw", "/in/tw" + hash, "application/json", "{\"a\":1}",
                "4C7Sif2XXmX2hxwEOKTMgc9HFls="};

std::optional<Part> part_of_kannel(std::string_view udh) {
  const auto made = request(http::Method::get,
                            "/in/kannel/x?from=%2B250788000001&text=a&udh=" + std::string{udh});
  const auto events = registry.find("kannel")->parse(made, Kind::sms, {});
  REQUIRE(events.has_value());
  REQUIRE(events->size() == 1);
  return std::get<Message>(events->front()).part;
}

std::optional<Part> part_of_vonage(std::string_view fields) {
  const auto made =
      request(http::Method::get, "/in/vonage/x?msisdn=250788000001&text=a&" + std::string{fields});
  const auto events = registry.find("vonage")->parse(made, Kind::sms, {});
  REQUIRE(events.has_value());
  REQUIRE(events->size() == 1);
  return std::get<Message>(events->front()).part;
}

}  // namespace

TEST_CASE("Vonage's parts of a long text") {
  const auto part = part_of_vonage("concat=true&concat-ref=08B5&concat-total=3&concat-part=1");
  REQUIRE(part.has_value());
  CHECK(part->reference == 0x08B5);
  CHECK(part->total == 3);
  CHECK(part->number == 1);
  for (const auto* whole :
       {"concat=false&concat-ref=08B5&concat-total=3&concat-part=1", "concat=true",
        "concat=true&concat-ref=xyz&concat-total=3&concat-part=1",
        "concat=true&concat-ref=08B5&concat-total=1&concat-part=1",
        "concat=true&concat-ref=08B5&concat-total=256&concat-part=1",
        "concat=true&concat-ref=08B5&concat-total=3&concat-part=0",
        "concat=true&concat-ref=08B5&concat-total=3&concat-part=4"}) {
    CAPTURE(std::string{whole});
    CHECK(!part_of_vonage(whole).has_value());
  }
}

TEST_CASE("MTarget's parts of a long text, whatever its reference is") {
  const auto part_of = [](const std::string& fields) {
    const auto made =
        request(http::Method::post, "/in/mtarget/x?Msisdn=%2B33639980001&Content=a&" + fields);
    const auto events = registry.find("mtarget")->parse(made, Kind::sms, {});
    REQUIRE(events.has_value());
    REQUIRE(events->size() == 1);
    return std::get<Message>(events->front()).part;
  };
  const auto first = part_of("msglong.id=abc&msglong.msgcount=3&msglong.msgref=1");
  const auto last = part_of("msglong.id=abc&msglong.msgcount=3&msglong.msgref=3");
  const auto other = part_of("msglong.id=abd&msglong.msgcount=3&msglong.msgref=1");
  REQUIRE(first.has_value());
  REQUIRE(last.has_value());
  REQUIRE(other.has_value());
  CHECK(first->total == 3);
  CHECK(first->number == 1);
  CHECK(last->number == 3);
  CHECK(first->reference == last->reference);
  CHECK(first->reference != other->reference);
  for (const auto* whole : {"", "msglong.msgcount=3&msglong.msgref=1",
                            "msglong.id=a&msglong.msgcount=1&msglong.msgref=1",
                            "msglong.id=a&msglong.msgcount=3&msglong.msgref=0",
                            "msglong.id=a&msglong.msgcount=3&msglong.msgref=4",
                            "msglong.id=a&msglong.msgcount=256&msglong.msgref=1",
                            "msglong.id=a&msglong.msgcount=3&msglong.msgref=x"}) {
    CAPTURE(std::string{whole});
    CHECK(!part_of(whole).has_value());
  }
}

TEST_CASE("signatures: the vectors V1 to V4, E1 and C1 of channels.md") {
  const std::chrono::sys_seconds now{std::chrono::seconds{1767323050}};
  struct {
    const char* method;
    const char* signature;
  } const vonage[] = {
      {"md5hash", "3ba7b6c2d4d665801f40ef52ce47d9df"},
      {"md5", "eefb18902e06d9a9784ffd68d176ed16"},
      {"sha1", "7ea6d1990b1b0d671b46e35ec678cc4279370ea0"},
      {"sha256", "0bd98cd2333dd9e82ae1e49db1619d14e14cdbbf93b8c1f8bfb3ab7a84221bdf"}};
  for (const auto& [method, signature] : vonage) {
    CAPTURE(std::string{method});
    ChannelSettings settings;
    settings.secret = crypto::wiped_copy("sigsecret1");
    settings.signature = method;
    auto made = request(http::Method::post, "/in/vonage/x",
                        "msisdn=254700000001&to=254700000002&messageId=0A0000000123ABCD1&"
                        "text=a%26b%3Dc+%C3%A9&type=unicode&keyword=A%26B%3DC&"
                        "message-timestamp=2026-01-02+03%3A04%3A05&timestamp=1767323045&nonce=n1&"
                        "api-key=abcd1234&sig=" +
                            std::string{signature});
    add(made, "content-type", form);
    const auto& vonage_itself = *registry.find("vonage");
    CHECK(vonage_itself.authentic(made, settings, now).has_value());
    CHECK(vonage_itself.authentic(made, settings, now + std::chrono::hours{47}).has_value());
    CHECK(!vonage_itself.authentic(made, settings, now + std::chrono::hours{49}).has_value());
    CHECK(!vonage_itself.authentic(made, settings, now - std::chrono::hours{2}).has_value());
  }

  ChannelSettings envaya;
  envaya.url = crypto::wiped_copy("https://ishara.example/in/envaya");
  envaya.secret = crypto::wiped_copy("pw1");
  auto made = request(http::Method::post, "/in/envaya",
                      "action=incoming&from=%2B254700000001&message=maji%2C+%3D+%C3%A9&"
                      "message_type=sms&now=1767323050000&phone_number=254700000002&"
                      "timestamp=1767323045000&version=30");
  add(made, "content-type", form);
  add(made, "x-request-signature", "Zov7khFrRToDfEDPsxf5XiuIuYw=");
  CHECK(registry.find("envayasms")->authentic(made, envaya, now).has_value());

  ChannelSettings capcom6;
  capcom6.secret = crypto::wiped_copy("signkey1");
  auto event = request(http::Method::post, "/in/capcom6", "{\"event\":\"sms:received\"}");
  add(event, "x-timestamp", "1767323045");
  add(event, "x-signature", "e31b88782acd75b8412159dc5cdcca35d519a7cd9ff68b90ae9cef3244ed8cc4");
  CHECK(registry.find("capcom6")->authentic(event, capcom6, now).has_value());
}

TEST_CASE("a JSON document is repaired where no parser would take it, and else left alone") {
  const auto word = [](std::string_view body) {
    const auto text = Json{body}.text({"a"});
    return text ? std::string{crypto::view(*text)} : "none";
  };
  CHECK(word(R"({"a":"\ud83d\ude00 e\u0301"})") == "\xF0\x9F\x98\x80 e\xCC\x81");
  CHECK(word(R"({"a":"x\ud83d"})") == "x\xEF\xBF\xBD");
  CHECK(word(R"({"a":"\ude00\ud83dy"})") == "\xEF\xBF\xBD\xEF\xBF\xBDy");
  CHECK(word(R"({"a":"\\ud83d"})") == "\\ud83d");
  CHECK(word("{\"a\":\"\xC3(\"}") == "\xEF\xBF\xBD(");
  CHECK(word("{\"a\":12}") == "12");
  CHECK(word("{\"a\":18446744073709551615}") == "18446744073709551615");
  CHECK(word("{\"a\":-9223372036854775808}") == "-9223372036854775808");
  CHECK(word("{\"a\":true}") == "true");
  for (const auto* none : {"", "{", "{\"a\":\"", "{\"a\":\"\\", "{\"a\":1} x", "{\"a\":null}",
                           "{\"a\":[1]}", "{\"b\":1}", "[{\"a\":1}]", "nonsense"}) {
    CAPTURE(std::string{none});
    CHECK(word(none) == "none");
  }
}

TEST_CASE("times with a fraction or an offset") {
  const auto at = [](std::string_view text) -> std::int64_t {
    const auto read = read_iso8601(text);
    return read ? read->time_since_epoch().count() : 0;
  };
  for (const auto* same :
       {"2026-01-02T03:04:05Z", "2026-01-02 03:04:05", "2026-01-02T03:04:05.678Z",
        "2026-01-02T05:04:05.678+02:00", "2026-01-02T05:04:05+0200", "2026-01-01T23:34:05-03:30"}) {
    CAPTURE(std::string{same});
    CHECK(at(same) == 1767323045);
  }
  for (const auto* odd : {"", "2026-01-02", "2026-01-02T03:04:05.", "2026-01-02T03:04:05+2",
                          "2026-01-02T03:04:05+15:00", "2026-01-02T03:04:05+02:60",
                          "2026-01-02T03:04:05 CAT", "2026-13-02T03:04:05Z"}) {
    CAPTURE(std::string{odd});
    CHECK(at(odd) == 0);
  }
  CHECK(read_unix_milliseconds("1767323045678")->time_since_epoch().count() == 1767323045);
  for (const auto* odd : {"", "678", "x678", "1767323045x78", "17673230456789999"})
    CHECK(!read_unix_milliseconds(odd).has_value());
}

TEST_CASE("Twilio's signature: the vectors T1 to T3 of channels.md") {
  CHECK(authentic(t1));
  CHECK(authentic(t2));
  CHECK(authentic(t3));
}

TEST_CASE("Twilio's signature covers the URL, every field and the body's hash") {
  auto wrong = t1;
  wrong.body += "&X=1";
  CHECK(!authentic(wrong));
  wrong = t1;
  wrong.target = wrong.url = "https://ishara.example/in/tw?k=2";
  CHECK(!authentic(wrong));
  wrong = t1;
  wrong.signature = "";
  CHECK(!authentic(wrong));
  wrong = t3;
  wrong.body = "{\"a\":2}";
  CHECK(!authentic(wrong));
  wrong = t3;
  wrong.target = "/in/tw";
  CHECK(!authentic(wrong));
}

TEST_CASE("Twilio's URL comes from the configuration: origin, path behind a proxy, any port") {
  for (const std::string url :
       {"https://ishara.example", "https://ishara.example/", "https://ishara.example/in/tw",
        "https://ishara.example:443/in/tw", "https://ishara.example/in/tw?k=1#rp=all&rc=5"}) {
    CAPTURE(url);
    auto sent = t1;
    sent.url = url;
    CHECK(authentic(sent));
  }
  auto behind = t1;
  behind.target = "/rewritten?k=1";
  CHECK(authentic(behind));
  behind.target = "/rewritten";
  CHECK(authentic(behind));
  for (const std::string url :
       {"http://ishara.example/in/tw", "https://other.example/in/tw", "", "x"}) {
    CAPTURE(url);
    auto sent = t1;
    sent.url = url;
    CHECK(!authentic(sent));
  }
}

TEST_CASE("a GET of Twilio is signed by its own query, whatever the configuration says") {
  // The signature of the bare URL "https://ishara.example/in/tw?k=1" must not carry other fields.
  const Signed bare{"https://ishara.example/in/tw?k=1", "/in/tw?k=1", "", "",
                    "0ozlfBZys9SbMQWhg6ppvwGGXTs="};
  CHECK(authentic(bare, "", http::Method::get));
  auto forged = bare;
  forged.target = "/in/tw?k=1&From=%2B254700000001&Body=x";
  CHECK(!authentic(forged, "", http::Method::get));
}

TEST_CASE("a Twilio request of another account is refused") {
  CHECK(!authentic(t1, "AC1"));
  const auto other = registry.find("twilio");
  CHECK(other->kinds().size() == 2);
}

TEST_CASE("Twilio is answered in TwiML, escaped, or with 204") {
  const auto& twilio = *registry.find("twilio");
  CHECK(twilio.answers_in_response());
  CHECK(twilio.acknowledge(std::nullopt).status == 204);
  const auto answer = twilio.acknowledge("a < b & c > d");
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "text/xml");
  CHECK(answer.body ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message>a &lt; b &amp; c &gt; "
        "d</Message></Response>");
}

TEST_CASE("Kannel is answered with the text itself, and told when that needs UCS-2") {
  const auto& kannel = *registry.find("kannel");
  CHECK(kannel.answers_in_response());
  const auto empty = kannel.acknowledge(std::nullopt);
  CHECK(empty.status == 200);
  CHECK(empty.content_type == "text/plain");
  CHECK(empty.body.empty());
  const auto latin = kannel.acknowledge("Received \xC3\xA9");
  CHECK(latin.body == "Received \xC3\xA9");
  CHECK(latin.content_type == "text/plain; charset=UTF-8");
  CHECK(latin.fields.empty());
  const auto arabic = kannel.acknowledge("\xD9\x88\xD8\xB5\xD9\x84");
  REQUIRE(arabic.fields.size() == 1);
  CHECK(arabic.fields[0] == std::pair<std::string, std::string>{"X-Kannel-Coding", "2"});
  const auto told = kannel.instructions("https://reports.example.org/in/kannel/x", false);
  CHECK(std::ranges::count(told, "  accept-x-kannel-headers = true") == 1);
}

TEST_CASE("Africa's Talking reads no text in our answer") {
  const auto& aggregator = *registry.find("africastalking");
  CHECK(!aggregator.answers_in_response());
  CHECK(aggregator.acknowledge("x").body.empty());
}

TEST_CASE("a user data header tells which part of a long text this is") {
  const auto first = part_of_kannel("%05%00%03%2A%03%01");
  REQUIRE(first.has_value());
  CHECK(first->reference == 0x2A);
  CHECK(first->total == 3);
  CHECK(first->number == 1);
  const auto wide = part_of_kannel("%06%08%04%01%02%02%02");
  REQUIRE(wide.has_value());
  CHECK(wide->reference == 0x0102);
  CHECK(wide->number == 2);
  const auto behind_another = part_of_kannel("%08%24%01%01%00%03%07%02%02");
  REQUIRE(behind_another.has_value());
  CHECK(behind_another->reference == 7);
  for (const auto* odd :
       {"", "%00", "%05", "%05%00%03%2A%03", "%05%00%03%2A%03%00", "%05%00%03%2A%03%04",
        "%05%00%03%2A%01%01", "%05%00%FF%2A%03%01", "%03%24%01%01", "%FF"}) {
    CAPTURE(std::string{odd});
    CHECK(!part_of_kannel(odd).has_value());
  }
}

TEST_CASE("times are read in the forms that aggregators send, and odd ones are none") {
  using namespace std::chrono;
  const auto expected = sys_days{year{2026} / 1 / 2} + 3h + 4min + 5s;
  for (const auto* text : {"2026-01-02T03:04:05Z", "2026-01-02 03:04:05", " 2026-01-02T03:04:05 "})
    CHECK(read_utc(text) == expected);
  CHECK(read_unix("1767323045") == expected);
  for (const auto* text :
       {"", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z", "2026-01-02T25:04:05Z", "2026-01-02",
        "02/01/2026 03:04:05", "2026-01-02T03:04:05+02:00", "20-6-01-02T03:04:05",
        "2026-01-02T-3:04:05Z"}) {
    CAPTURE(std::string{text});
    CHECK(!read_utc(text).has_value());
  }
  for (const auto* text : {"", "-1", "1767323045x", "99999999999"})
    CHECK(!read_unix(text).has_value());
}

TEST_CASE("ids that mean none are none, and a recipient gets its plus back") {
  CHECK(read_id("null").empty());
  CHECK(read_id("None").empty());
  CHECK(read_id(" ").empty());
  CHECK(crypto::view(read_id(" abc ")) == "abc");
  CHECK(crypto::view(read_recipient(" 250788000002")) == "+250788000002");
  CHECK(crypto::view(read_recipient(" 2020")) == "2020");
  CHECK(crypto::view(read_recipient("250788000002")) == "250788000002");
  CHECK(read_recipient(std::nullopt).empty());
}

}  // namespace ishara::aggregators
