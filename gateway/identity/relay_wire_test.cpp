#include "gateway/identity/relay_wire.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

namespace ishara::identity {
namespace {

Msisdn number() { return Msisdn::of_digits("250788000001").value(); }
Ref ref(std::uint8_t fill = 7) {
  crypto::Id uniform;
  uniform.fill(fill);
  return Ref::from(uniform);
}
crypto::Id id(std::uint8_t fill) {
  crypto::Id out;
  out.fill(fill);
  return out;
}

std::vector<RelayRequest> every_request() {
  std::vector<RelayRequest> out;
  out.emplace_back(ResolveNumber{number()});
  out.emplace_back(ResolveRef{ref()});
  out.emplace_back(PullReply{ref()});
  out.emplace_back(EndByNumber{EndKind::erase, number()});
  out.emplace_back(EndByRef{EndKind::stop, ref()});
  out.emplace_back(SendTemplate{number(), 3, 1, 2, ref(), 12, 4, {5, 6, 0}, 48, 255});
  out.emplace_back(SendTemplate{number(), 3, 1, 2, {}, 0, 0, {}, 0, 0});
  out.emplace_back(ResolveReport{id(9)});
  out.emplace_back(FreshRef{});
  out.emplace_back(Delivery{DeliveryState::delivered, crypto::wiped_copy("id-1")});
  out.emplace_back(OpenWindow{number(), 1440});
  return out;
}

std::vector<RelayAnswer> every_answer() {
  ThreadAnswer found{.found = true, .kind = RefKind::unverified, .consent_class = 1, .stage = 1};
  found.report_id = id(1);
  found.origin = id(2);
  found.owner_queue = id(3);
  found.police_queue = id(4);
  found.proof.fill(5);
  found.unused_ref = ref();
  std::vector<RelayAnswer> out;
  out.push_back({1, RelayOp::resolve, RelayStatus::done, found});
  out.push_back({2, RelayOp::ref, RelayStatus::done, ThreadAnswer{}});
  out.push_back({3, RelayOp::owner, RelayStatus::away, PlainAnswer{}});
  out.push_back({4, RelayOp::pull, RelayStatus::done, PullAnswer{true, 1, Text{"Come at nine"}}});
  out.push_back({5, RelayOp::end, RelayStatus::done, PlainAnswer{}});
  out.push_back({6, RelayOp::fresh, RelayStatus::done, FreshAnswer{ref()}});
  out.push_back({0xffffffff, RelayOp::window, RelayStatus::done, PlainAnswer{}});
  out.push_back({8, RelayOp::resolve, RelayStatus::strict, PlainAnswer{}});
  out.push_back({9, RelayOp::owner, RelayStatus::gone, PlainAnswer{}});
  return out;
}

TEST_CASE("every request comes back as it was sent") {
  for (const auto& request : every_request()) {
    CAPTURE(request.index());
    const auto packet = encode_request(77, request);
    CHECK(packet.size() <= longest_request);
    const auto call = decode_request(packet);
    REQUIRE(call.has_value());
    CHECK(call->call == 77);
    CHECK(call->request.index() == request.index());
    CHECK(encode_request(77, call->request) == packet);
  }
}

TEST_CASE("every answer comes back as it was sent, in the one size of its op") {
  for (const auto& answer : every_answer()) {
    CAPTURE(answer.call);
    const auto packet = encode_answer(answer);
    CHECK(packet.size() <= longest_answer);
    const auto back = decode_answer(packet);
    REQUIRE(back.has_value());
    CHECK(back->call == answer.call);
    CHECK(back->op == answer.op);
    CHECK(back->status == answer.status);
    CHECK(back->body.index() == answer.body.index());
    CHECK(encode_answer(*back) == packet);
  }
}

TEST_CASE("a hit, a miss and a refusal have the same size") {
  ThreadAnswer hit{.found = true, .kind = RefKind::verified, .consent_class = 0, .stage = 0};
  hit.report_id = id(1);
  const auto size = encode_answer({1, RelayOp::resolve, RelayStatus::done, hit}).size();
  CHECK(encode_answer({1, RelayOp::resolve, RelayStatus::done, ThreadAnswer{}}).size() == size);
  CHECK(encode_answer({1, RelayOp::resolve, RelayStatus::limited, PlainAnswer{}}).size() == size);
}

TEST_CASE("a packet that is cut or lengthened is refused") {
  for (const auto& request : every_request()) {
    CAPTURE(request.index());
    const auto packet = encode_request(1, request);
    for (std::size_t size = 0; size < packet.size(); ++size)
      CHECK_FALSE(decode_request(crypto::View{packet}.first(size)).has_value());
    auto longer = packet;
    longer.push_back(0);
    CHECK_FALSE(decode_request(longer).has_value());
  }
  for (const auto& answer : every_answer()) {
    CAPTURE(answer.call);
    const auto packet = encode_answer(answer);
    for (std::size_t size = 0; size < packet.size(); ++size)
      CHECK_FALSE(decode_answer(crypto::View{packet}.first(size)).has_value());
    auto longer = packet;
    longer.push_back(0);
    CHECK_FALSE(decode_answer(longer).has_value());
  }
}

TEST_CASE("what is not exactly a request is refused") {
  struct Row {
    const char* name;
    std::size_t at;
    std::uint8_t value;
    RelayRequest request;
  };
  std::vector<Row> rows;
  rows.push_back({"another version", 0, 2, FreshRef{}});
  rows.push_back({"op 0", 1, 0, FreshRef{}});
  rows.push_back({"op 10", 1, 10, FreshRef{}});
  rows.push_back({"number too short", 7, 6, ResolveNumber{number()}});
  rows.push_back({"number too long", 7, 16, ResolveNumber{number()}});
  rows.push_back({"number not of digits", 9, 'x', ResolveNumber{number()}});
  rows.push_back({"bytes behind the number", 22, 1, ResolveNumber{number()}});
  rows.push_back(
      {"ref with a wrong check digit", 18, '0', ResolveRef{Ref::parse("4821773501").value()}});
  rows.push_back({"ref not padded", 7, 1, ResolveRef{ref()}});
  rows.push_back({"no such end", 7, 3, EndByRef{EndKind::stop, ref()}});
  rows.push_back({"channel 0", 23, 0, SendTemplate{number(), 3, 1, 2, ref(), 1, 4, {}, 0, 0}});
  rows.push_back(
      {"no such half hour", 56, 49, SendTemplate{number(), 3, 1, 2, ref(), 1, 4, {}, 48, 0}});
  rows.push_back(
      {"no such delivery state", 7, 5, Delivery{DeliveryState::sent, crypto::wiped_copy("id")}});
  rows.push_back(
      {"id length differs", 8, 1, Delivery{DeliveryState::sent, crypto::wiped_copy("id")}});
  for (const auto& row : rows) {
    CAPTURE(row.name);
    auto packet = encode_request(1, row.request);
    REQUIRE(packet[row.at] != row.value);
    packet[row.at] = row.value;
    CHECK_FALSE(decode_request(packet).has_value());
  }
}

TEST_CASE("what is not exactly an answer is refused") {
  const auto miss = encode_answer({1, RelayOp::resolve, RelayStatus::done, ThreadAnswer{}});
  const auto nothing = encode_answer({1, RelayOp::pull, RelayStatus::done, PullAnswer{}});
  const auto limited = encode_answer({1, RelayOp::pull, RelayStatus::limited, PlainAnswer{}});
  struct Row {
    const char* name;
    const crypto::WipedBytes& packet;
    std::size_t at;
    std::uint8_t value;
  };
  const Row rows[]{
      {"another version", miss, 0, 2},
      {"op 0", miss, 1, 0},
      {"op of another size", miss, 1, 3},
      {"no such status", miss, 6, 5},
      {"gone, of no report", miss, 6, 4},
      {"found neither 0 nor 1", miss, 7, 2},
      {"a miss that tells something", miss, 20, 1},
      {"no such stage", miss, 10, 3},
      {"a ref that is none", miss, 270, 1},
      {"text longer than 480", nothing, 9, 2},
      {"bytes behind the text", nothing, 300, 1},
      {"a refusal with a body", limited, 40, 1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    auto packet = row.packet;
    packet[row.at] = row.value;
    CHECK_FALSE(decode_answer(packet).has_value());
  }
}

TEST_CASE("a packet that cannot be written is a bug of the caller") {
  CHECK_THROWS_AS(encode_request(1, Delivery{DeliveryState::sent, {}}), std::logic_error);
  CHECK_THROWS_AS(encode_request(1, Delivery{DeliveryState::sent, crypto::WipedBuffer(49, 'x')}),
                  std::logic_error);
  CHECK_THROWS_AS(encode_answer({1, RelayOp::end, RelayStatus::done, ThreadAnswer{}}),
                  std::logic_error);
  CHECK_THROWS_AS(encode_answer({1, RelayOp::resolve, RelayStatus::away, ThreadAnswer{}}),
                  std::logic_error);
}

}  // namespace
}  // namespace ishara::identity
