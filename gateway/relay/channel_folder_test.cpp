#include "gateway/relay/channel_folder.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/primitives.hpp"

namespace ishara::relay {

TEST_CASE("the channels of a folder are loaded, none of them if one has a mistake") {
  std::string name = (std::filesystem::temp_directory_path() / "ishara-sending-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const std::filesystem::path folder{name};
  const aggregators::Registry registry;
  const auto write = [&](const char* file, std::string_view text) {
    REQUIRE(config::write_key_file(folder / file, crypto::bytes_of(text)).has_value());
  };
  CHECK(ChannelFolder{folder, registry}.current()->all().empty());
  write("a.toml", "number = 1\nprovider = \"africastalking\"\naccount = \"x\"\ntoken = \"y\"\n");
  ChannelFolder channels{folder, registry};
  REQUIRE(channels.current() != nullptr);
  CHECK(channels.current()->find(1) != nullptr);
  write("b.toml", "number = 1\n");
  CHECK(ChannelFolder{folder, registry}.current() == nullptr);
  std::filesystem::remove_all(folder);
}

}  // namespace ishara::relay
