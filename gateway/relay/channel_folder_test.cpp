#include "gateway/relay/channel_folder.hpp"

#include <doctest/doctest.h>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/primitives.hpp"
#include "tests/support/folder.hpp"

namespace ishara::relay {

TEST_CASE("the channels of a folder are loaded, none of them if one has a mistake") {
  const tests::Folder folder;
  const aggregators::Registry registry;
  const auto write = [&](const char* file, std::string_view text) {
    REQUIRE(config::write_key_file(folder / file, crypto::bytes_of(text)).has_value());
  };
  CHECK(ChannelFolder{folder.path(), registry}.current()->all().empty());
  write("a.toml", "number = 1\nprovider = \"africastalking\"\naccount = \"x\"\ntoken = \"y\"\n");
  ChannelFolder channels{folder.path(), registry};
  REQUIRE(channels.current() != nullptr);
  CHECK(channels.current()->find(1) != nullptr);
  write("b.toml", "number = 1\n");
  CHECK(ChannelFolder{folder.path(), registry}.current() == nullptr);
}

}  // namespace ishara::relay
