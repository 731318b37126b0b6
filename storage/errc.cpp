#include "storage/errc.hpp"

#include <string>

namespace ishara::storage {
namespace {

class StoreCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "storage"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::busy:
        return "too much is waiting to be stored";
      case errc::unavailable:
        return "the database cannot be reached or did not finish in time";
      case errc::refused:
        return "the database refuses this row";
      case errc::duplicate:
        return "a row of this key exists already";
      case errc::conflict:
        return "others were faster several times; try again";
      case errc::not_found:
        return "there is no such row";
      case errc::lease_lost:
        return "this user does not hold the report";
      case errc::stale_version:
        return "a roster of this or a higher version is stored already";
      case errc::schema:
        return "tables or grants are not those of this program; run `ishara migrate`";
      case errc::changed:
        return "an applied migration differs from the one in this program";
      case errc::full:
        return "the spool has no room";
      case errc::not_empty:
        return "the database is not empty";
    }
    return "unknown storage error";
  }
};

}  // namespace

const boost::system::error_category& store_category() noexcept {
  static const StoreCategory category;
  return category;
}

}  // namespace ishara::storage
