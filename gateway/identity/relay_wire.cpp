#include "gateway/identity/relay_wire.hpp"

#include <algorithm>
#include <stdexcept>

#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;

constexpr std::uint8_t version = 1;
constexpr std::size_t request_head = 7;
constexpr std::size_t answer_head = 7;
constexpr std::size_t number_size = 16;
constexpr std::size_t ref_size = 12;
constexpr std::size_t thread_size = 264;
constexpr std::size_t pull_size = 4 + longest_reply;
constexpr std::size_t template_size = number_size + 3 + ref_size + 20;
static_assert(longest_request == request_head + 64);
static_assert(longest_answer == answer_head + pull_size);

void write_number(Writer& write, const Msisdn& number) {
  const auto field = number.fixed();
  write.bytes(field.reveal());
}

result<Msisdn> read_number(crypto::View field) {
  auto number = Msisdn::from_fixed(field.first<number_size>());
  if (!number) return relay_wire_errc::malformed;
  return number;
}

void write_ref(Writer& write, const Ref& ref) {
  const auto field = ref.fixed();
  write.bytes(field.reveal());
}

result<Ref> read_ref(crypto::View field) {
  const auto ref = Ref::from_fixed(field.first<ref_size>());
  if (!ref) return relay_wire_errc::malformed;
  return *ref;
}

bool all_zero(crypto::View bytes) {
  return std::ranges::all_of(bytes, [](auto byte) { return byte == 0; });
}

void write_optional_ref(Writer& write, const std::optional<Ref>& ref) {
  static constexpr std::array<std::uint8_t, ref_size> zeros{};
  if (ref)
    write_ref(write, *ref);
  else
    write.bytes(zeros);
}

result<std::optional<Ref>> read_optional_ref(crypto::View field) {
  if (all_zero(field)) return std::optional<Ref>{};
  const auto ref = read_ref(field);
  if (!ref) return ref.error();
  return std::optional{*ref};
}

template <class... F>
struct Cases : F... {
  using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;

std::size_t payload_size(const RelayRequest& request) {
  return std::visit(Cases{
                        [](const ResolveNumber&) -> std::size_t { return number_size; },
                        [](const ResolveRef&) -> std::size_t { return ref_size; },
                        [](const PullReply&) -> std::size_t { return ref_size; },
                        [](const EndByNumber&) -> std::size_t { return 1 + number_size; },
                        [](const EndByRef&) -> std::size_t { return 1 + ref_size; },
                        [](const SendTemplate&) -> std::size_t { return template_size; },
                        [](const ResolveReport&) -> std::size_t { return 16; },
                        [](const FreshRef&) -> std::size_t { return 0; },
                        [](const Delivery& delivery) -> std::size_t {
                          if (delivery.id.empty() || delivery.id.size() > longest_delivery_id)
                            throw std::logic_error{"a delivery id has 1 to 48 bytes"};
                          return 2 + delivery.id.size();
                        },
                        [](const OpenWindow&) -> std::size_t { return number_size + 2; },
                    },
                    request);
}

result<EndKind> read_end_kind(std::uint8_t byte) {
  if (byte != 1 && byte != 2) return relay_wire_errc::malformed;
  return static_cast<EndKind>(byte);
}

// A request of this type if the field it is made of is one.
template <class Request, class Field>
result<RelayRequest> request_of(result<Field> field) {
  if (!field) return field.error();
  return RelayRequest{Request{std::move(*field)}};
}

result<RelayRequest> decode_end(crypto::View payload) {
  if (payload.size() != 1 + number_size && payload.size() != 1 + ref_size)
    return relay_wire_errc::malformed;
  const auto how = read_end_kind(payload[0]);
  if (!how) return how.error();
  if (payload.size() == 1 + ref_size) {
    const auto ref = read_ref(payload.subspan(1));
    if (!ref) return ref.error();
    return RelayRequest{EndByRef{*how, *ref}};
  }
  auto number = read_number(payload.subspan(1));
  if (!number) return number.error();
  return RelayRequest{EndByNumber{*how, std::move(*number)}};
}

result<RelayRequest> decode_template(crypto::View payload) {
  auto number = read_number(payload.first(number_size));
  if (!number) return number.error();
  const auto ref = read_optional_ref(payload.subspan(number_size + 3, ref_size));
  if (!ref) return ref.error();
  Reader read{payload.subspan(number_size)};
  SendTemplate out{.number = std::move(*number)};
  out.channel = read.u8();
  out.language = read.u8();
  out.text = read.u8();
  out.ref = *ref;
  read.skip(ref_size);
  out.tables = read.u32();
  out.helpline = read.u16();
  for (auto& region : out.regions) region = read.u32();
  out.until = read.u8();
  out.chosen = read.u8();
  if (out.channel == 0 || out.until > 48) return relay_wire_errc::malformed;
  return RelayRequest{std::move(out)};
}

result<RelayRequest> decode_delivery(crypto::View payload) {
  if (payload.size() < 3) return relay_wire_errc::malformed;
  const auto state = payload[0];
  const std::size_t size = payload[1];
  if (state < 1 || state > 4 || size > longest_delivery_id || payload.size() != 2 + size)
    return relay_wire_errc::malformed;
  const auto id = payload.subspan(2);
  return RelayRequest{
      Delivery{static_cast<DeliveryState>(state), crypto::WipedBuffer(id.begin(), id.end())}};
}

result<RelayRequest> decode_payload(RelayOp op, crypto::View payload) {
  const auto sized = [&](std::size_t size) { return payload.size() == size; };
  switch (op) {
    case RelayOp::resolve:
      if (!sized(number_size)) break;
      return request_of<ResolveNumber>(read_number(payload));
    case RelayOp::ref:
      if (!sized(ref_size)) break;
      return request_of<ResolveRef>(read_ref(payload));
    case RelayOp::pull:
      if (!sized(ref_size)) break;
      return request_of<PullReply>(read_ref(payload));
    case RelayOp::end:
      return decode_end(payload);
    case RelayOp::ack:
      if (!sized(template_size)) break;
      return decode_template(payload);
    case RelayOp::owner:
      if (!sized(16)) break;
      return RelayRequest{ResolveReport{Reader{payload}.array<16>()}};
    case RelayOp::fresh:
      if (!sized(0)) break;
      return RelayRequest{FreshRef{}};
    case RelayOp::delivery:
      return decode_delivery(payload);
    case RelayOp::window: {
      if (!sized(number_size + 2)) break;
      auto number = read_number(payload.first(number_size));
      if (!number) break;
      const auto minutes = Reader{payload.subspan(number_size)}.u16();
      return RelayRequest{OpenWindow{std::move(*number), minutes}};
    }
  }
  return relay_wire_errc::malformed;
}

std::size_t body_size(RelayOp op) {
  switch (op) {
    case RelayOp::resolve:
    case RelayOp::ref:
    case RelayOp::owner:
      return thread_size;
    case RelayOp::pull:
      return pull_size;
    case RelayOp::fresh:
      return ref_size;
    case RelayOp::end:
    case RelayOp::ack:
    case RelayOp::delivery:
    case RelayOp::window:
      break;
  }
  return 0;
}

void write_thread(Writer& write, const ThreadAnswer& thread) {
  write.u8(thread.found ? 1 : 0);
  write.u8(static_cast<std::uint8_t>(thread.kind));
  write.u8(thread.consent_class);
  write.u8(thread.stage);
  write.bytes(thread.report_id);
  write.bytes(thread.origin);
  write.bytes(thread.owner_queue);
  write.bytes(thread.police_queue);
  write.bytes(thread.proof);
  write_optional_ref(write, thread.unused_ref);
}

result<RelayBody> read_thread(crypto::View body) {
  Reader read{body};
  ThreadAnswer thread;
  const auto found = read.u8();
  const auto kind = read.u8();
  thread.consent_class = read.u8();
  thread.stage = read.u8();
  thread.report_id = read.array<16>();
  thread.origin = read.array<16>();
  thread.owner_queue = read.array<16>();
  thread.police_queue = read.array<16>();
  thread.proof = read.array<184>();
  const auto unused = read_optional_ref(body.last(ref_size));
  if (!unused || found > 1 || kind > 1 || thread.consent_class > 1 || thread.stage > 2 ||
      (found == 0 && !all_zero(body.first(thread_size - ref_size))))
    return relay_wire_errc::malformed;
  thread.found = found == 1;
  thread.kind = static_cast<RefKind>(kind);
  thread.unused_ref = *unused;
  return RelayBody{thread};
}

void write_pull(Writer& write, const PullAnswer& pull) {
  if (pull.text.size() > longest_reply) throw std::logic_error{"a reply has at most 480 bytes"};
  write.u8(pull.found ? 1 : 0);
  write.u8(pull.stage);
  write.u16(static_cast<std::uint16_t>(pull.text.size()));
  pull.text.reveal([&](std::string_view text) { write.bytes(crypto::bytes_of(text)); });
}

result<RelayBody> read_pull(crypto::View body) {
  Reader read{body};
  const auto found = read.u8();
  const auto stage = read.u8();
  const std::size_t size = read.u16();
  if (found > 1 || stage > 2 || size > longest_reply || !all_zero(body.subspan(4 + size)) ||
      (found == 0 && (stage != 0 || size != 0)))
    return relay_wire_errc::malformed;
  PullAnswer pull{.found = found == 1, .stage = stage, .text = {}};
  pull.text = Text{{reinterpret_cast<const char*>(body.data()) + 4, size}};
  return RelayBody{std::move(pull)};
}

result<RelayBody> decode_body(RelayOp op, crypto::View body) {
  switch (op) {
    case RelayOp::resolve:
    case RelayOp::ref:
    case RelayOp::owner:
      return read_thread(body);
    case RelayOp::pull:
      return read_pull(body);
    case RelayOp::fresh: {
      const auto ref = read_ref(body);
      if (!ref) return ref.error();
      return RelayBody{FreshAnswer{*ref}};
    }
    case RelayOp::end:
    case RelayOp::ack:
    case RelayOp::delivery:
    case RelayOp::window:
      break;
  }
  return RelayBody{PlainAnswer{}};
}

bool body_fits(const RelayAnswer& answer) {
  if (answer.status != RelayStatus::done) return std::holds_alternative<PlainAnswer>(answer.body);
  switch (body_size(answer.op)) {
    case thread_size:
      return std::holds_alternative<ThreadAnswer>(answer.body);
    case pull_size:
      return std::holds_alternative<PullAnswer>(answer.body);
    case ref_size:
      return std::holds_alternative<FreshAnswer>(answer.body);
    default:
      return std::holds_alternative<PlainAnswer>(answer.body);
  }
}

}  // namespace

const boost::system::error_category& relay_wire_category() noexcept {
  static const struct final : boost::system::error_category {
    const char* name() const noexcept override { return "ishara.relay_wire"; }
    std::string message(int) const override { return "not a packet of the relay's socket"; }
  } category;
  return category;
}

RelayOp op_of(const RelayRequest& request) noexcept {
  struct Op {
    RelayOp operator()(const ResolveNumber&) const { return RelayOp::resolve; }
    RelayOp operator()(const ResolveRef&) const { return RelayOp::ref; }
    RelayOp operator()(const PullReply&) const { return RelayOp::pull; }
    RelayOp operator()(const EndByNumber&) const { return RelayOp::end; }
    RelayOp operator()(const EndByRef&) const { return RelayOp::end; }
    RelayOp operator()(const SendTemplate&) const { return RelayOp::ack; }
    RelayOp operator()(const ResolveReport&) const { return RelayOp::owner; }
    RelayOp operator()(const FreshRef&) const { return RelayOp::fresh; }
    RelayOp operator()(const Delivery&) const { return RelayOp::delivery; }
    RelayOp operator()(const OpenWindow&) const { return RelayOp::window; }
  };
  return std::visit(Op{}, request);
}

crypto::WipedBytes encode_request(std::uint32_t call, const RelayRequest& request) {
  const auto size = payload_size(request);
  crypto::WipedBytes out(request_head + size);
  Writer write{out};
  write.u8(version);
  write.u8(static_cast<std::uint8_t>(op_of(request)));
  write.u32(call);
  write.u8(static_cast<std::uint8_t>(size));
  std::visit(Cases{
                 [&](const ResolveNumber& value) { write_number(write, value.number); },
                 [&](const ResolveRef& value) { write_ref(write, value.ref); },
                 [&](const PullReply& value) { write_ref(write, value.ref); },
                 [&](const EndByNumber& value) {
                   write.u8(static_cast<std::uint8_t>(value.how));
                   write_number(write, value.number);
                 },
                 [&](const EndByRef& value) {
                   write.u8(static_cast<std::uint8_t>(value.how));
                   write_ref(write, value.ref);
                 },
                 [&](const SendTemplate& value) {
                   write_number(write, value.number);
                   write.u8(value.channel);
                   write.u8(value.language);
                   write.u8(value.text);
                   write_optional_ref(write, value.ref);
                   write.u32(value.tables);
                   write.u16(value.helpline);
                   for (const auto region : value.regions) write.u32(region);
                   write.u8(value.until);
                   write.u8(value.chosen);
                 },
                 [&](const ResolveReport& value) { write.bytes(value.report_id); },
                 [](const FreshRef&) {},
                 [&](const Delivery& value) {
                   write.u8(static_cast<std::uint8_t>(value.state));
                   write.u8(static_cast<std::uint8_t>(value.id.size()));
                   write.bytes(crypto::bytes_of(crypto::view(value.id)));
                 },
                 [&](const OpenWindow& value) {
                   write_number(write, value.number);
                   write.u16(value.minutes);
                 },
             },
             request);
  return out;
}

result<RelayCall> decode_request(crypto::View packet) {
  if (packet.size() < request_head || packet.size() > longest_request)
    return relay_wire_errc::malformed;
  Reader read{packet};
  const auto packet_version = read.u8();
  const auto op = static_cast<RelayOp>(read.u8());
  const auto call = read.u32();
  const std::size_t size = read.u8();
  if (packet_version != version || packet.size() != request_head + size)
    return relay_wire_errc::malformed;
  auto request = decode_payload(op, packet.subspan(request_head));
  if (!request) return request.error();
  return RelayCall{call, std::move(*request)};
}

crypto::WipedBytes encode_answer(const RelayAnswer& answer) {
  if (!body_fits(answer)) throw std::logic_error{"an answer of another op"};
  crypto::WipedBytes out(answer_head + body_size(answer.op));
  Writer write{out};
  write.u8(version);
  write.u8(static_cast<std::uint8_t>(answer.op));
  write.u32(answer.call);
  write.u8(static_cast<std::uint8_t>(answer.status));
  std::visit(Cases{
                 [](const PlainAnswer&) {},
                 [&](const ThreadAnswer& thread) { write_thread(write, thread); },
                 [&](const PullAnswer& pull) { write_pull(write, pull); },
                 [&](const FreshAnswer& fresh) { write_ref(write, fresh.ref); },
             },
             answer.body);
  return out;
}

result<RelayAnswer> decode_answer(crypto::View packet) {
  if (packet.size() < answer_head) return relay_wire_errc::malformed;
  Reader read{packet};
  RelayAnswer answer;
  const auto packet_version = read.u8();
  const auto op = read.u8();
  answer.op = static_cast<RelayOp>(op);
  answer.call = read.u32();
  const auto status = read.u8();
  const auto body = packet.subspan(answer_head);
  if (packet_version != version || op < 1 || op > 9 || status > 4 ||
      (status == 4 && answer.op != RelayOp::owner) || body.size() != body_size(answer.op))
    return relay_wire_errc::malformed;
  answer.status = static_cast<RelayStatus>(status);
  if (answer.status != RelayStatus::done) {
    if (!all_zero(body)) return relay_wire_errc::malformed;
    return answer;
  }
  auto decoded = decode_body(answer.op, body);
  if (!decoded) return decoded.error();
  answer.body = std::move(*decoded);
  return answer;
}

}  // namespace ishara::identity
