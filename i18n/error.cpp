#include "i18n/error.hpp"

#include <string>

namespace ishara::i18n {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ishara.i18n"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::cannot_read:
        return "the file cannot be read or is larger than 1 MiB";
      case errc::not_a_catalogue:
        return "this is not a little-endian .mo file; make it with msgfmt --endianness=little";
      case errc::broken_catalogue:
        return "the .mo file is damaged; make it again from messages.po";
      case errc::unsorted_catalogue:
        return "the entries of the .mo file are not in order; make it with msgfmt";
      case errc::not_utf8:
        return "the catalogue is not UTF-8; its header must say charset=UTF-8";
      case errc::no_context:
        return "each entry needs a reply id in msgctxt, and no plural forms";
      case errc::duplicate_reply:
        return "two entries have the same reply id";
      case errc::unknown_placeholder:
        return "the text has a placeholder without a value, or a lone brace";
      case errc::missing_placeholder:
        return "the text lacks a placeholder";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& category() noexcept {
  static const Category instance;
  return instance;
}

}  // namespace ishara::i18n
