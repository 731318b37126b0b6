#pragma once
// The replies of one language: a small strict reader of GNU .mo files, in which every entry has a
// reply id as its context (msgctxt) and the English text as its key (msgid).
// Immutable once loaded, so threads may share it.

#include <boost/system/result.hpp>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "i18n/error.hpp"

namespace ishara::i18n {

class Catalogue {
 public:
  struct Reply {
    std::string id;       // "ack.plain"
    std::string english;  // the text that was translated; its placeholders are the required ones
    std::string text;
  };

  // Reads the bytes of a .mo file; every offset, length, order and encoding is checked.
  static boost::system::result<Catalogue> parse(std::string_view bytes);
  static boost::system::result<Catalogue> load(const std::filesystem::path& file);

  // The entry of a reply id; nullptr if the language does not have it.
  const Reply* find(std::string_view id) const noexcept;
  // All entries in ascending order of their ids.
  const std::vector<Reply>& replies() const noexcept { return replies_; }

 private:
  std::vector<Reply> replies_;
};

struct Placeholder {
  std::string_view name;   // without braces: "ref"
  std::string_view value;  // inserted as it is, never searched for placeholders again
};

// `text` with every `{name}` replaced by its value. Each placeholder of the text must have a value
// and each value must be used: a reply that lost its number is not sent.
boost::system::result<std::string> fill(std::string_view text,
                                        std::span<const Placeholder> placeholders);
inline boost::system::result<std::string> fill(std::string_view text,
                                               std::initializer_list<Placeholder> placeholders) {
  return fill(text, std::span{placeholders.begin(), placeholders.size()});
}

// The names of all placeholders in `text`, in order, with repetitions; errc::unknown_placeholder
// for a lone brace.
boost::system::result<std::vector<std::string_view>> placeholders_of(std::string_view text);

}  // namespace ishara::i18n
