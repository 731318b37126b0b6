// What each stage of the main path costs, alone, on one thread: parse, understand, route, seal. The
// machine's speed is the first line (sealing one key, libsodium alone), so that figures of two
// machines can be compared.
//
// usage: bench_stages       (run it from a release build)

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/aggregators/registry.hpp"
#include "gateway/conversation/answer.hpp"
#include "gateway/http/parse.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/intake/seal.hpp"
#include "routing/snapshot.hpp"
#include "routing/understand/understand.hpp"

namespace {

namespace fs = std::filesystem;
using namespace ishara;
using Clock = std::chrono::steady_clock;

constexpr std::string_view text =
    "My madam locks me in the house in Nyamata, she took my passport and they never paid me";

// One whole message, as it is read where four countries share a gateway.
constexpr std::string_view message =
    "Please help my sister, a woman in Eastleigh promised her work in Dubai, now they lock her in "
    "a "
    "house near Thika, beat her and took her passport, she is 16 yrs";
static_assert(message.size() <= 160 && message.size() >= 155);

// Microseconds for one call: the median of nine runs of at least 50 ms each.
template <class Work>
double microseconds(Work work) {
  std::array<double, 9> runs{};
  for (auto& run : runs) {
    const auto begin = Clock::now();
    std::size_t calls = 0;
    std::chrono::duration<double, std::micro> passed{};
    do {
      for (int i = 0; i < 100; ++i) work();
      calls += 100;
      passed = Clock::now() - begin;
    } while (passed < std::chrono::milliseconds{50});
    run = passed.count() / static_cast<double>(calls);
  }
  std::sort(runs.begin(), runs.end());
  return runs[runs.size() / 2];
}

void print(const std::string& stage, double value) {
  std::printf("%-50s %8.2f us\n", stage.c_str(), value);
}

// The tables and places of these country packs, and the words of all languages.
std::shared_ptr<const routing::Snapshot> snapshot(std::initializer_list<const char*> countries) {
  std::vector<std::pair<std::string, std::string>> files;
  std::vector<fs::path> folders;
  for (const auto* country : countries)
    folders.push_back(fs::path{ISHARA_SOURCE_DIR} / "ops/packs" / country);
  for (const auto& entry : fs::directory_iterator{fs::path{ISHARA_SOURCE_DIR} / "i18n/packs"})
    folders.push_back(entry.path());
  for (const auto& path : folders) {
    for (const auto& entry : fs::directory_iterator{path}) {
      std::ifstream file{entry.path(), std::ios::binary};
      files.emplace_back((path.filename() / entry.path().filename()).string(),
                         std::string{std::istreambuf_iterator<char>{file}, {}});
    }
  }
  std::vector<routing::PackFile> views;
  for (const auto& [name, content] : files) views.push_back({name, content});
  auto loaded = routing::load(views);
  if (!loaded.snapshot) throw std::runtime_error{"a pack has mistakes"};
  return loaded.snapshot;
}

intake::Queue queue() {
  intake::Queue out;
  out.id = crypto::random_bytes<16>();
  out.organisation_class = identity::OrganisationClass::ngo;
  out.box_key = identity::queue_box_key(crypto::random_secret<32>()).public_key;
  out.kid = crypto::random_bytes<16>();
  return out;
}

}  // namespace

int main() {
  crypto::start();
  const auto gateway_key = crypto::signing_key(crypto::random_secret<32>());
  print("sign 184 bytes (libsodium alone)",
        microseconds([&, record = std::array<std::uint8_t, 184>{}] {
          (void)crypto::sign("bench", {record}, gateway_key);
        }));

  // As each provider would bring the text; the HTTP of the first of them too.
  const aggregators::Registry registry;
  aggregators::ChannelSettings settings;
  settings.country = "RW";
  settings.url = crypto::wiped_copy("https://reports.example/in/provider/secret");
  settings.account = "account";
  settings.token = crypto::wiped_copy("token of the bench");
  settings.secret = crypto::wiped_copy("secret of the bench");
  std::chrono::sys_seconds now{std::chrono::seconds{1'800'000'000}};
  const aggregators::PhoneText sms{"+250788000001", "2020", std::string{text},
                                   "00112233445566778899aabbccddeeff", now};
  const std::string raw =
      "POST /in/kannel/secret?id=1&to=2020&ts=1795294626 HTTP/1.1\r\nHost: gateway\r\n"
      "Content-Type: text/plain; charset=\"UTF-8\"\r\nX-Kannel-From: +250788000001\r\n"
      "Content-Length: " +
      std::to_string(text.size()) + "\r\n\r\n" + std::string{text};
  print("HTTP of one request",
        microseconds([&] { (void)http::parse_request(raw, aggregators::max_body); }));
  for (const auto name : registry.names()) {
    const auto& provider = *registry.find(name);
    if (std::ranges::count(provider.kinds(), aggregators::Kind::sms) == 0) continue;
    const auto request = provider.call(sms, settings, provider.profile().needs_get);
    if (!provider.authentic(request, settings, now) ||
        !provider.parse(request, aggregators::Kind::sms, settings))
      throw std::runtime_error{"the request of a provider is wrong"};
    print("proof and parse: " + std::string{name}, microseconds([&] {
            (void)provider.authentic(request, settings, now);
            (void)provider.parse(request, aggregators::Kind::sms, settings);
          }));
  }

  const auto known = snapshot({"rw-demo"});
  const routing::Hints hints{.channel_language = "en", .channel_country = {}};
  std::pmr::monotonic_buffer_resource kept;
  const auto decision = routing::understand(text, hints, *known, kept);
  print("understand", microseconds([&] {
          std::pmr::monotonic_buffer_resource arena{8192, &crypto::wiping_resource()};
          (void)routing::understand(text, hints, *known, arena);
        }));
  {
    const auto large = snapshot({"ke", "pk", "eg", "uz"});
    const routing::Hints kenya{.channel_language = "en",
                               .channel_country = *routing::RegionCode::parse("KE")};
    print("understand a full message, four countries", microseconds([&] {
            std::pmr::monotonic_buffer_resource arena{8192, &crypto::wiping_resource()};
            (void)routing::understand(message, kenya, *large, arena);
          }));
  }
  const auto question = routing::question(decision, routing::ConsentClass::helpers);
  print("route", microseconds([&] {
          (void)routing::route(question, known->table, [](const routing::Queue&) { return true; });
        }));

  const auto owner = queue();
  const auto content = [] {
    identity::MessageContent out;
    out.text = identity::Text{text};
    out.category = "DOM";
    out.region = "RW-02.bugesera";
    return out;
  }();
  const identity::EpochAnnouncement epoch{
      .epoch = identity::epoch_at(now),
      .key = identity::epoch_keys(crypto::random_secret<32>()).box.public_key};
  identity::ReturnAddress address{.number = identity::Msisdn::parse("+250788000001", "").value(),
                                  .ref = identity::Ref::from(crypto::random_bytes<16>())};
  address.channel = 1;
  const auto seal = [&](identity::SenderKeys& keys, bool first) {
    intake::Marks marks;
    marks.report_id = crypto::random_bytes<16>();
    marks.first = first;
    const auto back = first ? std::optional{intake::Return{address, epoch}} : std::nullopt;
    if (!intake::seal(content, marks, {.owner = &owner}, back, keys, now, gateway_key))
      throw std::runtime_error{"sealing failed"};
  };
  // Below the flood rule each intake has a pair of its own; in a flood pairs are shared.
  identity::SenderKeys flooded;
  for (int i = 0; i < 1'100; ++i) seal(flooded, true);
  for (const bool first : {true, false}) {
    const std::string what = first ? "new report, one wrap and RETADDR" : "text in a sitting";
    print(what + ", pair of its own", microseconds([&] {
            identity::SenderKeys keys;
            seal(keys, first);
          }));
    print(what + ", in a flood", microseconds([&] { seal(flooded, first); }));
  }
  return 0;
}
