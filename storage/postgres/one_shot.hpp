#pragma once
// A completion handler without its type, to keep in a queue and call once. With Boost 1.81's
// any_completion_handler, moved through asio::post, the writer crashed; this has no allocator and
// no executor of its own, so post it to where it belongs.

#include <memory>
#include <utility>

namespace ishara::storage::postgres {

template <class... Arguments>
class OneShot {
 public:
  template <class Handler>
  static OneShot of(Handler handler) {
    OneShot erased;
    erased.holder_ = std::make_unique<Holder<Handler>>(std::move(handler));
    return erased;
  }

  void operator()(Arguments... arguments) && {
    // The handler may destroy whoever held this.
    const auto holder = std::move(holder_);
    holder->call(std::move(arguments)...);
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void call(Arguments... arguments) = 0;
  };
  template <class Handler>
  struct Holder final : Base {
    explicit Holder(Handler&& from) : handler{std::move(from)} {}
    void call(Arguments... arguments) override { std::move(handler)(std::move(arguments)...); }
    Handler handler;
  };
  std::unique_ptr<Base> holder_;
};

}  // namespace ishara::storage::postgres
